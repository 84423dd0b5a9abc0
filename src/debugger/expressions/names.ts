// What a name in an expression means: registers, VMCS fields, exit and entry records, exit reasons, MSRs, symbols.

import type { Machine, Side } from '../../machine/types.ts';
import { plainType } from '../../program/debug-types.ts';
import type { Image } from '../../program/image.ts';
import { fieldMask, fieldValue } from '../../spec/bits.ts';
import { vmcsFieldByName } from '../../spec/vmcs-fields.ts';
import { type BitField, exitReasonByName, exitReasonTitle, layoutOfField, layoutOfRegister } from '../facts.ts';
import { addressValue, enumeratorValue, memberOf, objectValue } from '../source/operations.ts';
import { type Place as ObjectPlace, writePlace } from '../source/places.ts';
import type { SourceScope } from '../source/scope.ts';
import { fail } from './errors.ts';
import { canonicalRegister, readSideRegister, registerBits, registerPart, writeSideRegister } from './registers.ts';
import { suggestion } from './suggestions.ts';
import { unsigned, type Value } from './values.ts';
import { ENTRY_EXPRESSIONS, EXIT_EXPRESSIONS, isRecorded, OTHER_EXPRESSIONS } from './words.ts';

const EXIT_EXPRESSION_SET: ReadonlySet<string> = new Set<string>(EXIT_EXPRESSIONS);

/** What an expression is evaluated against. */
export interface Context {
  readonly machine: Machine;
  /** The side whose registers plain names mean. */
  readonly side: Side;
  /** For the names of addresses in texts. */
  readonly image?: Image | undefined;
  /** Address of a symbol of the program, or undefined. */
  readonly addressOf: (name: string) => bigint | undefined;
  /** Names of all symbols, for completion. */
  readonly symbols?: () => readonly string[];
  /** Variables, types and enumerators of the program, as they are seen where the expression is evaluated. */
  readonly source?: SourceScope | undefined;
  /** How often the breakpoint or filter was met, this time included. */
  readonly hits?: number | undefined;
}

interface Place {
  readonly position: number;
  readonly length: number;
}

/** Value of a name; throws ExpressionFailure. */
export function resolveName(name: string, context: Context, at: Place): Value {
  const found = lookUp(name, context, at);
  if (found !== undefined) return found;
  return fail('unknown-name', unknownName(name, context), at.position, at.length);
}

function lookUp(name: string, context: Context, at: Place): Value | undefined {
  if (name.startsWith('$')) return symbol(name.slice(1), context);
  // A variable that the code at hand sees is what its author means by the name; guest. and host. name registers in any case.
  const local = localPlace(name, context, at);
  if (local !== undefined) return objectValue(context.machine, local, name, at);
  const reason = exitReasonByName(name);
  if (reason !== undefined) return reasonValue(reason);
  const lower = name.toLowerCase();
  if (lower.startsWith('exit.')) return exitValue(lower, context, at);
  if (lower.startsWith('entry.')) return entryValue(lower, context, at);
  const special = specialValue(lower, context, at);
  if (special !== undefined) return special;
  const { side, rest } = splitSide(lower, context);
  const register = registerValue(rest, side, context, at, rest !== lower);
  if (register !== undefined) return register;
  const field = fieldValueByName(name, context, at);
  if (field !== undefined) return field;
  const global = globalPlace(name, context, at);
  if (global !== undefined) return objectValue(context.machine, global, name, at);
  const enumerator = context.source?.enumerator(name);
  if (enumerator !== undefined) return enumeratorValue(enumerator.value, enumerator.type);
  return symbol(name, context) ?? bitValue(name, context, at) ?? processorValue(lower, context) ?? truthValue(name);
}

function truthValue(name: string): Value | undefined {
  return name === 'true' ? unsigned(1n, 8) : name === 'false' ? unsigned(0n, 8) : undefined;
}

/** `cpu`, unless the program means something by it: the number of the logical processor. */
function processorValue(lower: string, { machine }: Context): Value | undefined {
  return lower === 'cpu' || lower === 'cpu.number' ? unsigned(BigInt(machine.processor()), 32) : undefined;
}

/** The local variable or parameter, or the member of one, that a name means. */
function localPlace(name: string, context: Context, at: Place): ObjectPlace | undefined {
  const { source } = context;
  return source === undefined || isSideName(name, context)
    ? undefined
    : dotted(name, (first) => source.local(first), context, at);
}

function globalPlace(name: string, context: Context, at: Place): ObjectPlace | undefined {
  const { source } = context;
  return source === undefined || isSideName(name, context)
    ? undefined
    : dotted(name, (first) => source.global(first), context, at);
}

/** `guest.rip`, `host.cr0.pg`: a register of a side or a bit of one, whatever variables there are. */
function isSideName(name: string, context: Context): boolean {
  return /^(?:guest|host)\./i.test(name) && (isMachineName(name, context) || bitOf(name) !== undefined);
}

/** `vm.registers.rax` is one word to the lexer: a variable and members. */
function dotted(
  name: string,
  find: (first: string) => ObjectPlace | undefined,
  context: Context,
  at: Place,
): ObjectPlace | undefined {
  const whole = find(name);
  if (whole !== undefined || !name.includes('.')) return whole;
  const [first = '', ...members] = name.split('.');
  let place = find(first);
  for (const member of members) {
    if (place === undefined) return undefined;
    place = memberOf(context.machine, objectValue(context.machine, place, name, at), member, context.side, at);
  }
  return place;
}

/** The object of the program that a name means, when it means one. */
export function placeOfName(name: string, context: Context, at: Place): ObjectPlace | undefined {
  if (name.startsWith('$')) return undefined;
  const local = localPlace(name, context, at);
  if (local !== undefined || isMachineName(name, context)) return local;
  return globalPlace(name, context, at);
}

/** Registers, VMCS fields, reasons and the like come before variables of file scope. */
function isMachineName(name: string, context: Context): boolean {
  const lower = name.toLowerCase();
  const { rest } = splitSide(lower, context);
  return (
    exitReasonByName(name) !== undefined ||
    isRecorded(lower) ||
    registerPart(rest) !== undefined ||
    canonicalRegister(context.machine, rest) !== undefined ||
    vmcsFieldByName(name) !== undefined
  );
}

/** `&name`: where an object or symbol is. */
export function addressOfName(name: string, context: Context, at: Place): Value | undefined {
  const place = placeOfName(name, context, at);
  return place === undefined ? symbol(name, context) : addressValue(place, name, at);
}

const REASON_VALUES = new Map<number, Value>();

function reasonValue(reason: number): Value {
  const value = REASON_VALUES.get(reason) ?? { ...unsigned(BigInt(reason), 16), text: exitReasonTitle(reason) };
  REASON_VALUES.set(reason, value);
  return value;
}

function splitSide(lower: string, context: Context): { side: Side; rest: string } {
  if (lower.startsWith('guest.')) return { side: 'non-root', rest: lower.slice(6) };
  if (lower.startsWith('host.')) return { side: 'root', rest: lower.slice(5) };
  return { side: context.side, rest: lower };
}

function registerValue(name: string, side: Side, context: Context, at: Place, mustExist: boolean): Value | undefined {
  const part = registerPart(name);
  const known = part?.whole ?? canonicalRegister(context.machine, name);
  const whole = known ?? name;
  const value = known === undefined ? undefined : readSideRegister(context.machine, side, known);
  if (value !== undefined) {
    const bits = part?.bits ?? registerBits(whole);
    return unsigned(BigInt.asUintN(bits, value >> BigInt(part?.shift ?? 0)), bits);
  }
  if (known === undefined && !mustExist) return undefined;
  if (known === undefined) {
    const parent = bitValue(`${side === 'root' ? 'host' : 'guest'}.${name}`, context, at);
    return parent ?? fail('unknown-name', `There is no register \`${name}\`.`, at.position, at.length);
  }
  const which = side === 'root' ? 'host' : 'guest';
  const why =
    context.machine.currentVmcs() === undefined
      ? `there is no current VMCS, so the ${which} is not known`
      : `the VMCS does not hold it, and the ${which} does not run`;
  return fail('unavailable', `\`${whole}\` of the ${which} cannot be told: ${why}.`, at.position, at.length);
}

function fieldValueByName(name: string, context: Context, at: Place): Value | undefined {
  const field = vmcsFieldByName(name);
  if (field === undefined) return undefined;
  const value = context.machine.readVmcs(field.encoding);
  if (value === undefined) fail('unavailable', fieldUnavailable(field.identifier, context), at.position, at.length);
  return unsigned(value, field.width === 'natural' ? 64 : field.width);
}

function fieldUnavailable(identifier: string, context: Context): string {
  return context.machine.currentVmcs() === undefined
    ? `\`${identifier}\` cannot be read: there is no current VMCS; VMPTRLD makes one current.`
    : `\`${identifier}\` does not exist on this processor.`;
}

function exitValue(lower: string, context: Context, at: Place): Value | undefined {
  if (!EXIT_EXPRESSION_SET.has(lower)) {
    return fail(
      'unknown-name',
      `There is no \`${lower}\`; there are ${EXIT_EXPRESSIONS.join(', ')}.`,
      at.position,
      at.length,
    );
  }
  const exit = context.machine.lastExit();
  if (exit === undefined) return fail('unavailable', 'There was no VM exit yet.', at.position, at.length);
  switch (lower) {
    case 'exit.reason':
      return reasonValue(exit.reason & 0xffff);
    case 'exit.qualification':
      return unsigned(exit.qualification);
    case 'exit.length':
      return unsigned(BigInt(exit.instructionLength), 32);
    case 'exit.instruction_info':
      return unsigned(BigInt(exit.instructionInfo >>> 0), 32);
    case 'exit.interruption_info':
      return unsigned(BigInt(exit.interruptionInfo >>> 0), 32);
    case 'exit.interruption_error':
      return unsigned(BigInt(exit.interruptionError >>> 0), 32);
    case 'exit.idt_vectoring_info':
      return unsigned(BigInt(exit.idtVectoringInfo >>> 0), 32);
    case 'exit.idt_vectoring_error':
      return unsigned(BigInt(exit.idtVectoringError >>> 0), 32);
    case 'exit.guest_linear':
      return unsigned(exit.guestLinear);
    case 'exit.guest_physical':
      return unsigned(exit.guestPhysical);
    case 'exit.number':
      return unsigned(BigInt(exit.number));
    case 'exit.processor':
      return unsigned(BigInt(exit.processor), 32);
    case 'exit.time':
      return unsigned(BigInt(exit.time));
    case 'exit.rip':
      return unsigned(exit.guestRip);
    default:
      return unsigned(exit.vmcs);
  }
}

function entryValue(lower: string, context: Context, at: Place): Value | undefined {
  if (!(ENTRY_EXPRESSIONS as readonly string[]).includes(lower)) {
    return fail(
      'unknown-name',
      `There is no \`${lower}\`; there are ${ENTRY_EXPRESSIONS.join(', ')}.`,
      at.position,
      at.length,
    );
  }
  const entry = context.machine.lastEntry();
  if (entry === undefined) return fail('unavailable', 'There was no VM entry yet.', at.position, at.length);
  switch (lower) {
    case 'entry.number':
      return unsigned(BigInt(entry.number));
    case 'entry.time':
      return unsigned(BigInt(entry.time));
    case 'entry.rip':
      return unsigned(entry.guestRip);
    case 'entry.host_rip':
      return unsigned(entry.hostRip);
    case 'entry.injected':
      return unsigned(BigInt(entry.injected >>> 0), 32);
    default:
      return unsigned(entry.vmcs);
  }
}

function specialValue(lower: string, context: Context, at: Place): Value | undefined {
  switch (lower) {
    case 'hits':
      if (context.hits === undefined) {
        return fail(
          'unavailable',
          '`hits` has a meaning only in the condition of a breakpoint or filter.',
          at.position,
          at.length,
        );
      }
      return unsigned(BigInt(context.hits), 32);
    case 'time':
      return unsigned(BigInt(context.machine.time()));
    case 'exits':
      return unsigned(BigInt(context.machine.exitCount()));
    case 'entries':
      return unsigned(BigInt(context.machine.entryCount()));
    case 'root':
      return unsigned(context.machine.side() === 'root' ? 1n : 0n, 1);
    case 'vmcs': {
      const pointer = context.machine.currentVmcs();
      if (pointer === undefined)
        return fail('unavailable', 'There is no current VMCS; VMPTRLD makes one current.', at.position, at.length);
      return unsigned(pointer);
    }
    default:
      return undefined;
  }
}

function symbol(name: string, context: Context): Value | undefined {
  const address = context.addressOf(name);
  return address === undefined ? undefined : { ...unsigned(address), isAddress: true };
}

/** `rflags.zf`, `GUEST_CR0.PG`, `PRIMARY….HLT_exiting`: a named group of bits. Spaces and signs of SDM names become `_`. */
function bitValue(name: string, context: Context, at: Place): Value | undefined {
  const found = bitOf(name);
  if (found === undefined) return undefined;
  const whole = resolveName(found.whole, context, at);
  return unsigned(fieldValue(found.bit, whole.value), found.bit.high - found.bit.low + 1);
}

function bitOf(name: string): { whole: string; bit: BitField } | undefined {
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return undefined;
  const whole = name.slice(0, dot);
  const layout = layoutOfField(whole) ?? layoutOfRegister(whole.toLowerCase().replace(/^(?:guest|host)\./, ''));
  const wanted = bitIdentifier(name.slice(dot + 1));
  const bit = layout?.find((candidate) => bitIdentifier(candidate.name) === wanted);
  return bit === undefined ? undefined : { whole, bit };
}

/** How a bit's SDM name is written in an expression, in lower case. */
export function bitIdentifier(name: string): string {
  return name
    .replace(/\s*\(.*\)$/, '')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toLowerCase();
}

/** Writes what a name means; throws ExpressionFailure. */
export function assignName(name: string, value: bigint, context: Context, at: Place): void {
  const refused = writeName(name, value, context, at);
  if (refused !== undefined) fail('write-refused', refused, at.position, at.length);
}

function writeName(name: string, value: bigint, context: Context, at: Place): string | undefined {
  const { machine } = context;
  const object = placeOfName(name, context, at);
  if (object !== undefined) {
    const { kind } = plainType(object.type);
    const aggregate = kind === 'record' || kind === 'array';
    if (aggregate) return 'A structure or array cannot be assigned to: assign to its parts.';
    return writePlace(machine, object, value);
  }
  const lower = name.toLowerCase();
  const { side, rest } = splitSide(lower, context);
  const part = registerPart(rest);
  if (part !== undefined) {
    const mask = ((1n << BigInt(part.bits)) - 1n) << BigInt(part.shift);
    const old = resolveName(
      side === context.side ? part.whole : `${side === 'root' ? 'host' : 'guest'}.${part.whole}`,
      context,
      at,
    );
    // A 32-bit write clears the upper half, as the processor's own writes do.
    const kept = part.bits === 32 ? 0n : old.value & ~mask;
    return writeSideRegister(machine, side, part.whole, kept | ((value << BigInt(part.shift)) & mask));
  }
  const register = canonicalRegister(machine, rest);
  if (register !== undefined) return writeSideRegister(machine, side, register, value);
  const field = vmcsFieldByName(name);
  if (field !== undefined) {
    if (machine.currentVmcs() === undefined) return fieldUnavailable(field.identifier, context);
    return machine.writeVmcs(field.encoding, value);
  }
  const bits = bitOf(name);
  if (bits !== undefined) {
    const whole = resolveName(bits.whole, context, at).value;
    const mask = fieldMask(bits.bit);
    return writeName(bits.whole, (whole & ~mask) | ((value << BigInt(bits.bit.low)) & mask), context, at);
  }
  if (context.addressOf(name) !== undefined) {
    return `\`${name}\` is a symbol: its address cannot change. To write there, assign to dword[${name}] or qword[${name}].`;
  }
  if (isRecorded(lower) || exitReasonByName(name) !== undefined)
    return `\`${name}\` cannot be assigned to: it says what happened.`;
  return unknownName(name, context);
}

function unknownName(name: string, context: Context): string {
  const meant = suggestion(name, context, [...EXIT_EXPRESSIONS, ...ENTRY_EXPRESSIONS, ...OTHER_EXPRESSIONS]);
  return `\`${name}\` is not a register, VMCS field, MSR, exit reason or symbol of the program.${meant}`;
}
