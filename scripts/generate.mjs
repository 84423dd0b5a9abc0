// Writes every generated file from the tables it derives from. `--check` writes nothing and fails when one is out of date.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formsSource } from './asm-forms.mjs';
import { labPrograms } from './generate/labs.mjs';
import { gasGrammar, listingGrammar } from './generate/gas-grammar.mjs';
import { instructionFactsSource } from './generate/instruction-facts.mjs';
import { FLOW, mnemonics, nasmGrammar, registers, VMX } from './generate/nasm-grammar.mjs';
import { referencePages } from './generate/reference.mjs';
import { loadSources } from './generate/spec.mjs';
import { vmxInclude } from './generate/vmx-include.mjs';
import { vmcsOffsetsSource } from './generate-core.mjs';
import { ROOT } from './lib/run.mjs';

/** @returns {Promise<{path: string, text: string}[]>} every generated file that is committed */
export async function generatedFiles() {
  const { VMCS_FIELD_LIST } = await loadSources(['src/spec/vmcs-fields.ts']);
  const assembler = await loadSources(['src/asm/words.ts']);
  const identifiers = VMCS_FIELD_LIST.map((field) => field.identifier);
  return [
    { path: 'src/core/generated/vmcs-offsets.ts', text: await vmcsOffsetsSource() },
    { path: 'src/asm/encoder/generated/forms.ts', text: formsSource() },
    { path: 'src/spec/generated/instruction-facts.ts', text: instructionFactsSource() },
    {
      path: 'syntaxes/nasm.tmLanguage.json',
      text: `${JSON.stringify(nasmGrammar(identifiers, assembler), null, 2)}\n`,
    },
    {
      path: 'syntaxes/gas.tmLanguage.json',
      text: `${JSON.stringify(gasGrammar({ mnemonics: mnemonics(), registers: registers(), vmx: VMX, flow: FLOW, vmcs: identifiers }), null, 2)}\n`,
    },
    { path: 'syntaxes/listing.tmLanguage.json', text: `${JSON.stringify(listingGrammar(), null, 2)}\n` },
    { path: 'samples/include/vmx.inc', text: await vmxInclude() },
    ...labPrograms(),
    ...(await referencePages()),
  ];
}

/** Paths of generated files whose committed text differs from what the tables give now. */
export async function outdatedFiles() {
  const files = await generatedFiles();
  return files
    .filter(({ path, text }) => !existsSync(join(ROOT, path)) || readFileSync(join(ROOT, path), 'utf8') !== text)
    .map(({ path }) => path);
}

async function main() {
  if (process.argv.includes('--check')) {
    const outdated = await outdatedFiles();
    for (const path of outdated) {
      process.stderr.write(`${path} is out of date: run npm run generate\n`);
    }
    process.exitCode = outdated.length === 0 ? 0 : 1;
    return;
  }
  const outdated = new Set(await outdatedFiles());
  for (const { path, text } of await generatedFiles()) {
    if (outdated.has(path)) {
      mkdirSync(dirname(join(ROOT, path)), { recursive: true });
      writeFileSync(join(ROOT, path), text);
      process.stdout.write(`wrote ${path}\n`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main();
}
