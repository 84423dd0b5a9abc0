import { describe, expect, it } from 'vitest';
import { FLOAT_EXPECTED } from './float-expected.ts';
import { LIMITS_EXPECTED } from './limits-expected.ts';
import { CONTROL_EXPECTED, LONG_BY_SDM } from './long-expected.ts';
import { assemble, haveTool, type Outcome, runInCore, runInQemu } from './oracle.ts';

const tools = ['nasm', 'qemu-system-x86_64'];
const missing = tools.filter((tool) => !haveTool(tool));
if (missing.length > 0) console.warn(`core-system programs are skipped: ${missing.join(', ')} not installed`);

type Deviation = readonly [found: RegExp, sdm: (text: string) => string];

/** Whole lines of the SDM's, each for the line that begins with the same name. */
function linesInstead(lines: readonly string[]): Deviation[] {
  return lines.map((line) => [new RegExp(`^${titleOf(line)} (#|ok).*`), () => line]);
}

/** Where QEMU's TCG departs from the SDM: what it prints, and what the SDM demands. */
const DEVIATIONS: Readonly<Record<string, readonly Deviation[]>> = {
  // A stack segment of an inner level that is not present is #SS(selector), not #TS(selector).
  'segments.asm': [[/(?<=(inner ss absent|gate to inner ss absent) user #)0000000A/, () => '0000000C']],
  'paging32.asm': [
    [
      /(?<=#0000000E e=000000)[01][8ACE]/,
      (error) => (Number.parseInt(error, 16) | 1).toString(16).toUpperCase().padStart(2, '0'),
    ],
    // "If any of the PDPTEs sets both the P flag and any reserved bit, the MOV causes #GP(0) and the PDPTEs are not loaded."
    ...linesInstead([
      'pdpte reserved #0000000D e=00000000 ip=0000000D cs=00000008 fl=00000000',
      'cr0 write loads pdptes #0000000D e=00000000 ip=0000001A cs=00000008 fl=00000000',
    ]),
  ],
  // TCG has neither VME nor PVI.
  'v86.asm': [
    ...linesInstead([
      'vme: cli, sti, pushf #0000000D e=00000000 ip=0000000A cs=00002000 fl=000A0000 ss=00003000',
      'vme: iret #0000000D e=00000000 ip=0000000C cs=00002000 fl=000A0000 ss=00003000',
      'vme: redirected int #0000000D e=00000000 ip=00000100 cs=00002000 fl=00020000 ss=00003000',
      'vme: redirected int, iopl 3 #0000000D e=00000000 ip=00000100 cs=00002000 fl=00023000 ss=00003000',
      'pvi: sti, cli #00000030 e=EEEEEEEE ip=00000016 cs=0000001B fl=00080000 ss=00000023',
      'pvi: sti with vip #0000000D e=00000000 ip=00000015 cs=0000001B fl=00100000 ss=00000023',
    ]),
  ],
  // TCG saves an older CF.
  'tasks.asm': [[/(?<=flags and registers saved .* cf=)00000000/, () => '00000001']],
  'paging.asm': [
    // "Bit 3 of the error code can be set only if bit 0 is also set."
    [/(?<=#E e=)1?[8ACE](?= )/, (error) => (Number.parseInt(error, 16) | 1).toString(16).toUpperCase()],
    // A non-canonical address through RBP is #SS(0).
    [/(?<=not canonical, stack )#D/, () => '#C'],
    // The jump faults, not the fetch of its target.
    [/(?<=not canonical, jump .* ip=)F+/, () => 'A'],
    // Accesses to descriptor tables are implicit: EFLAGS.AC does not help.
    [/(?<=smap implicit access with ac ).*/, () => '#E e=1 ip=E cs=8 fl=0 ss=0 cr2=40000000'],
  ],
};

function bySdm(name: string, line: string): string {
  if (name === 'long.asm') {
    const title = titleOf(line);
    return LONG_BY_SDM.find((other) => titleOf(other) === title) ?? line;
  }
  return (DEVIATIONS[name] ?? []).reduce((text, [found, sdm]) => text.replace(found, sdm), line);
}

/** Name of the case that a line tells of. */
function titleOf(line: string): string {
  return line.replace(/( #[0-9A-F]+ e=| ok$| low=| cs=| dr7=| @).*/, '');
}

function lines({ text }: Outcome): string[] {
  return text.split('\n').filter((line) => line !== '');
}

describe.skipIf(missing.length > 0)('programs behave as under QEMU', () => {
  it.each(['segments.asm', 'paging.asm', 'long.asm', 'tasks.asm', 'v86.asm', 'paging32.asm', 'real.asm'])(
    '%s',
    (name) => {
      const image = assemble(name);
      const found = runInCore(image);
      const expected = runInQemu(image);
      expect(lines(expected).length).toBeGreaterThan(10);
      expect(lines(found)).toEqual(lines(expected).map((line) => bySdm(name, line)));
      expect(found.end).toBe(expected.end);
    },
  );
});

describe.skipIf(!haveTool('nasm'))('programs behave by the SDM', () => {
  it.each([
    ['limits.asm', LIMITS_EXPECTED],
    ['control.asm', CONTROL_EXPECTED],
    ['float.asm', FLOAT_EXPECTED],
  ])('%s', (name, expected) => {
    const found = runInCore(assemble(name));
    expect(lines(found)).toEqual(expected);
    expect(found.end).toBe('exit');
  });
});
