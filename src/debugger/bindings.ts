// Where a breakpoint holds: on one side of VMX, under one CR3, with one current VMCS, on one logical processor. Written behind a name: `handler @host`,
// `main @cr3=0x5000`, `port:0x64 @vmcs=0x201000`.

import type { Side } from '../machine/types.ts';
import type { Context } from './expressions/names.ts';

export interface Binding {
  readonly side?: Side | undefined;
  /** Address bits of CR3 (bits 11:0, PCID and flags, are not compared). */
  readonly cr3?: bigint | undefined;
  /** Host-physical address of the current VMCS. */
  readonly vmcs?: bigint | undefined;
  /** Number of the logical processor. */
  readonly cpu?: number | undefined;
}

const FLAGS = 0xfffn;

/** Splits `name @guest @cr3=0x5000`. */
export function splitBinding(
  text: string,
): { readonly name: string; readonly binding: Binding | undefined } | { readonly problem: string } {
  const [name = '', ...parts] = text.split(/\s+@/);
  if (parts.length === 0) return { name: text, binding: undefined };
  let binding: Binding = {};
  for (const part of parts) {
    const match = /^(guest|host)$|^(cr3|vmcs|cpu)=(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})$/i.exec(part.trim());
    if (match === null) {
      return { problem: `"@${part}" is no address space; write @guest, @host, @cr3=0x5000, @vmcs=0x201000 or @cpu=1.` };
    }
    const value = match[3] === undefined ? 0n : BigInt(match[3]);
    if (match[1] !== undefined)
      binding = { ...binding, side: match[1].toLowerCase() === 'guest' ? 'non-root' : 'root' };
    else {
      const name = match[2]?.toLowerCase();
      binding =
        name === 'cpu'
          ? { ...binding, cpu: Number(value) }
          : name === 'cr3'
            ? { ...binding, cr3: value }
            : { ...binding, vmcs: value };
    }
  }
  return { name: name.trim(), binding };
}

/** Whether the processor stands where a breakpoint holds. */
export function inBinding(binding: Binding | undefined, { machine }: Context): boolean {
  if (binding === undefined) return true;
  if (binding.cpu !== undefined && binding.cpu !== machine.processor()) return false;
  if (binding.side !== undefined && binding.side !== machine.side()) return false;
  if (binding.cr3 !== undefined && ((machine.readRegister('cr3') ?? 0n) & ~FLAGS) !== (binding.cr3 & ~FLAGS))
    return false;
  return binding.vmcs === undefined || machine.currentVmcs() === binding.vmcs;
}
