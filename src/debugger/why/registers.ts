// MOV to and from control and debug registers, CLTS, LMSW (SDM "Changes to Instruction Behavior in VMX Non-Root Operation").

import { hex } from '../../spec/bits.ts';
import { registerPart } from '../expressions/registers.ts';
import type { Guest } from './guest.ts';
import { setting } from './guest.ts';
import type { WhyInstruction } from './instruction.ts';
import type { Decider, WhyVerdict } from './types.ts';
import { cplDecider, exit, fault, privileged, stay, VECTOR } from './verdicts.ts';

const CR_ACCESS = 28;
const MOV_DR = 29;
const TPR_BELOW_THRESHOLD = 43;

/** MOV with a control or debug register; undefined for every other MOV. */
export function movVerdict(guest: Guest, { operands }: WhyInstruction): WhyVerdict | undefined {
  const [to, from] = operands;
  const toNumber = /^(cr|dr)(\d+)$/.exec(to ?? '');
  const fromNumber = /^(cr|dr)(\d+)$/.exec(from ?? '');
  if (toNumber !== null && from !== undefined) {
    return toNumber[1] === 'cr' ? movToCr(guest, Number(toNumber[2]), from) : movDr(guest, Number(toNumber[2]));
  }
  if (fromNumber !== null) {
    return fromNumber[1] === 'cr' ? movFromCr(guest, Number(fromNumber[2])) : movDr(guest, Number(fromNumber[2]));
  }
  return undefined;
}

function unknownRegister(guest: Guest, number: number): WhyVerdict | undefined {
  const known = number === 0 || (number >= 2 && number <= 4) || (number === 8 && guest.bits === 64);
  return known ? undefined : fault(guest, VECTOR.UD, `There is no CR${number}`);
}

function movFromCr(guest: Guest, number: number): WhyVerdict {
  const name = `MOV from CR${number}`;
  const before = unknownRegister(guest, number) ?? privileged(guest, name);
  if (before !== undefined) return before;
  if (number === 3 || number === 8) {
    const control = number === 3 ? 'CR3-store exiting' : 'CR8-store exiting';
    const { on, decider } = setting(guest, 'primary', control);
    const because = `${name} exits when “${control}” is 1, and it is ${decider.value}.`;
    return on ? exit(CR_ACCESS, because, [decider]) : stay(because, [decider]);
  }
  const shadowed =
    number === 0 || number === 4 ? `; the guest reads the read shadow where the guest/host mask is 1` : '';
  return stay(`${name} never exits${shadowed}.`);
}

function movToCr(guest: Guest, number: number, source: string): WhyVerdict {
  const name = `MOV to CR${number}`;
  const before = unknownRegister(guest, number) ?? privileged(guest, name);
  if (before !== undefined) return before;
  const value = BigInt.asUintN(guest.bits === 64 ? 64 : 32, generalRegister(guest, source));
  switch (number) {
    case 0:
      return masked(guest, name, value, 'CR0 guest/host mask', 'CR0 read shadow');
    case 4:
      return masked(guest, name, value, 'CR4 guest/host mask', 'CR4 read shadow');
    case 3:
      return movToCr3(guest, value);
    case 8:
      return movToCr8(guest, value);
    default:
      return stay(`${name} never exits.`);
  }
}

/** A general register by any of its names. */
export function generalRegister(guest: Guest, name: string): bigint {
  const part = registerPart(name);
  if (part === undefined) return guest.register(name);
  return BigInt.asUintN(part.bits, guest.register(part.whole) >> BigInt(part.shift));
}

function masked(
  guest: Guest,
  name: string,
  value: bigint,
  maskField: 'CR0 guest/host mask' | 'CR4 guest/host mask',
  shadowField: 'CR0 read shadow' | 'CR4 read shadow',
): WhyVerdict {
  const mask = guest.field(maskField);
  const shadow = guest.field(shadowField);
  const differs = (value ^ shadow) & mask;
  const deciders: Decider[] = [
    { what: 'value', value: hex(value) },
    { what: maskField, value: hex(mask), field: maskField },
    { what: shadowField, value: hex(shadow), field: shadowField },
  ];
  return differs !== 0n
    ? exit(
        CR_ACCESS,
        `${name} of ${hex(value)} differs from the read shadow ${hex(shadow)} in bits that the guest/host mask gives to the host: ${hex(differs)}.`,
        deciders,
      )
    : stay(
        `${name} of ${hex(value)} agrees with the read shadow ${hex(shadow)} in every bit of the guest/host mask ${hex(mask)}.`,
        deciders,
        true,
      );
}

function movToCr3(guest: Guest, value: bigint): WhyVerdict {
  const { on, decider } = setting(guest, 'primary', 'CR3-load exiting');
  if (!on) return stay(`MOV to CR3 exits when “CR3-load exiting” is 1, and it is ${decider.value}.`, [decider], true);
  const count = Number(guest.field('CR3-target count'));
  const targets = ([0, 1, 2, 3] as const).slice(0, count).map((i) => guest.field(`CR3-target value ${i}`));
  const counted: Decider = { what: 'CR3-target count', value: String(count), field: 'CR3-target count' };
  const index = targets.indexOf(value);
  if (index >= 0) {
    const target: Decider = {
      what: `CR3-target value ${index}`,
      value: hex(value),
      field: `CR3-target value ${index as 0 | 1 | 2 | 3}`,
    };
    return stay(
      `“CR3-load exiting” is 1, but ${hex(value)} is CR3-target value ${index}.`,
      [decider, counted, target],
      true,
    );
  }
  return exit(CR_ACCESS, `“CR3-load exiting” is 1 and ${hex(value)} is none of the ${count} CR3-target values.`, [
    decider,
    counted,
  ]);
}

function movToCr8(guest: Guest, value: bigint): WhyVerdict {
  const { on, decider } = setting(guest, 'primary', 'CR8-load exiting');
  if (on) return exit(CR_ACCESS, 'MOV to CR8 exits when “CR8-load exiting” is 1, and it is 1.', [decider]);
  if (value >> 4n !== 0n) return fault(guest, VECTOR.GP, `CR8 takes 4 bits, and the value is ${hex(value)}`, [decider]);
  const shadow = setting(guest, 'primary', 'use TPR shadow');
  if (!shadow.on)
    return stay('“CR8-load exiting” is 0 and “use TPR shadow” is 0: CR8 itself is written.', [decider, shadow.decider]);
  if (setting(guest, 'secondary', 'virtual-interrupt delivery').on) {
    return stay(
      '“CR8-load exiting” is 0; with “virtual-interrupt delivery” the TPR threshold is not looked at.',
      [decider, shadow.decider],
      true,
    );
  }
  const threshold = guest.field('TPR threshold') & 15n;
  const compared: Decider = { what: 'TPR threshold', value: String(threshold), field: 'TPR threshold' };
  const deciders = [decider, shadow.decider, compared];
  return value < threshold
    ? exit(
        TPR_BELOW_THRESHOLD,
        `With “use TPR shadow” the new task priority ${value} is below the TPR threshold ${threshold}: it exits after the instruction.`,
        deciders,
      )
    : stay(
        `With “use TPR shadow” the new task priority ${value} is not below the TPR threshold ${threshold}.`,
        deciders,
      );
}

function movDr(guest: Guest, number: number): WhyVerdict {
  const name = 'MOV of a debug register';
  if (number > 7) return fault(guest, VECTOR.UD, `There is no DR${number}`);
  const { on, decider } = setting(guest, 'primary', 'MOV-DR exiting');
  if (on)
    return exit(
      MOV_DR,
      `${name} exits when “MOV-DR exiting” is 1, and it is 1; that comes before the checks of CPL and CR4.DE.`,
      [decider],
    );
  if ((number === 4 || number === 5) && (guest.register('cr4') & 8n) !== 0n) {
    return fault(guest, VECTOR.UD, `DR${number} does not exist while CR4.DE is 1`, [decider]);
  }
  if (guest.cpl !== 0)
    return fault(guest, VECTOR.GP, `${name} needs CPL 0 and CPL is ${guest.cpl}`, [decider, cplDecider(guest)]);
  if ((guest.register('dr7') & (1n << 13n)) !== 0n) return fault(guest, VECTOR.DB, 'DR7.GD is 1', [decider]);
  return stay(`${name} exits when “MOV-DR exiting” is 1, and it is 0.`, [decider], true);
}

const CR0_TS = 8n;

export function cltsVerdict(guest: Guest): WhyVerdict {
  const before = privileged(guest, 'CLTS');
  if (before !== undefined) return before;
  const mask = (guest.field('CR0 guest/host mask') & CR0_TS) !== 0n;
  const shadow = (guest.field('CR0 read shadow') & CR0_TS) !== 0n;
  const deciders: Decider[] = [
    { what: 'bit 3 (TS) of the CR0 guest/host mask', value: mask ? '1' : '0', field: 'CR0 guest/host mask' },
    { what: 'bit 3 (TS) of the CR0 read shadow', value: shadow ? '1' : '0', field: 'CR0 read shadow' },
  ];
  const because = `CLTS exits when TS is 1 in both the CR0 guest/host mask and the CR0 read shadow; they are ${mask ? 1 : 0} and ${shadow ? 1 : 0}.`;
  return mask && shadow ? exit(CR_ACCESS, because, deciders) : stay(because, deciders);
}

/** LMSW with this source value. */
export function lmswVerdict(guest: Guest, source: bigint): WhyVerdict {
  const before = privileged(guest, 'LMSW');
  if (before !== undefined) return before;
  const mask = guest.field('CR0 guest/host mask');
  const shadow = guest.field('CR0 read shadow');
  const setsPe = (mask & 1n) !== 0n && (source & 1n) !== 0n && (shadow & 1n) === 0n;
  const differs = mask & (source ^ shadow) & 0xen;
  const deciders: Decider[] = [
    { what: 'source', value: hex(source & 15n) },
    { what: 'CR0 guest/host mask', value: hex(mask), field: 'CR0 guest/host mask' },
    { what: 'CR0 read shadow', value: hex(shadow), field: 'CR0 read shadow' },
  ];
  if (setsPe)
    return exit(
      CR_ACCESS,
      'LMSW sets PE, which the guest/host mask gives to the host and which is 0 in the read shadow.',
      deciders,
    );
  return differs !== 0n
    ? exit(
        CR_ACCESS,
        `LMSW differs from the read shadow in bits that the guest/host mask gives to the host: ${hex(differs)}.`,
        deciders,
      )
    : stay('LMSW agrees with the read shadow in every bit of the guest/host mask that it can change.', deciders, true);
}
