// What a breakpoint can be on beside code: data in memory, registers, MSRs and VMCS fields; and events, written as
// `port:0x3f8 write`, `msr:IA32_EFER`, `cr:3`, `vector:#PF`, `field:GUEST_RIP`, `exit:CPUID`, `entry`, `write:qword[rsp]`.

import type { Machine, Side, Watch, WatchAccess } from '../machine/types.ts';
import { EXCEPTIONS, vectorName } from '../spec/exceptions.ts';
import { msrByIndex, msrByName } from '../spec/msrs.ts';
import { vmcsFieldByEncoding, vmcsFieldByName } from '../spec/vmcs-fields.ts';
import { errorText } from './expressions/errors.ts';
import { evaluate } from './expressions/evaluator.ts';
import type { Context } from './expressions/names.ts';
import { type Expression, parseExpression } from './expressions/parser.ts';
import { canonicalRegister, registerField, registerPart } from './expressions/registers.ts';
import { exitReasonByName, exitReasonIdentifiers } from './facts.ts';
import { hex } from './format.ts';
import { addressOfPlace } from './source/places.ts';
import { formatReference, type MemoryAddress, peek, spaceOf } from './memory.ts';

export interface Subject {
  /** How a person calls it: `qword[gva:0x1000]`, `port 0x3f8`. */
  readonly text: string;
  readonly watches: readonly Watch[];
  /** Instead of watches: VM exits of these basic reasons, or VM entries. */
  readonly transition?: ReadonlySet<number> | 'entry' | undefined;
  /** The present value, for "was … is …" and to tell changes; absent for events. */
  readonly read?: ((machine: Machine) => string | undefined) | undefined;
  /** Only a different value counts. */
  readonly onlyChanges: boolean;
  /** What is told before it happens is looked at after the instruction. */
  readonly afterwards: boolean;
}

export type SubjectResult = Subject | { readonly problem: string };

/** Kinds of access as a user asks for them. */
export type Trigger = 'read' | 'write' | 'access' | 'change';

const ACCESS: Readonly<Record<Trigger, WatchAccess>> = {
  read: 'read',
  write: 'write',
  access: 'read-write',
  change: 'write',
};

/** Up to this many bytes are compared to tell a change; longer ranges stop at every write. */
export const MAX_COMPARED = 4096;
const MAX_SHOWN = 8;
const MAX_SIZE = 0xffffffffn;

/** A range of memory; guest-physical and host-physical ranges and linear ones of a side. */
export function memorySubject(at: MemoryAddress, size: bigint, trigger: Trigger): SubjectResult {
  const where = formatReference(at);
  if (size < 1n || size > MAX_SIZE)
    return { problem: `A range of ${size} bytes cannot be watched; give a size from 1 to 0xffffffff.` };
  if (at.space.kind === 'vmcs') {
    return {
      problem: `${where}: watch the VMCS field by name (GUEST_RIP, say), or the region by its host-physical address.`,
    };
  }
  const watch: Watch = {
    kind: 'memory',
    space: at.space.kind,
    ...(at.space.kind === 'linear' ? { side: at.space.side } : {}),
    address: at.address,
    size: Number(size),
    access: ACCESS[trigger],
  };
  const compared = Math.min(Number(size), MAX_COMPARED);
  return {
    text: `${size} byte${size === 1n ? '' : 's'} at ${where}`,
    watches: [watch],
    read: (machine) => bytesText(peek(machine, at, compared)),
    onlyChanges: trigger === 'change' && size <= MAX_COMPARED,
    afterwards: true,
  };
}

function bytesText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length <= MAX_SHOWN) {
    return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
      .reverse()
      .join('')}`;
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What an expression names: memory, a symbol (with `size` bytes, 8 unless given), a register, an MSR or a VMCS field. */
export function expressionSubject(text: string, trigger: Trigger, context: Context, size?: bigint): SubjectResult {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { problem: errorText(parsed.error) };
  const expression = parsed.value;
  if (expression.kind === 'memory' || expression.kind === 'address') {
    const address = evaluate(expression.address, context);
    if (!address.ok) return { problem: errorText(address.error) };
    const at = { space: spaceOf(expression.prefix, context.side), address: address.value.value };
    return memorySubject(at, size ?? (expression.kind === 'memory' ? BigInt(expression.size) : 8n), trigger);
  }
  if (expression.kind === 'name') {
    const named = nameSubject(expression.name, expression, trigger, context);
    if (named !== undefined) return named;
  }
  const value = evaluate(expression, context);
  if (!value.ok) return { problem: errorText(value.error) };
  const object = value.value.isAddress ? undefined : value.value.typed?.place;
  if (object !== undefined) {
    const at = addressOfPlace(object);
    if (at === undefined) return { problem: `"${text}" is not in memory now, or not at a whole byte of it.` };
    return memorySubject(at, size ?? BigInt(object.bits / 8), trigger);
  }
  if (!value.value.isAddress && size === undefined) {
    return {
      problem: `"${text}" is a value, not a place; name a register, a VMCS field, an MSR, a symbol or memory such as qword[${text}].`,
    };
  }
  return memorySubject(
    { space: { kind: 'linear', side: context.side }, address: value.value.value },
    size ?? 8n,
    trigger,
  );
}

/** What somebody may have written, called as it was typed. */
export function writtenSubject(text: string, context: Context): SubjectResult {
  const subject = expressionSubject(text, 'write', context);
  if ('problem' in subject) return subject;
  const [watch] = subject.watches;
  // The place stays where it is now, whatever registers and variables its address was made of.
  const isPlain = watch?.kind !== 'memory' || text.includes(watch.address.toString(16));
  return { ...subject, text: isPlain ? text.trim() : `${text.trim()} (${subject.text})` };
}

/** A register, a part or bit of one, an MSR or a VMCS field; undefined for other names. */
function nameSubject(
  name: string,
  expression: Expression,
  trigger: Trigger,
  context: Context,
): SubjectResult | undefined {
  const { machine } = context;
  const read = (): string | undefined => {
    const value = evaluate(expression, context);
    return value.ok ? hex(value.value.value) : undefined;
  };
  const field = vmcsFieldByName(name) ?? vmcsFieldByName(name.replace(/\.[^.]*$/, ''));
  if (field !== undefined) {
    const watch: Watch = { kind: 'vmcs-field', first: field.encoding, last: field.encoding, access: ACCESS[trigger] };
    return { text: name, watches: [watch], read, onlyChanges: trigger === 'change', afterwards: true };
  }
  const lower = name.toLowerCase();
  const side: Side = lower.startsWith('guest.') ? 'non-root' : lower.startsWith('host.') ? 'root' : context.side;
  const plain = lower.replace(/^(?:guest|host)\./, '');
  const whole =
    registerPart(plain)?.whole ??
    canonicalRegister(machine, plain) ??
    canonicalRegister(machine, plain.replace(/\.[^.]*$/, ''));
  if (whole === undefined) return undefined;
  if (whole === 'rip')
    return { problem: 'RIP changes with every instruction; set a breakpoint on code, or step, forwards or backwards.' };
  const msr = msrByName(whole);
  if (msr !== undefined) {
    const watch: Watch = { kind: 'msr', first: msr.index, last: msr.index, access: ACCESS[trigger] };
    return { text: msr.name, watches: [watch], read, onlyChanges: trigger === 'change', afterwards: true };
  }
  if (trigger === 'read') return { problem: `Reads of ${whole} cannot be told; changes of a register can.` };
  const held = registerField(side, whole);
  const watches: Watch[] = [
    { kind: 'register', name: whole },
    ...(held === undefined ? [] : [{ kind: 'vmcs-field', first: held, last: held, access: 'write' } as const]),
  ];
  return { text: name, watches, read, onlyChanges: true, afterwards: true };
}

// ---- Events -------------------------------------------------------------------------------------------------------------------

const EVENT = /^(port|msr|cr|vector|exception|interrupt|field|exit|entry|read|write|access|change)(?::\s*(.*))?$/is;

/** Beginnings of event breakpoints, for completion. */
export const EVENT_PREFIXES: readonly { readonly label: string; readonly detail: string }[] = [
  { label: 'port:', detail: 'I/O ports: port:0x3f8, port:0x3f8-0x3ff write' },
  { label: 'msr:', detail: 'RDMSR and WRMSR: msr:IA32_EFER write' },
  { label: 'cr:', detail: 'control registers: cr:3 write' },
  { label: 'vector:', detail: 'exceptions and interrupts: vector:#PF, vector:0x20-0x2f' },
  { label: 'field:', detail: 'VMREAD and VMWRITE: field:GUEST_RIP write' },
  { label: 'exit:', detail: 'VM exits by reason: exit:CPUID, exit:CPUID,HLT' },
  { label: 'entry', detail: 'VM entries' },
  { label: 'write:', detail: 'writes of data: write:qword[rsp]' },
  { label: 'read:', detail: 'reads of data: read:dword[gpa:0x1000]' },
  { label: 'access:', detail: 'reads and writes of data' },
  { label: 'change:', detail: 'changes of data, a register, an MSR or a VMCS field: change:rax' },
];

/** Reads an event breakpoint; undefined when the text is not one (a function's name, say). */
export function eventSubject(text: string, context: Context): SubjectResult | undefined {
  const match = EVENT.exec(text.trim());
  const kind = match?.[1]?.toLowerCase();
  if (kind === undefined || (match?.[2] === undefined) !== (kind === 'entry')) return undefined;
  const rest = match?.[2]?.trim() ?? '';
  switch (kind) {
    case 'entry':
      return { text: 'VM entry', watches: [], transition: 'entry', onlyChanges: false, afterwards: false };
    case 'exit':
      return exitSubject(rest);
    case 'read':
    case 'write':
    case 'access':
    case 'change':
      return expressionSubject(rest, kind, context);
    case 'port':
      return rangeSubject('port', 'port', rest, 0xffff, () => undefined, hex);
    case 'msr':
      return rangeSubject(
        'msr',
        'MSR',
        rest,
        0xffffffff,
        (name) => msrByName(name)?.index,
        (index) => msrByIndex(index)?.name ?? hex(index),
      );
    case 'cr':
      return rangeSubject(
        'control-register',
        'control register',
        rest.replace(/^cr/i, ''),
        8,
        () => undefined,
        (number) => `CR${number}`,
      );
    case 'field':
      return rangeSubject(
        'vmcs-field',
        'VMCS field',
        rest,
        0xffff,
        (name) => vmcsFieldByName(name)?.encoding,
        (encoding) => vmcsFieldByEncoding(encoding)?.identifier ?? hex(encoding),
      );
    default:
      return rangeSubject('vector', 'vector', rest, 255, vectorByName, vectorName);
  }
}

function vectorByName(name: string): number | undefined {
  const upper = name.toUpperCase();
  const row =
    (EXCEPTIONS as Readonly<Record<string, { vector: number }>>)[upper] ??
    (EXCEPTIONS as Readonly<Record<string, { vector: number }>>)[`#${upper}`];
  return row?.vector;
}

function exitSubject(text: string): SubjectResult {
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  if (names.length === 0)
    return { problem: 'Name the exit reasons, for example exit:CPUID or exit:CPUID,HLT; exit:any is every VM exit.' };
  const reasons = new Set<number>();
  for (const name of names) {
    const reason = /^(?:any|\*)$/i.test(name) ? 'any' : (exitReasonByName(name.toUpperCase()) ?? numberOf(name));
    if (reason === undefined)
      return { problem: `"${name}" is not an exit reason; completion lists them, and exit:any is every VM exit.` };
    if (reason === 'any')
      for (const identifier of exitReasonIdentifiers()) reasons.add(exitReasonByName(identifier) ?? 0);
    else reasons.add(reason);
  }
  return {
    text: `VM exit ${names.join(', ')}`,
    watches: [],
    transition: reasons,
    onlyChanges: false,
    afterwards: false,
  };
}

function rangeSubject(
  kind: 'port' | 'msr' | 'control-register' | 'vmcs-field' | 'vector',
  noun: string,
  text: string,
  highest: number,
  byName: (name: string) => number | undefined,
  show: (number: number) => string,
): SubjectResult {
  const match = /^(\S+?)(?:\s*-\s*(\S+))?(?:\s+(read|write|access))?$/i.exec(text);
  const number = (name: string | undefined): number | undefined =>
    name === undefined ? undefined : (byName(name) ?? numberOf(name));
  const first = number(match?.[1]);
  const last = match?.[2] === undefined ? first : number(match[2]);
  if (first === undefined || last === undefined) {
    return {
      problem: `"${text}" is not a ${noun}; write a number or a name, or a range such as 0x20-0x2f, then perhaps read or write.`,
    };
  }
  if (last < first || last > highest)
    return { problem: `A ${noun} is from 0 to ${hex(highest)}, and a range goes upwards: "${text}".` };
  const trigger = (match?.[3]?.toLowerCase() ?? 'access') as Trigger;
  const range = first === last ? show(first) : `${show(first)} to ${show(last)}`;
  const access = kind === 'vector' || trigger === 'access' ? '' : ` ${trigger}`;
  return {
    text: kind === 'vector' || kind === 'control-register' ? `${range}${access}` : `${noun} ${range}${access}`,
    watches: [{ kind, first, last, access: ACCESS[trigger] }],
    onlyChanges: false,
    afterwards: false,
  };
}

function numberOf(text: string): number | undefined {
  return /^(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(text) ? Number(text) : undefined;
}
