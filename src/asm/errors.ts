// Every mistake a user can make in assembly source: a function each, with a stable code, what is wrong and what to do.
import type { Severity } from './types.ts';

export interface Problem {
  readonly code: string;
  readonly message: string;
  /** Default: error. */
  readonly severity?: Severity;
}

const error = (code: string, message: string): Problem => ({ code, message });
const warning = (code: string, message: string): Problem => ({ code, message, severity: 'warning' });
const found = (text: string): string => (text === '' ? 'the line ends here' : `found "${text}"`);
const hex = (value: bigint): string => (value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);

// Words and expressions
export const badToken = (reason: string): Problem => error('bad-token', reason);
export const expected = (what: string, text: string): Problem =>
  error('expected', `expected ${what}, but ${found(text)}`);
export const notANumber = (text: string): Problem =>
  error('bad-number', `"${text}" is not a number; write 31, 0x1F, 1Fh, 0b11111 or 37q`);
export const floatInExpression = (text: string): Problem =>
  error(
    'float-in-expression',
    `"${text}" is a floating-point number, which is allowed only as a value of dw, dd, dq, dt or do`,
  );
export const badEscape = (sequence: string, reason: string): Problem =>
  error('bad-escape', `"${sequence}" ${reason}; write \\\\ for a backslash`);
export const segUnsupported = (): Problem =>
  error(
    'seg-unsupported',
    'SEG needs an object format with segments; a flat program has none, so write the segment value as a number',
  );
export const wrtUnsupported = (): Problem =>
  error('wrt-unsupported', 'WRT needs an object format with segments; a flat program has none');
export const nestedTooDeep = (): Problem =>
  error('nested-too-deep', 'this expression is nested too deeply or has too many operators');
export const mustBeConstant = (): Problem =>
  error(
    'must-be-constant',
    'the value must be a plain number that is known here; an address is not (the difference of two labels is)',
  );
export const undefinedSymbol = (name: string, hint: string | undefined): Problem =>
  error(
    'undefined-symbol',
    hint === undefined ? `"${name}" is not defined` : `"${name}" is not defined; did you mean "${hint}"?`,
  );
export const notYetDefined = (name: string): Problem =>
  error('not-yet-defined', `"${name}" must be defined above this line, because the preprocessor needs its value now`);

// Preprocessor
export const noContext = (text: string, depth: number): Problem =>
  error(
    'no-context',
    `"${text}" needs a context, and ${depth === 0 ? 'no %push is open here' : `only ${depth} are open here`}`,
  );
export const macroArgumentsUnclosed = (name: string): Problem =>
  error('arguments-unclosed', `the arguments of "${name}" have no closing parenthesis`);
export const indirectionUnclosed = (): Problem => error('indirection-unclosed', '"%[" has no closing "]"');
export const wrongParameterCount = (name: string, count: number, wanted: string): Problem =>
  error('macro-parameters', `the macro "${name}" takes ${wanted} parameters, not ${count}`);
export const badConditionCode = (text: string): Problem =>
  error('bad-condition-code', `"${text}" needs a condition code such as z, ne or ae as its argument`);
export const macroTooDeep = (name: string): Problem =>
  error('macro-too-deep', `macro calls are nested more than 200 deep at "${name}"`);
export const noMacroCall = (text: string): Problem =>
  error('no-macro-call', `"${text}" has a meaning only inside a %macro`);
export const elseTwice = (name: string): Problem =>
  error('else-twice', `"${name}" after %else: the branches of one %if end with %else`);
export const withoutIf = (name: string): Problem =>
  error('without-if', `"${name}" without an %if above it in the same file or macro`);
export const unknownCondition = (name: string): Problem =>
  error(
    'unknown-condition',
    `"${name}" is no condition that this assembler knows; there are %if, %ifdef, %ifmacro, %ifctx, %ifidn, %ifidni, %ifid, %ifnum, %ifstr, %iftoken, %ifempty and their %ifn forms`,
  );
export const badMacroHeader = (name: string): Problem =>
  error(
    'bad-macro',
    `"${name}" is followed by a name and how many parameters it takes: %macro name 2, %macro name 1-3, %macro name 1+`,
  );
export const badStringOperand = (name: string): Problem =>
  error('string-expected', `"${name}" needs a text in quotes here`);
export const includeNotFound = (path: string): Problem =>
  error(
    'include-not-found',
    `the file "${path}" was not found; the path is relative to this file or to the folder of the main file`,
  );
export const includeTooDeep = (path: string): Problem =>
  error('include-too-deep', `"${path}" would be the 65th file inside another; files must not include themselves`);
export const needsName = (directive: string): Problem => error('name-expected', `"${directive}" needs a name after it`);
export const notInsideMacro = (name: string): Problem =>
  error('not-in-macro', `"${name}" has a meaning only inside a %macro`);
export const notInsideRepeat = (): Problem => error('not-in-rep', '"%exitrep" has a meaning only inside a %rep');
export const repeatCount = (count: bigint): Problem =>
  error('rep-count', `${count} repetitions are more than the limit of 1,000,000`);
export const unknownDirective = (name: string): Problem =>
  error('unknown-directive', `"${name}" is no preprocessor directive`);
export const unsupportedDirective = (name: string, advice: string): Problem =>
  error('unsupported-directive', `"${name}" is not supported by this assembler: ${advice}`);
export const userError = (text: string): Problem => error('user-error', text);
export const userFatal = (text: string): Problem => error('user-fatal', text);
export const userWarning = (text: string): Problem => warning('user-warning', text);
export const withoutOpening = (name: string, opening: string): Problem =>
  error('without-opening', `"${name}" without a matching ${opening}`);
export const endMissing = (opened: string): Problem =>
  error(
    'end-missing',
    `this "${opened}" has no matching ${opened.startsWith('%if') ? '%endif' : opened === '%rep' ? '%endrep' : '%endmacro'}`,
  );
export const macroTooLarge = (name: string): Problem =>
  error('macro-too-large', `what "${name}" stands for has more than 100000 words; is it defined by itself?`);
export const tooMuchExpanded = (): Problem =>
  error('macro-too-large', 'the macros of this program become too many words; is there one that never ends?');
export const stringTooLong = (limit: number): Problem =>
  error('string-too-long', `this string would have more than ${limit} characters`);
export const tooManyLines = (limit: number): Problem =>
  error('too-many-lines', `the macros wrote more than ${limit} lines; is there one that never ends?`);

// Statements
export const instructionExpected = (text: string, labelled: boolean): Problem =>
  error(
    'unknown-instruction',
    `"${text}" is neither an instruction nor a directive nor a macro${labelled ? '' : '; a label needs a colon'}`,
  );
export const notAnOperand = (text: string): Problem =>
  error('operand-expected', `expected an operand, but ${found(text)}`);
export const pointerKeyword = (): Problem =>
  error('ptr-keyword', 'NASM has no PTR: write "dword [x]" instead of "dword ptr [x]"');
export const segmentOutside = (name: string): Problem =>
  error('segment-outside', `the segment override goes inside the brackets: [${name.toLowerCase()}:…]`);
export const unclosedBracket = (): Problem => error('bracket-unclosed', '"[" has no closing "]"');
export const badDecorator = (text: string): Problem =>
  error(
    'bad-decorator',
    `"{${text}}" is no decorator; there are {k1} to {k7}, {z}, {1to2} to {1to32}, {sae} and {rn-sae}, {rd-sae}, {ru-sae}, {rz-sae}`,
  );
export const symbolTwice = (name: string, where: string): Problem =>
  error('symbol-twice', `"${name}" is already defined at ${where}`);
export const orphanLabel = (name: string, instruction: string | undefined): Problem =>
  warning(
    'orphan-label',
    instruction === undefined
      ? `"${name}" stands alone on its line without a colon; a misspelled instruction would look the same`
      : `"${name}" stands alone on its line and is taken for a label; did you mean the instruction "${instruction}"?`,
  );
export const localWithoutParent = (name: string): Problem =>
  error('local-without-parent', `the local label "${name}" has no ordinary label above it`);
export const labelNeeded = (name: string): Problem => error('label-needed', `"${name}" needs a name in front of it`);
export const badCount = (what: string): Problem =>
  error(
    'bad-count',
    `the count of "${what}" must be a plain number that is known; labels in it must lie in one section`,
  );
export const negativeCount = (what: string, value: bigint): Problem =>
  error('negative-count', `the count of "${what}" is ${value}: what comes before is ${-value} too long`);
export const hugeCount = (what: string, value: bigint): Problem =>
  error('huge-count', `the count of "${what}" is ${value}, which would make the program larger than 256 MiB`);
export const programTooLarge = (limit: number, edited: boolean): Problem =>
  edited
    ? warning('program-too-large', `the program has more than ${limit / 2 ** 20} MiB: what follows is not looked at`)
    : error('program-too-large', `the program has more than ${limit / 2 ** 20} MiB`);
export const badAlignment = (value: bigint): Problem => error('bad-alignment', `${value} is no power of two`);
export const unknownDirectiveWord = (name: string): Problem =>
  error('unknown-directive', `"${name}" is no directive of this assembler`);
export const badBits = (text: string): Problem => error('bad-bits', `BITS takes 16, 32 or 64, not "${text}"`);
export const badOrigin = (): Problem =>
  error('bad-origin', 'ORG takes one plain number, the address of the first byte');
export const secondOrigin = (): Problem => error('second-origin', 'ORG can be given only once');
export const badDefault = (text: string): Problem => error('bad-default', `DEFAULT takes REL or ABS, not "${text}"`);
export const externUnsupported = (name: string): Problem =>
  error(
    'extern-unsupported',
    `EXTERN ${name}: a flat program is not linked with anything; define "${name}" here or %include the file that does`,
  );
export const commonUnsupported = (): Problem =>
  error('common-unsupported', 'COMMON needs a linker; reserve the space in section .bss instead');
export const badSection = (text: string): Problem =>
  error(
    'bad-section',
    `"${text}" is no section attribute; there are align=, start=, vstart=, follows=, vfollows=, progbits, nobits, and code, data, exec, write`,
  );
export const unknownSection = (name: string): Problem => error('unknown-section', `there is no section "${name}"`);
export const sectionOverlap = (a: string, b: string): Problem =>
  error('section-overlap', `the sections ${a} and ${b} overlap`);
export const sectionBelowOrigin = (name: string): Problem =>
  error('section-below-origin', `section ${name} starts below the origin of the program`);
export const codeInReserved = (name: string): Problem =>
  warning(
    'initialised-in-nobits',
    `section ${name} holds no bytes in the image, so this value is lost; use resb and its relatives`,
  );
export const reservedInProgram = (name: string): Problem =>
  warning('reserved-in-progbits', `space reserved in section ${name} is filled with zeros in the image`);
export const initialisedInAbsolute = (): Problem =>
  error('bytes-in-absolute', 'only resb and its relatives are possible after ABSOLUTE or inside STRUC');
export const structureOpen = (name: string): Problem => error('struc-open', `the structure "${name}" has no ENDSTRUC`);
export const noStructure = (directive: string): Problem =>
  error('no-struc', `"${directive}" without ${directive === 'endstruc' ? 'STRUC' : 'ISTRUC'}`);
export const binaryNotFound = (path: string): Problem => error('incbin-not-found', `the file "${path}" was not found`);
export const floatFormat = (text: string, bits: number): Problem =>
  error('bad-float', `"${text}" cannot be a ${bits}-bit floating-point number`);
export const notAnAddressHere = (): Problem =>
  error('not-a-value', 'this must be a number or one address; registers and sums of addresses are not');
export const dataRange = (value: bigint, bits: number): Problem =>
  warning('data-range', `${value} (${hex(value)}) does not fit in ${bits} bits and is cut off`);
export const integerTooWide = (bits: number): Problem =>
  error('integer-too-wide', `an integer has 64 bits at most, not ${bits}: use dq twice, or a floating-point number`);
export const noConvergence = (): Problem =>
  error(
    'no-convergence',
    'the program never settles: a size depends on itself through labels; use explicit sizes such as "strict near"',
  );

// Operands and encoding
export const unknownInstruction = (name: string, suggestion: string | undefined): Problem =>
  error(
    'unknown-instruction',
    suggestion === undefined
      ? `there is no instruction "${name}"`
      : `there is no instruction "${name}"; did you mean "${suggestion}"?`,
  );
export const operandCount = (name: string, count: number, wanted: readonly number[]): Problem =>
  error('operand-count', `"${name}" takes ${[...wanted].sort((a, b) => a - b).join(' or ')} operands, not ${count}`);
export const notInThisMode = (name: string, bits: number): Problem =>
  error('not-in-mode', `this form of "${name}" does not exist in ${bits}-bit code`);
export const sizeMissing = (name: string): Problem =>
  error(
    'size-missing',
    `"${name}" could mean several sizes of memory: write byte, word, dword or qword in front of the brackets`,
  );
export const sizeMismatch = (name: string): Problem =>
  error('size-mismatch', `the operands of "${name}" have different sizes`);
export const noSuchOperands = (name: string, given: string, forms: string): Problem =>
  error('bad-operands', `"${name}" does not take ${given}; it takes ${forms}`);
export const addressTooComplex = (): Problem =>
  error('bad-address', 'an address is at most base + index * 1, 2, 4 or 8 + number, with one label');
export const badBase = (name: string): Problem =>
  error('bad-address', `${name.toUpperCase()} cannot be part of an address here`);
export const badIndex = (name: string): Problem =>
  error('bad-address', `${name.toUpperCase()} cannot be an index register`);
export const badScale = (scale: bigint): Problem =>
  error('bad-address', `an index can be multiplied by 1, 2, 4 or 8, not ${scale}`);
export const addressSizes = (a: string, b: string): Problem =>
  error('bad-address', `${a.toUpperCase()} and ${b.toUpperCase()} have different sizes and cannot be in one address`);
export const noAddressing16 = (name: string): Problem =>
  error('bad-address', `16-bit addressing (${name.toUpperCase()}) does not exist in 64-bit code`);
export const ripRelativeImpossible = (): Problem => error('rel-outside-64', 'REL addresses exist only in 64-bit code');
export const registerOnlyIn64 = (): Problem => error('register-only-in-64', 'this register exists only in 64-bit code');
export const byteRegisterWithRex = (name: string): Problem =>
  error(
    'high-byte-with-rex',
    `${name.toUpperCase()} cannot be used together with registers or sizes that need a REX prefix`,
  );
export const immediateRange = (value: bigint, bits: number, what: string): Problem =>
  warning('number-range', `the ${what} ${value} (${hex(value)}) does not fit in ${bits} bits and is cut off`);
export const relocationTooLarge = (value: bigint, bits: number): Problem =>
  warning('address-range', `the address ${hex(value)} does not fit in ${bits} bits`);
export const jumpOutOfRange = (distance: bigint): Problem =>
  error(
    'jump-range',
    `the target is ${distance < 0n ? -distance : distance} bytes away, too far for this jump; leave out "short" or jump around`,
  );
export const farOutOfRange = (value: bigint): Problem =>
  error('selector-range', `the segment ${hex(value)} does not fit in 16 bits`);
export const prefixTwice = (name: string): Problem =>
  error('prefix-twice', `"${name}": there is already a prefix of this kind`);

export const notScalarOperand = (operator: string): Problem =>
  error(
    'not-scalar',
    `"${operator}" needs plain numbers, but this is an address or register; the difference of two labels of one section is a plain number`,
  );
export const divisionByZero = (operator: string): Problem =>
  error('division-by-zero', `division by zero in "${operator}"`);
export const badAddress = (reason: string): Problem => error('bad-address', reason);
export const pastField = (bytes: number): Problem =>
  error('past-field', `the structure is already ${bytes} bytes past this field`);
