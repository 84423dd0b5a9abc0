// IN, OUT, INS, OUTS, RDMSR, WRMSR: what the bitmaps say (SDM "I/O-Bitmap Addresses", "MSR-Bitmap Address").

import { hex } from '../../spec/bits.ts';
import { msrByIndex } from '../../spec/msrs.ts';
import { bitmapBit, type Guest, readLinear, setting } from './guest.ts';
import type { Decider, WhyVerdict } from './types.ts';
import { cplDecider, exit, fault, privileged, stay, VECTOR } from './verdicts.ts';

const IO = 30;
const RDMSR = 31;
const WRMSR = 32;

/** An access of `size` bytes to I/O ports from `port` on. */
export function portVerdict(guest: Guest, port: number, size: number): WhyVerdict {
  const refused = permission(guest, port, size);
  if (refused !== undefined) return refused;
  const bitmaps = setting(guest, 'primary', 'use I/O bitmaps');
  if (!bitmaps.on) {
    const all = setting(guest, 'primary', 'unconditional I/O exiting');
    const because = `Without “use I/O bitmaps” every I/O instruction exits when “unconditional I/O exiting” is 1, and it is ${all.decider.value}.`;
    const deciders = [bitmaps.decider, all.decider];
    return all.on ? exit(IO, because, deciders) : stay(because, deciders);
  }
  if (port + size > 0x10000)
    return exit(IO, `The access to ${size} bytes from port ${hex(port)} wraps round the end of the ports.`, [
      bitmaps.decider,
    ]);
  for (let at = port; at < port + size; at++) {
    if (portBit(guest, at))
      return exit(IO, `Bit ${hex(at & 0x7fff)} of ${bitmapOf(at)} is 1: port ${hex(at)} exits.`, [
        bitmaps.decider,
        portDecider(at, '1'),
      ]);
  }
  return stay(
    `The bits of ${size === 1 ? `port ${hex(port)}` : `ports ${hex(port)} to ${hex(port + size - 1)}`} in the I/O bitmaps are 0.`,
    [bitmaps.decider, portDecider(port, '0')],
  );
}

function bitmapOf(port: number): 'I/O bitmap A' | 'I/O bitmap B' {
  return port < 0x8000 ? 'I/O bitmap A' : 'I/O bitmap B';
}

function portBit(guest: Guest, port: number): boolean {
  return bitmapBit(guest, guest.field(`Address of ${bitmapOf(port)}`), port & 0x7fff);
}

function portDecider(port: number, value: string): Decider {
  return { what: `bit ${hex(port & 0x7fff)} of ${bitmapOf(port)}`, value, field: `Address of ${bitmapOf(port)}` };
}

/** IOPL and the I/O permission bitmap of the TSS come first; undefined when they allow the access. */
function permission(guest: Guest, port: number, size: number): WhyVerdict | undefined {
  const iopl = Number((guest.register('rflags') >> 12n) & 3n);
  if (!guest.protectedMode || (!guest.virtual8086 && guest.cpl <= iopl)) return undefined;
  const deciders: Decider[] = [cplDecider(guest), { what: 'IOPL', value: String(iopl) }];
  const base = guest.register('tr.base');
  const limit = guest.register('tr.limit');
  const refuse = (why: string): WhyVerdict =>
    fault(guest, VECTOR.GP, `CPL ${guest.cpl} is above IOPL ${iopl} and ${why}`, deciders);
  if ((guest.register('tr.rights') & 8n) === 0n || limit < 0x67n) return refuse('the TSS has no I/O permission bitmap');
  const map = readLinear(guest, base + 0x66n, 2);
  if (map === undefined) return refuse('the TSS cannot be read');
  const at = map + BigInt(port >>> 3);
  if (at + 1n > limit) return refuse('the I/O permission bitmap ends before the port');
  const bits = readLinear(guest, base + at, 2);
  const denied = bits === undefined || ((bits >> BigInt(port & 7)) & ((1n << BigInt(size)) - 1n)) !== 0n;
  return denied ? refuse('the I/O permission bitmap of the TSS forbids the port') : undefined;
}

export function msrVerdict(guest: Guest, write: boolean): WhyVerdict {
  const name = write ? 'WRMSR' : 'RDMSR';
  const reason = write ? WRMSR : RDMSR;
  const before = privileged(guest, name);
  if (before !== undefined) return before;
  const index = Number(guest.register('rcx') & 0xffffffffn);
  const msr = msrByIndex(index)?.name ?? `MSR ${hex(index)}`;
  const bitmaps = setting(guest, 'primary', 'use MSR bitmaps');
  if (!bitmaps.on)
    return exit(reason, `Every ${name} exits when “use MSR bitmaps” is 0, and it is 0.`, [bitmaps.decider]);
  const low = index < 0x2000;
  const high = index >= 0xc0000000 && index < 0xc0002000;
  if (!low && !high)
    return exit(reason, `${msr} (${hex(index)}) is in neither range of the MSR bitmaps: it exits always.`, [
      bitmaps.decider,
    ]);
  const bit = index & 0x1fff;
  const address = guest.field('Address of MSR bitmaps') + (high ? 0x400n : 0n) + (write ? 0x800n : 0n);
  const on = bitmapBit(guest, address, bit);
  const which = `the ${write ? 'write' : 'read'} bitmap for ${low ? 'low' : 'high'} MSRs`;
  const deciders: Decider[] = [
    bitmaps.decider,
    { what: `bit ${hex(bit)} of ${which}`, value: on ? '1' : '0', field: 'Address of MSR bitmaps' },
  ];
  const because = `${name} of ${msr}: bit ${hex(bit)} of ${which} is ${on ? 1 : 0}.`;
  return on ? exit(reason, because, deciders) : stay(because, deciders, true);
}
