// asc --transform, for what the language cannot say in sources that TypeScript shares:
// - functions whose comment says @inline are inlined (AssemblyScript's own way, a top-level decorator, is an error to tsc and Biome);
// - the constants of layout.ts and slow-ids.ts are u32 (untyped they would be i32, and comparing them with u32 an error).
import * as as from 'assemblyscript';
import { Transform } from 'assemblyscript/transform';

const SHARED = /core\/(layout|slow-ids)$/;

export default class extends Transform {
  afterParse(parser) {
    for (const source of parser.sources) {
      if (source.isLibrary) continue;
      if (SHARED.test(source.internalPath)) source.statements.forEach(typeConstants);
      for (const statement of source.statements) {
        if (statement.kind !== as.NodeKind.FunctionDeclaration || !saysInline(source.text, statement.range.start))
          continue;
        const { range } = statement;
        const decorator = as.Node.createDecorator(as.Node.createIdentifierExpression('inline', range), null, range);
        statement.decorators = [...(statement.decorators ?? []), decorator];
      }
    }
  }
}

/** Whether the doc comment that ends right before `start` has the tag. */
function saysInline(text, start) {
  const before = text
    .slice(Math.max(0, start - 2000), start)
    .replace(/(export\s+)?$/, '')
    .trimEnd();
  if (!before.endsWith('*/')) return false;
  return before.slice(before.lastIndexOf('/**')).includes('@inline');
}

function typeConstants(statement) {
  if (statement.kind !== as.NodeKind.Variable) return;
  for (const declaration of statement.declarations) {
    const { range } = declaration;
    declaration.type ??= as.Node.createNamedType(as.Node.createSimpleTypeName('u32', range), null, false, range);
  }
}
