// The register file of each side: of the running one from the processor, of the other from the current VMCS.
import { F_VM_ENTRY_CONTROLS, F_VM_EXIT_CONTROLS } from '../core/generated/vmcs-offsets.ts';
import { NON_ROOT } from '../core/layout.ts';
import { VMCS_FIELD_LIST } from '../spec/vmcs-fields.ts';
import { vmcsFieldOffset } from '../spec/vmcs-layout.ts';
import { hasVmcs, vmcsQuad, vmcsWord } from '../vmx/operation.ts';
import { type Core, readWord } from '../vmx/processor.ts';
import type { Hardware } from './hardware.ts';
import { REGISTER_NAMES, readRegister, SEGMENT_NAMES } from './registers.ts';
import type { RegisterFile, Side } from './types.ts';

export function runningSide(core: Core): Side {
  return readWord(core, NON_ROOT) !== 0 ? 'non-root' : 'root';
}

/** Which VMCS field holds a register of a side that does not run, by register name. */
function fieldNames(area: 'GUEST' | 'HOST'): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of ['rip', 'rsp', 'rflags', 'cr0', 'cr3', 'cr4', 'dr7'])
    names.set(name, `${area}_${name.toUpperCase()}`);
  names.set('efer', `${area}_IA32_EFER`);
  for (const segment of SEGMENT_NAMES) {
    names.set(segment, `${area}_${segment.toUpperCase()}_SELECTOR`);
    names.set(`${segment}.base`, `${area}_${segment.toUpperCase()}_BASE`);
    names.set(`${segment}.limit`, `${area}_${segment.toUpperCase()}_LIMIT`);
    names.set(`${segment}.rights`, `${area}_${segment.toUpperCase()}_ACCESS_RIGHTS`);
  }
  for (const table of ['gdtr', 'idtr']) {
    names.set(`${table}.base`, `${area}_${table.toUpperCase()}_BASE`);
    names.set(`${table}.limit`, `${area}_${table.toUpperCase()}_LIMIT`);
  }
  return names;
}

function fieldOffsets(area: 'GUEST' | 'HOST'): Map<string, number> {
  const byIdentifier = new Map<string, number>(
    VMCS_FIELD_LIST.map(({ identifier, encoding }) => [identifier, encoding]),
  );
  const offsets = new Map<string, number>();
  for (const [register, identifier] of fieldNames(area)) {
    const encoding = byIdentifier.get(identifier);
    const offset = encoding === undefined ? undefined : vmcsFieldOffset(encoding);
    if (offset !== undefined) offsets.set(register, offset);
  }
  return offsets;
}

const GUEST_OFFSETS = fieldOffsets('GUEST');
const HOST_OFFSETS = fieldOffsets('HOST');

const EXIT_HOST_64 = 1 << 9;
const ENTRY_GUEST_LONG = 1 << 9;

/** A side's registers; undefined for the side that does not run when there is no current VMCS. */
export function registerFile(hardware: Hardware, side: Side): RegisterFile | undefined {
  const { core } = hardware;
  const values = new Map<string, bigint>();
  if (side === runningSide(core)) {
    for (const name of REGISTER_NAMES) {
      const value = readRegister(hardware, name);
      if (value !== undefined) values.set(name, value);
    }
    return { side, live: true, values };
  }
  if (!hasVmcs(core)) return undefined;
  for (const [name, offset] of side === 'root' ? HOST_OFFSETS : GUEST_OFFSETS) values.set(name, vmcsQuad(core, offset));
  if (side === 'root') values.set('rflags', 2n);
  return { side, live: false, values };
}

/** Code size of a side, from its CS and EFER. */
export function codeBitsOf(hardware: Hardware, side: Side): 16 | 32 | 64 {
  const file = registerFile(hardware, side);
  if (file === undefined) return 64;
  if (side === 'root' && !file.live)
    return (vmcsWord(hardware.core, F_VM_EXIT_CONTROLS) & EXIT_HOST_64) !== 0 ? 64 : 32;
  const rights = file.values.get('cs.rights') ?? 0n;
  const long = file.live
    ? ((file.values.get('efer') ?? 0n) & 0x400n) !== 0n
    : (vmcsWord(hardware.core, F_VM_ENTRY_CONTROLS) & ENTRY_GUEST_LONG) !== 0;
  if (long && (rights & 0x2000n) !== 0n) return 64;
  return (rights & 0x4000n) !== 0n ? 32 : 16;
}
