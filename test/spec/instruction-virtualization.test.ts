// The virtualization face of instructions against the manual's lists, typed here by hand.
import { describe, expect, it } from 'vitest';
import { VIRTUALIZATION, type VirtualizationRow, virtualizationOf } from '../../src/spec/instruction-virtualization.ts';

/** SDM "Instructions That Cause VM Exits Unconditionally". */
const ALWAYS = [
  ...['cpuid', 'getsec', 'invd', 'seamcall', 'tdcall', 'xsetbv', 'invept', 'invvpid', 'vmcall', 'vmclear'],
  ...['vmlaunch', 'vmptrld', 'vmptrst', 'vmresume', 'vmxoff', 'vmxon'],
];

/** SDM "Instructions That Cause VM Exits Conditionally": instruction, and the controls whose 1-setting matters. */
const BY_CONTROL: Readonly<Record<string, readonly string[]>> = {
  encls: ['enable ENCLS exiting'],
  enclv: ['enable ENCLV exiting'],
  hlt: ['HLT exiting'],
  in: ['use I/O bitmaps', 'unconditional I/O exiting'],
  insb: ['use I/O bitmaps', 'unconditional I/O exiting'],
  out: ['use I/O bitmaps', 'unconditional I/O exiting'],
  outsd: ['use I/O bitmaps', 'unconditional I/O exiting'],
  invlpg: ['INVLPG exiting'],
  invpcid: ['INVLPG exiting', 'enable INVPCID'],
  lgdt: ['descriptor-table exiting'],
  lidt: ['descriptor-table exiting'],
  lldt: ['descriptor-table exiting'],
  ltr: ['descriptor-table exiting'],
  sgdt: ['descriptor-table exiting'],
  sidt: ['descriptor-table exiting'],
  sldt: ['descriptor-table exiting'],
  str: ['descriptor-table exiting'],
  loadiwkey: ['LOADIWKEY exiting'],
  monitor: ['MONITOR exiting'],
  'mov from cr3': ['CR3-store exiting'],
  'mov from cr8': ['CR8-store exiting'],
  'mov to cr3': ['CR3-load exiting'],
  'mov to cr8': ['CR8-load exiting'],
  'mov dr': ['MOV-DR exiting'],
  mwait: ['MWAIT exiting'],
  pause: ['PAUSE exiting', 'PAUSE-loop exiting'],
  pconfig: ['enable PCONFIG'],
  rdmsr: ['use MSR bitmaps'],
  rdmsrlist: ['enable MSR-list instructions', 'use MSR bitmaps'],
  rdpmc: ['RDPMC exiting'],
  rdrand: ['RDRAND exiting'],
  rdseed: ['RDSEED exiting'],
  rdtsc: ['RDTSC exiting'],
  rdtscp: ['RDTSC exiting', 'enable RDTSCP'],
  tpause: ['RDTSC exiting', 'enable user wait and pause'],
  umwait: ['RDTSC exiting', 'enable user wait and pause'],
  vmread: ['VMCS shadowing'],
  vmwrite: ['VMCS shadowing'],
  wbinvd: ['WBINVD exiting'],
  wbnoinvd: ['WBINVD exiting'],
  wrmsr: ['use MSR bitmaps'],
  xrstors: ['enable XSAVES/XRSTORS'],
  xsaves: ['enable XSAVES/XRSTORS'],
  vmfunc: ['enable VM functions'],
};

/** The same list: what masks, shadows and modes decide. */
const BY_STATE = ['clts', 'lmsw', 'mov to cr0', 'mov to cr4', 'rsm'];

/** Sensitive and not privileged on this architecture (Robin and Irvine, 2000). */
const UNPRIVILEGED_SENSITIVE = [
  ...['sgdt', 'sidt', 'sldt', 'smsw', 'pushf', 'pushfd', 'pushfq', 'popf', 'popfd', 'popfq', 'lar', 'lsl', 'verr'],
  ...['verw', 'pop sreg', 'push sreg', 'far jump', 'int', 'iret', 'iretd', 'iretq', 'str', 'mov from sreg'],
  'mov to sreg',
];

const names = (row: VirtualizationRow): string[] =>
  row.exits === undefined || row.exits === 'always'
    ? []
    : [...new Set(row.exits.flatMap((rule) => (rule.controls ?? []).map((c) => c.name)))].sort();

describe('virtualization face', () => {
  it('exits unconditionally where the manual says so, and nowhere else', () => {
    const always = Object.keys(VIRTUALIZATION).filter((key) => virtualizationOf(key)!.exits === 'always');
    expect(always.sort()).toEqual([...ALWAYS].sort());
  });

  it.each(Object.entries(BY_CONTROL))('%s exits by %j', (key, controls) => {
    expect(names(virtualizationOf(key)!)).toEqual([...controls].sort());
  });

  it.each(BY_STATE)('%s exits by masks, shadows or mode', (key) => {
    const row = virtualizationOf(key)!;
    expect(names(row)).toEqual([]);
    expect(row.exits).toBeDefined();
  });

  it('names no other control', () => {
    const known = new Set([
      ...Object.keys(BY_CONTROL),
      ...['ins', 'insw', 'insd', 'outs', 'outsb', 'outsw', 'wrmsrlist', 'wrmsrns'],
    ]);
    const others = Object.keys(VIRTUALIZATION).filter(
      (key) => names(virtualizationOf(key)!).length > 0 && !known.has(key),
    );
    expect(others).toEqual([]);
  });

  it.each(UNPRIVILEGED_SENSITIVE)('%s is sensitive and does not always trap', (key) => {
    const row = virtualizationOf(key)!;
    expect(row.sensitive).toBeDefined();
    expect(row.privilege ?? 'any CPL').toMatch(/^any CPL/);
  });

  it('VMX instructions but VMCALL need CPL 0 in root operation', () => {
    for (const key of ALWAYS.filter((name) => /^(vm|inv(ept|vpid))/.test(name) && name !== 'vmcall'))
      expect(virtualizationOf(key)!.privilege).toContain('CPL 0');
    expect(virtualizationOf('vmcall')!.privilege).toBeUndefined();
    expect(virtualizationOf('cpuid')!.privilege).toBeUndefined();
  });
});
