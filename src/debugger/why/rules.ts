// Which rule decides about an instruction, by iced's name of the mnemonic (SDM "Instructions That Cause VM Exits
// Unconditionally", "Instructions That Cause VM Exits Conditionally"). An instruction without a rule does not exit by itself.

import { PHYSICAL_BITS } from '../../machine/hardware.ts';
import { hex } from '../../spec/bits.ts';
import { bitmapBit, type Guest, readLinear, setting } from './guest.ts';
import type { WhyInstruction } from './instruction.ts';
import { msrVerdict, portVerdict } from './ports-and-msrs.ts';
import { cltsVerdict, generalRegister, lmswVerdict, movVerdict } from './registers.ts';
import type { WhyVerdict } from './types.ts';
import { byControl, cplDecider, enabledBy, exit, fault, needsCr4, privileged, stay, VECTOR } from './verdicts.ts';

/** Answers undefined when the form of the instruction is one that no control is about (MOV of general registers). */
export type Rule = (guest: Guest, instruction: WhyInstruction) => WhyVerdict | undefined;

function always(reason: number, name: string): WhyVerdict {
  return exit(reason, `${name} in VMX non-root operation exits whatever the controls say.`);
}

/** Modes in which the VMX instructions do not exist. */
function vmxMode(guest: Guest, name: string): WhyVerdict | undefined {
  if (!guest.protectedMode || guest.virtual8086)
    return fault(guest, VECTOR.UD, `${name} does not exist in real-address and virtual-8086 mode`);
  if (guest.longMode && guest.bits !== 64)
    return fault(guest, VECTOR.UD, `${name} does not exist in compatibility mode`);
  return undefined;
}

function vmxInstruction(reason: number, name: string): Rule {
  return (guest) => vmxMode(guest, name) ?? always(reason, name);
}

/** VMREAD and VMWRITE: a guest may reach a shadow VMCS. */
function vmcsAccess(write: boolean): Rule {
  const name = write ? 'VMWRITE' : 'VMREAD';
  const reason = write ? 25 : 23;
  const field = write ? 'VMWRITE-bitmap address' : 'VMREAD-bitmap address';
  return (guest, { operands }) => {
    const mode = vmxMode(guest, name);
    if (mode !== undefined) return mode;
    const shadowing = setting(guest, 'secondary', 'VMCS shadowing');
    if (!shadowing.on)
      return exit(reason, `${name} exits when “VMCS shadowing” is 0, and it is ${shadowing.decider.value}.`, [
        shadowing.decider,
      ]);
    const source = operands[write ? 0 : 1];
    const encoding =
      source === undefined ? 0n : BigInt.asUintN(guest.bits === 64 ? 64 : 32, generalRegister(guest, source));
    if (encoding >> 15n !== 0n)
      return exit(reason, `The encoding ${hex(encoding)} has bits above 14: the bitmap does not cover it.`, [
        shadowing.decider,
      ]);
    const on = bitmapBit(guest, guest.field(field), Number(encoding));
    const deciders = [
      shadowing.decider,
      { what: `bit ${hex(encoding)} of the ${name} bitmap`, value: on ? '1' : '0', field } as const,
    ];
    const because = `Bit ${hex(encoding)} of the ${name} bitmap is ${on ? 1 : 0}.`;
    if (on) return exit(reason, because, deciders);
    return privileged(guest, name) ?? stay(`${because} The shadow VMCS is accessed.`, deciders, true);
  };
}

const CR4_UMIP = 1n << 11n;

function umipFault(guest: Guest, name: string): WhyVerdict | undefined {
  if (guest.cpl === 0 || (guest.register('cr4') & CR4_UMIP) === 0n) return undefined;
  return fault(guest, VECTOR.GP, `${name} needs CPL 0 while CR4.UMIP is 1`, [cplDecider(guest)]);
}

const GDTR_IDTR = 46;
const LDTR_TR = 47;

function tables(name: string, reason: number, loads: boolean): Rule {
  return (guest) => {
    if (reason === LDTR_TR && (!guest.protectedMode || guest.virtual8086)) {
      return fault(guest, VECTOR.UD, `${name} does not exist in real-address and virtual-8086 mode`);
    }
    const before = loads ? privileged(guest, name) : umipFault(guest, name);
    if (before !== undefined) return before;
    return byControl(guest, 'secondary', 'descriptor-table exiting', reason, name, true);
  };
}

const CR4_TSD = 1n << 2n;
const CR4_PCE = 1n << 8n;

function timeStamp(guest: Guest, name: string, reason: number): WhyVerdict {
  if ((guest.register('cr4') & CR4_TSD) !== 0n && guest.cpl !== 0) {
    return fault(guest, VECTOR.GP, `${name} needs CPL 0 while CR4.TSD is 1`, [cplDecider(guest)]);
  }
  return byControl(guest, 'primary', 'RDTSC exiting', reason, name);
}

function pause(guest: Guest): WhyVerdict {
  const found = byControl(guest, 'primary', 'PAUSE exiting', 40, 'PAUSE');
  if (found.outcome.kind === 'exit') return found;
  const loop = setting(guest, 'secondary', 'PAUSE-loop exiting');
  if (!loop.on) return found;
  if (guest.cpl !== 0)
    return stay('“PAUSE exiting” is 0, and “PAUSE-loop exiting” looks at CPL 0 only.', [
      ...found.deciders,
      loop.decider,
      cplDecider(guest),
    ]);
  return stay(
    `“PAUSE exiting” is 0. “PAUSE-loop exiting” is 1: a PAUSE exits when it follows the one before within PLE_Gap (${guest.field('PLE_Gap')}) and comes more than PLE_Window (${guest.field('PLE_Window')}) after the first of its loop.`,
    [...found.deciders, loop.decider],
    true,
  );
}

function portRule(string: boolean): Rule {
  return (guest, instruction) => {
    const { mnemonic, operands, immediate, repeats, addressBits } = instruction;
    if (string && repeats && BigInt.asUintN(addressBits, guest.register('rcx')) === 0n) {
      return stay('The REP prefix has a count of 0: nothing happens.');
    }
    const size = string ? ({ b: 1, w: 2, d: 4 }[mnemonic.slice(-1)] ?? 1) : accumulatorSize(operands);
    const usesDx = string || operands.includes('dx');
    return portVerdict(guest, usesDx ? Number(guest.register('rdx') & 0xffffn) : immediate, size);
  };
}

function accumulatorSize(operands: WhyInstruction['operands']): number {
  if (operands.includes('al')) return 1;
  return operands.includes('ax') ? 2 : 4;
}

function vmfunc(guest: Guest): WhyVerdict {
  const refused = enabledBy(guest, 'enable VM functions', 'VMFUNC');
  if (refused !== undefined) return refused;
  const eax = Number(guest.register('rax') & 0xffffffffn);
  const ecx = Number(guest.register('rcx') & 0xffffffffn);
  if (eax >= 64) return fault(guest, VECTOR.UD, `There is no VM function ${eax}`);
  const switching = setting(guest, 'vmfunc', 'EPTP switching');
  if (eax !== 0 || !switching.on)
    return exit(59, `VM function ${eax} is not enabled in the VM-function controls.`, [switching.decider]);
  if (ecx >= 512) return exit(59, `ECX is ${ecx}; the EPTP list has 512 entries.`, [switching.decider]);
  const bytes = guest.machine.peekPhysical(guest.field('EPTP-list address') + BigInt(8 * ecx), 8);
  const eptp =
    bytes.length < 8 ? 0xffff_ffff_ffff_ffffn : new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  const what = { what: `entry ${ecx} of the EPTP list`, value: hex(eptp), field: 'EPTP-list address' } as const;
  const valid =
    [0n, 6n].includes(eptp & 7n) &&
    [3n, 4n].includes((eptp >> 3n) & 7n) &&
    (eptp & 0xf80n) === 0n &&
    eptp >> BigInt(PHYSICAL_BITS) === 0n;
  return valid
    ? stay(`Entry ${ecx} of the EPTP list is the EPT pointer ${hex(eptp)}: EPTP switching.`, [switching.decider, what])
    : exit(59, `Entry ${ecx} of the EPTP list (${hex(eptp)}) is no EPT pointer that a VM entry would take.`, [
        switching.decider,
        what,
      ]);
}

function lmsw(guest: Guest, instruction: WhyInstruction): WhyVerdict {
  const [register] = instruction.operands;
  if (register !== undefined) return lmswVerdict(guest, generalRegister(guest, register) & 0xffffn);
  const address = effectiveAddress(guest, instruction);
  const source = address === undefined ? undefined : readLinear(guest, address, 2);
  if (source === undefined)
    return stay('The memory operand of LMSW cannot be read: a fault or an EPT violation comes first.', [], true);
  return lmswVerdict(guest, source);
}

/** Linear address of the memory operand; undefined without one. */
export function effectiveAddress(guest: Guest, { memory }: WhyInstruction): bigint | undefined {
  if (memory === undefined) return undefined;
  const value = (name: string | undefined): bigint => (name === undefined ? 0n : generalRegister(guest, name));
  // iced has the whole address in the displacement of RIP-relative operands.
  const relative = memory.base === 'rip' || memory.base === 'eip';
  const offset = relative
    ? memory.displacement
    : value(memory.base) + value(memory.index) * BigInt(memory.scale) + memory.displacement;
  const width = guest.bits === 64 ? 64 : 32;
  const flat = guest.bits === 64 && memory.segment !== 'fs' && memory.segment !== 'gs';
  return BigInt.asUintN(width, offset + (flat ? 0n : guest.register(`${memory.segment}.base`)));
}

function userWait(name: string, reason: number): Rule {
  return (guest) => enabledBy(guest, 'enable user wait and pause', name) ?? timeStamp(guest, name, reason);
}

function xsaves(name: string, reason: number): Rule {
  return (guest) => {
    const before = enabledBy(guest, 'enable XSAVES/XRSTORS', name) ?? privileged(guest, name);
    if (before !== undefined) return before;
    const asked = ((guest.register('rdx') & 0xffffffffn) << 32n) | (guest.register('rax') & 0xffffffffn);
    const bitmap = guest.field('XSS-exiting bitmap');
    const meets = asked & bitmap & guest.register('ia32_xss');
    const decider = { what: 'XSS-exiting bitmap', value: hex(bitmap), field: 'XSS-exiting bitmap' } as const;
    return meets !== 0n
      ? exit(reason, `${name} asks for state components ${hex(meets)} that IA32_XSS and the XSS-exiting bitmap have.`, [
          decider,
        ])
      : stay(
          `No state component of EDX:EAX is in both IA32_XSS and the XSS-exiting bitmap ${hex(bitmap)}.`,
          [decider],
          true,
        );
  };
}

/** ENCLS and ENCLV: a bitmap of leaves in a field; bit 63 stands for all leaves from 63 on. */
function enclave(name: 'ENCLS' | 'ENCLV', reason: number): Rule {
  const field = `${name}-exiting bitmap` as const;
  return (guest) => {
    const control = setting(guest, 'secondary', `enable ${name} exiting`);
    if (!control.on) {
      return stay(
        `${name} exits when “enable ${name} exiting” is 1, and it is ${control.decider.value}.`,
        [control.decider],
        true,
      );
    }
    const leaf = Number(guest.register('rax') & 0xffffffffn);
    const bit = Math.min(leaf, 63);
    const on = ((guest.field(field) >> BigInt(bit)) & 1n) !== 0n;
    const deciders = [control.decider, { what: `bit ${bit} of the ${field}`, value: on ? '1' : '0', field } as const];
    const because = `Leaf ${leaf} of ${name}: bit ${bit} of the ${field} is ${on ? 1 : 0}.`;
    return on ? exit(reason, because, deciders) : stay(because, deciders, true);
  };
}

/** RDMSRLIST and WRMSRLIST: without MSR bitmaps they exit before anything is done, with them by the MSR. */
function msrList(name: string, reason: number): Rule {
  return (guest) => {
    const control = setting(guest, 'tertiary', 'enable MSR-list instructions');
    if (!control.on)
      return fault(
        guest,
        VECTOR.UD,
        `${name} needs “enable MSR-list instructions”, and it is ${control.decider.value}`,
        [control.decider],
      );
    const bitmaps = setting(guest, 'primary', 'use MSR bitmaps');
    const deciders = [control.decider, bitmaps.decider];
    return bitmaps.on
      ? stay(`${name} exits at the first MSR of its list whose bit in the MSR bitmaps is 1.`, deciders, true)
      : exit(reason, `Every ${name} exits when “use MSR bitmaps” is 0, and it is 0.`, deciders);
  };
}

/** Instructions that a control must enable, or that this processor lacks. */
function undefinedWithout(name: string, control: Parameters<typeof enabledBy>[1]): Rule {
  return (guest) => enabledBy(guest, control, name) ?? stay(`“${control}” is 1: ${name} runs in the guest.`, [], true);
}

function exceptionOf(vector: number, name: string): Rule {
  return (guest) => fault(guest, vector, `${name} raises an exception`);
}

const OF = 1n << 11n;

export const RULES: Readonly<Record<string, Rule>> = {
  Cpuid: () => always(10, 'CPUID'),
  Getsec: (guest) => needsCr4(guest, 14, 'SMXE', 'GETSEC') ?? always(11, 'GETSEC'),
  Invd: (guest) => privileged(guest, 'INVD') ?? always(13, 'INVD'),
  Xsetbv: (guest) => needsCr4(guest, 18, 'OSXSAVE', 'XSETBV') ?? privileged(guest, 'XSETBV') ?? always(55, 'XSETBV'),
  Vmcall: () => always(18, 'VMCALL'),
  Vmclear: vmxInstruction(19, 'VMCLEAR'),
  Vmlaunch: vmxInstruction(20, 'VMLAUNCH'),
  Vmptrld: vmxInstruction(21, 'VMPTRLD'),
  Vmptrst: vmxInstruction(22, 'VMPTRST'),
  Vmresume: vmxInstruction(24, 'VMRESUME'),
  Vmxoff: vmxInstruction(26, 'VMXOFF'),
  Vmxon: (guest) => needsCr4(guest, 13, 'VMXE', 'VMXON') ?? vmxMode(guest, 'VMXON') ?? always(27, 'VMXON'),
  Invept: vmxInstruction(50, 'INVEPT'),
  Invvpid: vmxInstruction(53, 'INVVPID'),
  Vmread: vmcsAccess(false),
  Vmwrite: vmcsAccess(true),
  Vmfunc: vmfunc,
  Hlt: (guest) => privileged(guest, 'HLT') ?? byControl(guest, 'primary', 'HLT exiting', 12, 'HLT'),
  Invlpg: (guest) => privileged(guest, 'INVLPG') ?? byControl(guest, 'primary', 'INVLPG exiting', 14, 'INVLPG'),
  Invpcid: (guest) =>
    enabledBy(guest, 'enable INVPCID', 'INVPCID') ??
    (guest.virtual8086 ? fault(guest, VECTOR.GP, 'INVPCID does not run in virtual-8086 mode') : undefined) ??
    privileged(guest, 'INVPCID') ??
    byControl(guest, 'primary', 'INVLPG exiting', 58, 'INVPCID', true),
  Rdpmc: (guest) => {
    if (guest.cpl !== 0 && (guest.register('cr4') & CR4_PCE) === 0n) {
      return fault(guest, VECTOR.GP, 'RDPMC needs CPL 0 while CR4.PCE is 0', [cplDecider(guest)]);
    }
    const found = byControl(guest, 'primary', 'RDPMC exiting', 15, 'RDPMC');
    if (found.outcome.kind === 'exit') return found;
    return fault(
      guest,
      VECTOR.GP,
      '“RDPMC exiting” is 0 and this processor has no performance counters',
      found.deciders,
    );
  },
  Rdtsc: (guest) => timeStamp(guest, 'RDTSC', 16),
  Rdtscp: (guest) => enabledBy(guest, 'enable RDTSCP', 'RDTSCP') ?? timeStamp(guest, 'RDTSCP', 51),
  Rdpid: undefinedWithout('RDPID', 'enable RDTSCP'),
  Monitor: (guest) =>
    privileged(guest, 'MONITOR', VECTOR.UD) ?? byControl(guest, 'primary', 'MONITOR exiting', 39, 'MONITOR', true),
  Mwait: (guest) =>
    privileged(guest, 'MWAIT', VECTOR.UD) ?? byControl(guest, 'primary', 'MWAIT exiting', 36, 'MWAIT', true),
  Pause: pause,
  Rdrand: (guest) => byControl(guest, 'secondary', 'RDRAND exiting', 57, 'RDRAND'),
  Rdseed: (guest) => byControl(guest, 'secondary', 'RDSEED exiting', 61, 'RDSEED'),
  Wbinvd: (guest) => privileged(guest, 'WBINVD') ?? byControl(guest, 'secondary', 'WBINVD exiting', 54, 'WBINVD'),
  Wbnoinvd: (guest) => privileged(guest, 'WBNOINVD') ?? byControl(guest, 'secondary', 'WBINVD exiting', 54, 'WBNOINVD'),
  Mov: movVerdict,
  Swapgs: (guest) => privileged(guest, 'SWAPGS') ?? stay('SWAPGS never exits.'),
  Smsw: (guest) =>
    umipFault(guest, 'SMSW') ??
    stay('SMSW never exits; the guest reads the CR0 read shadow where the guest/host mask is 1.', [], true),
  Clts: cltsVerdict,
  Lmsw: lmsw,
  In: portRule(false),
  Out: portRule(false),
  Insb: portRule(true),
  Insw: portRule(true),
  Insd: portRule(true),
  Outsb: portRule(true),
  Outsw: portRule(true),
  Outsd: portRule(true),
  Rdmsr: (guest) => msrVerdict(guest, false),
  Wrmsr: (guest) => msrVerdict(guest, true),
  Lgdt: tables('LGDT', GDTR_IDTR, true),
  Lidt: tables('LIDT', GDTR_IDTR, true),
  Sgdt: tables('SGDT', GDTR_IDTR, false),
  Sidt: tables('SIDT', GDTR_IDTR, false),
  Lldt: tables('LLDT', LDTR_TR, true),
  Ltr: tables('LTR', LDTR_TR, true),
  Sldt: tables('SLDT', LDTR_TR, false),
  Str: tables('STR', LDTR_TR, false),
  Tpause: userWait('TPAUSE', 68),
  Umwait: userWait('UMWAIT', 67),
  Umonitor: undefinedWithout('UMONITOR', 'enable user wait and pause'),
  Xsaves: xsaves('XSAVES', 63),
  Xsaves64: xsaves('XSAVES', 63),
  Xrstors: xsaves('XRSTORS', 64),
  Xrstors64: xsaves('XRSTORS', 64),
  Encls: enclave('ENCLS', 60),
  Enclv: enclave('ENCLV', 70),
  Loadiwkey: (guest) =>
    privileged(guest, 'LOADIWKEY') ?? byControl(guest, 'tertiary', 'LOADIWKEY exiting', 69, 'LOADIWKEY', true),
  Rdmsrlist: msrList('RDMSRLIST', 78),
  Wrmsrlist: msrList('WRMSRLIST', 79),
  Rsm: (guest) => fault(guest, VECTOR.UD, 'RSM exists in system-management mode only'),
  Pconfig: undefinedWithout('PCONFIG', 'enable PCONFIG'),
  Int3: exceptionOf(VECTOR.BP, 'INT3'),
  Int1: exceptionOf(VECTOR.DB, 'INT1'),
  Into: (guest) =>
    (guest.register('rflags') & OF) === 0n
      ? stay('INTO does nothing while OF is 0.')
      : fault(guest, VECTOR.OF, 'INTO with OF set raises an exception'),
  Ud0: exceptionOf(VECTOR.UD, 'UD0'),
  Ud1: exceptionOf(VECTOR.UD, 'UD1'),
  Ud2: exceptionOf(VECTOR.UD, 'UD2'),
  INVALID: exceptionOf(VECTOR.UD, 'This is no instruction: it'),
};
