// What somebody may have written: memory, a register, an MSR or a VMCS field, as an expression names it.

import type { Machine, Side, Watch } from '../../machine/types.ts';
import { msrByName } from '../../spec/msrs.ts';
import { vmcsFieldByName } from '../../spec/vmcs-fields.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluate } from '../expressions/evaluator.ts';
import type { Context } from '../expressions/names.ts';
import { type Expression, parseExpression } from '../expressions/parser.ts';
import { canonicalRegister, registerField, registerPart } from '../expressions/registers.ts';
import { hex, littleEndian } from '../format.ts';
import { peek, spaceOf } from '../memory.ts';

export interface Written {
  /** How a person calls it. */
  readonly text: string;
  readonly watches: readonly Watch[];
  /** Its present value. */
  readonly read: (machine: Machine) => string | undefined;
}

export function writtenPlace(text: string, context: Context): Written | { readonly problem: string } {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { problem: errorText(parsed.error) };
  const expression = parsed.value;
  const read = (): string | undefined => {
    const value = evaluate(expression, context);
    return value.ok ? hex(value.value.value) : undefined;
  };
  if (expression.kind === 'memory') {
    const watch = memoryWatch(expression, context);
    if ('problem' in watch) return watch;
    const at = { space: spaceOf(expression.prefix, context.side), address: watch.address };
    // The place stays where it is now, whatever registers its address was made of.
    return {
      text,
      watches: [watch],
      read: (machine) => {
        const bytes = peek(machine, at, watch.size);
        return bytes.length < watch.size ? undefined : hex(littleEndian(bytes));
      },
    };
  }
  const watches = expression.kind === 'name' ? nameWatches(expression.name, context) : undefined;
  if (watches === undefined)
    return { problem: `"${text}" is no place; name a register, a VMCS field, an MSR, or memory such as qword[rsp].` };
  if ('problem' in watches) return watches;
  return { text, watches, read };
}

function memoryWatch(
  expression: Expression & { kind: 'memory' },
  context: Context,
): (Watch & { kind: 'memory' }) | { readonly problem: string } {
  const address = evaluate(expression.address, context);
  if (!address.ok) return { problem: errorText(address.error) };
  const space = spaceOf(expression.prefix, context.side);
  if (space.kind === 'vmcs')
    return { problem: 'Name the field of the VMCS, GUEST_RIP say, or its host-physical address.' };
  return {
    kind: 'memory',
    space: space.kind,
    ...(space.kind === 'linear' ? { side: space.side } : {}),
    address: BigInt.asUintN(64, address.value.value),
    size: expression.size,
    access: 'write',
  };
}

function nameWatches(name: string, context: Context): readonly Watch[] | { readonly problem: string } | undefined {
  const field = vmcsFieldByName(name);
  if (field !== undefined)
    return [{ kind: 'vmcs-field', first: field.encoding, last: field.encoding, access: 'write' }];
  const lower = name.toLowerCase();
  const side: Side = lower.startsWith('guest.') ? 'non-root' : lower.startsWith('host.') ? 'root' : context.side;
  const plain = lower.replace(/^(?:guest|host)\./, '');
  const whole = registerPart(plain)?.whole ?? canonicalRegister(context.machine, plain);
  if (whole === undefined) return undefined;
  if (whole === 'rip') return { problem: 'RIP changes with every instruction: step back instead.' };
  const msr = msrByName(whole);
  if (msr !== undefined) return [{ kind: 'msr', first: msr.index, last: msr.index, access: 'write' }];
  const held = registerField(side, whole);
  return [
    { kind: 'register', name: whole },
    ...(held === undefined ? [] : [{ kind: 'vmcs-field', first: held, last: held, access: 'write' } as const]),
  ];
}
