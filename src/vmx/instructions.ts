// The VMX instructions in VMX root operation that change more than registers. The core has made the checks that raise
// exceptions; here is what remains: VMsucceed, VMfailInvalid and VMfailValid (SDM "VMX Instruction Reference").
import {
  CR4,
  MONITOR_ADDRESS,
  PAGE_CLEAN,
  PAGE_FLAGS,
  PAGE_VMCS,
  PROCESSOR,
  PROCESSOR_COUNT,
  PROCESSORS,
  RAM,
  STATE,
  STATE_SIZE,
  VMCS_DIRTY,
  VMCS_DIRTY_ANY,
  VMCS_POINTER,
  VMX_DESCRIPTOR,
  VMX_INSTRUCTION,
  VMX_INVEPT,
  VMX_INVVPID,
  VMX_ON,
  VMX_OPERAND,
  VMX_VMCALL,
  VMX_VMCLEAR,
  VMX_VMPTRLD,
  VMX_VMREAD,
  VMX_VMWRITE,
  VMX_VMXOFF,
  VMX_VMXON,
  VMXON_POINTER,
} from '../core/layout.ts';
import { vmcsFieldByEncoding } from '../spec/vmcs-fields.ts';
import { VMCS_LAUNCH_STATE_OFFSET } from '../spec/vmcs-layout.ts';
import {
  hasVmcs,
  hex,
  physicalWord,
  setCurrentVmcs,
  VM_SUCCEED,
  type Vmx,
  vmFail,
  vmFailInvalid,
} from './operation.ts';
import { type Core, noteWrite, readQuad, readWord, writeQuad, writeWord } from './processor.ts';

const ALL_ONES = 0xffffffffffffffffn;
const CR4_LA57 = 1 << 12;
/** Bit 31 of a VMCS region’s first 4 bytes. */
const SHADOW_INDICATOR = 0x80000000;
const FLUSH_GUEST = 2;
const FLUSH_ALL = 3;

/** Carries out the instruction that VMX_INSTRUCTION names, except VMLAUNCH and VMRESUME; answers finishVmx's outcome. */
export function executeVmxInstruction(vmx: Vmx): number {
  const { core } = vmx;
  const operand = readQuad(core, VMX_OPERAND);
  switch (readWord(core, VMX_INSTRUCTION)) {
    case VMX_VMXON:
      return vmxon(vmx, operand);
    case VMX_VMXOFF:
      return vmxoff(core);
    case VMX_VMCLEAR:
      return vmclear(vmx, operand);
    case VMX_VMPTRLD:
      return vmptrld(vmx, operand);
    case VMX_VMCALL:
      return vmFail(vmx, 'VMCALL', 1, 'VMCALL calls the hypervisor from a guest, and this is the hypervisor itself.');
    case VMX_INVEPT:
      return invept(vmx, operand);
    case VMX_INVVPID:
      return invvpid(vmx, operand);
    case VMX_VMREAD:
      return fieldFailure(vmx, 'VMREAD', operand);
    case VMX_VMWRITE:
      return fieldFailure(vmx, 'VMWRITE', operand);
    default:
      throw new Error(`unknown VMX instruction ${readWord(core, VMX_INSTRUCTION)}`);
  }
}

/** Why a physical address cannot be that of a VMXON region or VMCS, or undefined when it can. */
function badPointer(vmx: Vmx, pointer: bigint): string | undefined {
  const { physicalBits } = vmx.host;
  if ((pointer & 0xfffn) !== 0n) return `The address ${hex(pointer)} is not aligned to 4 KiB.`;
  if (pointer >> BigInt(physicalBits) !== 0n) {
    return `The address ${hex(pointer)} needs more than the ${physicalBits} bits of a physical address.`;
  }
  return undefined;
}

/** `ignored` are bits that may have either value. */
function badRevision(vmx: Vmx, pointer: bigint, region: string, ignored = 0): string | undefined {
  const found = physicalWord(vmx.core, pointer);
  if ((found & ~ignored) >>> 0 === vmx.revision) return undefined;
  return `The first 4 bytes of the ${region} at ${hex(pointer)} are ${hex(found)}; IA32_VMX_BASIC[30:0] asks for ${hex(vmx.revision)}.`;
}

function vmxon(vmx: Vmx, pointer: bigint): number {
  const { core } = vmx;
  if (readWord(core, VMX_ON) !== 0) return vmFail(vmx, 'VMXON', 15, 'The processor is in VMX operation already.');
  const reason = badPointer(vmx, pointer) ?? badRevision(vmx, pointer, 'VMXON region');
  if (reason !== undefined) return vmFailInvalid(vmx, 'VMXON', reason);
  writeWord(core, VMX_ON, 1);
  writeQuad(core, VMXON_POINTER, pointer);
  setCurrentVmcs(core, undefined);
  writeQuad(core, MONITOR_ADDRESS, ALL_ONES);
  return VM_SUCCEED;
}

function vmxoff(core: Core): number {
  dropCurrent(core);
  writeWord(core, VMX_ON, 0);
  writeQuad(core, VMXON_POINTER, ALL_ONES);
  writeQuad(core, MONITOR_ADDRESS, ALL_ONES);
  core.exports.flushTlb(FLUSH_ALL);
  return VM_SUCCEED;
}

function vmclear(vmx: Vmx, pointer: bigint): number {
  const { core } = vmx;
  const reason = badPointer(vmx, pointer);
  if (reason !== undefined) return vmFail(vmx, 'VMCLEAR', 2, reason);
  if (pointer === readQuad(core, VMXON_POINTER)) {
    return vmFail(vmx, 'VMCLEAR', 3, `${hex(pointer)} is the VMXON region.`);
  }
  if (pointer + 4096n <= BigInt(core.ramSize)) {
    noteWrite(core, Number(pointer) + VMCS_LAUNCH_STATE_OFFSET, 4);
    writeWord(core, RAM + Number(pointer) + VMCS_LAUNCH_STATE_OFFSET, 0);
  } else {
    vmx.host.notice(`VMCLEAR of ${hex(pointer)}, where there is no RAM.`);
  }
  if (pointer === readQuad(core, VMCS_POINTER)) dropCurrent(core);
  return VM_SUCCEED;
}

function vmptrld(vmx: Vmx, pointer: bigint): number {
  const { core } = vmx;
  const reason = badPointer(vmx, pointer);
  if (reason !== undefined) return vmFail(vmx, 'VMPTRLD', 9, reason);
  if (pointer === readQuad(core, VMXON_POINTER)) {
    return vmFail(vmx, 'VMPTRLD', 10, `${hex(pointer)} is the VMXON region.`);
  }
  const revision = badRevision(vmx, pointer, 'VMCS region', vmx.shadowing ? SHADOW_INDICATOR : 0);
  if (revision !== undefined) return vmFail(vmx, 'VMPTRLD', 11, revision);
  if (pointer + 4096n > BigInt(core.ramSize)) {
    return vmFail(vmx, 'VMPTRLD', 11, `There is no RAM at ${hex(pointer)}.`);
  }
  if (pointer === readQuad(core, VMCS_POINTER)) return VM_SUCCEED;
  const holder = holderOf(core, Number(pointer));
  if (holder !== undefined) {
    vmx.shared = true;
    vmx.host.notice(
      `The VMCS at ${hex(pointer)} became current on CPU ${readWord(core, PROCESSOR)} while it is current on CPU ${holder}: the SDM leaves undefined what happens; VMCLEAR it there first.`,
    );
  }
  dropCurrent(core);
  setCurrentVmcs(core, Number(pointer));
  setPageFlag(core, Number(pointer), true);
  writeWord(core, VMCS_DIRTY, VMCS_DIRTY_ANY);
  return VM_SUCCEED;
}

/** There is no current VMCS any more. Its data is in memory already. */
function dropCurrent(core: Core): void {
  if (!hasVmcs(core)) return;
  const pointer = readWord(core, VMCS_POINTER);
  setCurrentVmcs(core, undefined);
  if (holderOf(core, pointer) === undefined) setPageFlag(core, pointer, false);
}

/** Marks the page of the current VMCS, so that plain stores to it are noticed. It counts as written, since fields are written without notice. */
function setPageFlag(core: Core, pointer: number, current: boolean): void {
  const at = PAGE_FLAGS + (pointer >>> 12);
  const flags = core.bytes[at] as number;
  core.bytes[at] = current ? (flags | PAGE_VMCS) & ~PAGE_CLEAN : flags & ~PAGE_VMCS;
  if (current) core.exports.forgetPage(pointer >>> 12);
}

/** A logical processor other than the running one on which the VMCS at `pointer` is current. */
function holderOf(core: Core, pointer: number): number | undefined {
  const running = readWord(core, PROCESSOR);
  const count = readWord(core, PROCESSOR_COUNT);
  for (let processor = 0; processor < count; processor++) {
    const at = PROCESSORS + processor * STATE_SIZE + VMCS_POINTER - STATE;
    if (processor !== running && readWord(core, at) === pointer && readWord(core, at + 4) === 0) return processor;
  }
  return undefined;
}

function invept(vmx: Vmx, type: bigint): number {
  const { core } = vmx;
  const supported = vmx.eptVpid;
  const offered =
    (type === 1n && (supported & (1n << 25n)) !== 0n) || (type === 2n && (supported & (1n << 26n)) !== 0n);
  if (!offered) return vmFail(vmx, 'INVEPT', 28, `Type ${type} is not supported: 1 is single-context, 2 all-context.`);
  const eptp = readQuad(core, VMX_DESCRIPTOR);
  if (type === 1n && !isEptp(vmx, eptp)) {
    return vmFail(vmx, 'INVEPT', 28, `A VM entry would refuse the EPTP ${hex(eptp)} of the descriptor.`);
  }
  core.exports.flushTlb(FLUSH_GUEST);
  return VM_SUCCEED;
}

/** Whether a VM entry with "enable EPT" accepts the value (SDM "VM-Execution Control Fields", checks on the EPT pointer). */
function isEptp(vmx: Vmx, eptp: bigint): boolean {
  const has = (bit: bigint) => (vmx.eptVpid & (1n << bit)) !== 0n;
  const type = eptp & 7n;
  if (!((type === 0n && has(8n)) || (type === 6n && has(14n)))) return false;
  const length = (eptp >> 3n) & 7n;
  if (!((length === 3n && has(6n)) || (length === 4n && has(7n)))) return false;
  if ((eptp & 0x40n) !== 0n && !has(21n)) return false;
  return (eptp & 0xf80n) === 0n && eptp >> BigInt(vmx.host.physicalBits) === 0n;
}

function invvpid(vmx: Vmx, type: bigint): number {
  const { core } = vmx;
  const supported = vmx.eptVpid;
  const fail = (reason: string) => vmFail(vmx, 'INVVPID', 28, reason);
  if (type > 3n || (supported & (1n << (40n + type))) === 0n) {
    return fail(
      `Type ${type} is not supported: 0 is individual-address, 1 single-context, 2 all-context, 3 single-context retaining globals.`,
    );
  }
  const descriptor = readQuad(core, VMX_DESCRIPTOR);
  const linear = readQuad(core, VMX_DESCRIPTOR + 8);
  if (descriptor >> 16n !== 0n) return fail(`Bits 63:16 of the descriptor must be 0 (${hex(descriptor)}).`);
  if (type !== 2n && (descriptor & 0xffffn) === 0n) return fail('VPID 0 belongs to the host and cannot be named.');
  if (type === 0n && !isCanonical(core, linear)) return fail(`The linear address ${hex(linear)} is not canonical.`);
  core.exports.flushTlb(FLUSH_GUEST);
  return VM_SUCCEED;
}

function isCanonical(core: Core, linear: bigint): boolean {
  const bits = (readWord(core, CR4) & CR4_LA57) !== 0 ? 57 : 48;
  return BigInt.asUintN(64, BigInt.asIntN(bits, linear)) === linear;
}

/** VMREAD and VMWRITE come here only when they fail. */
function fieldFailure(vmx: Vmx, instruction: string, encoding: bigint): number {
  if (!hasVmcs(vmx.core)) {
    return vmFailInvalid(vmx, instruction, 'There is no current VMCS: VMPTRLD makes one current.');
  }
  const field = encoding < 0x10000n ? vmcsFieldByEncoding(Number(encoding)) : undefined;
  if (field?.area === 'read-only' && instruction === 'VMWRITE') {
    return vmFail(vmx, instruction, 13, `${field.name} (${hex(encoding)}) is written by VM exits only.`);
  }
  const what =
    field === undefined
      ? `${hex(encoding)} is no field encoding.`
      : `${field.name} (${hex(encoding)}) does not exist on this processor.`;
  return vmFail(vmx, instruction, 12, what);
}
