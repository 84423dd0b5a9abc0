// The parsed form of a line. Every part knows its place, for diagnostics and for editors.
import type { Expression } from './expression.ts';
import type { Form } from './encoder/forms.ts';
import type { Expansion } from './preprocessor/state.ts';
import type { Register } from './registers.ts';
import type { SourceRange, Token } from './tokens.ts';

export interface Decorators {
  readonly mask: Register | undefined;
  readonly zero: boolean;
  /** Elements that are broadcast: {1to8} gives 8; 0: none. */
  readonly broadcast: number;
  /** rn-sae, rd-sae, ru-sae, rz-sae, sae. */
  readonly rounding: string | undefined;
}

interface OperandBase {
  /** Size keyword in bits, 0: none. */
  readonly size: number;
  readonly strict: boolean;
  readonly distance: 'short' | 'near' | 'far' | undefined;
  readonly decorators: Decorators | undefined;
  readonly range: SourceRange;
}

export interface RegisterOperand extends OperandBase {
  readonly kind: 'register';
  readonly register: Register;
  /** `to st1`. */
  readonly to: boolean;
}

export interface ImmediateOperand extends OperandBase {
  readonly kind: 'immediate';
  readonly expression: Expression;
}

/** `segment:offset`. */
export interface FarOperand extends OperandBase {
  readonly kind: 'far';
  readonly segment: Expression;
  readonly expression: Expression;
}

export interface MemoryOperand extends OperandBase {
  readonly kind: 'memory';
  readonly expression: Expression;
  readonly segment: Register | undefined;
  /** Size keyword inside the brackets: of the displacement. */
  readonly displacement: number;
  /** a16, a32 or a64 inside the brackets; 0: none. */
  readonly addressSize: number;
  readonly relative: 'rel' | 'abs' | undefined;
  readonly noSplit: boolean;
}

/** A {rn-sae} that stands as an operand of its own. */
export interface RoundingOperand extends OperandBase {
  readonly kind: 'rounding';
}

export type Operand = RegisterOperand | ImmediateOperand | FarOperand | MemoryOperand | RoundingOperand;

export interface Prefix {
  readonly name: string;
  readonly range: SourceRange;
}

export type DataItem =
  | { readonly kind: 'expression'; readonly expression: Expression; readonly size: number; readonly range: SourceRange }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly range: SourceRange }
  | {
      readonly kind: 'float';
      readonly text: string;
      readonly negative: boolean;
      readonly size: number;
      readonly range: SourceRange;
    }
  | { readonly kind: 'reserved'; readonly size: number; readonly range: SourceRange }
  | {
      readonly kind: 'duplicate';
      readonly count: Expression;
      readonly items: readonly DataItem[];
      readonly range: SourceRange;
    };

export type Body =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'instruction';
      readonly prefixes: readonly Prefix[];
      readonly mnemonic: string;
      readonly name: SourceRange;
      readonly operands: readonly Operand[];
    }
  | { readonly kind: 'data'; readonly size: number; readonly items: readonly DataItem[] }
  | { readonly kind: 'reserve'; readonly size: number; readonly count: Expression }
  | {
      readonly kind: 'incbin';
      readonly path: string;
      readonly pathRange: SourceRange;
      readonly skip: Expression | undefined;
      readonly length: Expression | undefined;
    }
  | { readonly kind: 'equ'; readonly expression: Expression }
  | {
      readonly kind: 'align';
      readonly boundary: Expression;
      readonly fill: Body | undefined;
      readonly reserve: boolean;
    }
  | {
      readonly kind: 'directive';
      readonly name: string;
      readonly nameRange: SourceRange;
      readonly arguments: readonly Token[];
    };

export interface Label {
  readonly name: string;
  readonly colon: boolean;
  readonly range: SourceRange;
}

export interface Statement {
  readonly label: Label | undefined;
  /** `times` in front. */
  readonly times: Expression | undefined;
  readonly body: Body;
  readonly range: SourceRange;
  readonly expansion: Expansion | undefined;
  /** What the encoder found out in an earlier pass. */
  readonly memo: Memo;
}

export interface Memo {
  /** Forms that fit the operands, best first, for code of `bits`. */
  candidates: readonly Form[] | undefined;
  bits: number;
  /** Whether DEFAULT REL held. */
  relative: boolean;
  /** Bytes that cannot change any more. */
  bytes: Uint8Array | undefined;
  constant: boolean | undefined;
  /** Where it stood in which pass: section and offset. */
  pass: number;
  section: number;
  offset: number;
  /** Index of the longest candidate so far: from some pass on, instructions only grow. */
  chosen: number;
  /** What an editor found out about the statement; the assembler leaves it alone. */
  note: unknown;
}
