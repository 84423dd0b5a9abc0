// A VMCS that a hypervisor wrote into its log when a VM entry failed: the forms of Linux's KVM and of Xen, of several
// generations, with whatever a log puts in front of a line. What a dump does not hold stays unknown.

import type { VmcsFieldName } from '../spec/vmcs-fields.ts';

export interface VmcsDump {
  readonly source: 'KVM' | 'Xen';
  /** What tells this dump from others of the same log; empty when nothing does. */
  readonly title: string;
  /** Line of the log at which it begins, from 1. */
  readonly line: number;
  readonly fields: ReadonlyMap<VmcsFieldName, bigint>;
  /** What is to be known about values that stand in the dump and are no field. */
  readonly notes: readonly string[];
}

type Section = 'guest' | 'host' | 'control';

/** Where the values that a pattern captures go: fields in the order of its groups; undefined: no field. */
interface Pattern {
  readonly expression: RegExp;
  readonly fields: readonly (VmcsFieldName | undefined)[];
}

const H = '(?:0x)?([0-9a-fA-F]+)';
/** Xen prints the register beside the field, or a symbol. */
const BESIDE = '(?: \\([^)]*\\))?';

function pattern(text: string, ...fields: (VmcsFieldName | undefined)[]): Pattern {
  return { expression: new RegExp(text.replaceAll('H', H).replaceAll('@', BESIDE)), fields };
}

const GUEST: readonly Pattern[] = [
  pattern('CR0: actual=H, shadow=H, (?:gh_)?mask=H', 'Guest CR0', 'CR0 read shadow', 'CR0 guest/host mask'),
  pattern('CR4: actual=H, shadow=H, (?:gh_)?mask=H', 'Guest CR4', 'CR4 read shadow', 'CR4 guest/host mask'),
  pattern('CR3(?: =|: actual=) ?H', 'Guest CR3'),
  pattern('target_count=H', 'CR3-target count'),
  pattern('PDPT[RE]0 = H +PDPT[RE]1 = H', 'Guest PDPTE0', 'Guest PDPTE1'),
  pattern('PDPT[RE]2 = H +PDPT[RE]3 = H', 'Guest PDPTE2', 'Guest PDPTE3'),
  pattern('RSP = H@,? +RIP = H', 'Guest RSP', 'Guest RIP'),
  pattern('RFLAGS ?= ?H@ +DR7 ?= ?H', 'Guest RFLAGS', 'Guest DR7'),
  pattern('Sysenter RSP=H CS:RIP=H:H', 'Guest IA32_SYSENTER_ESP', 'Guest IA32_SYSENTER_CS', 'Guest IA32_SYSENTER_EIP'),
  pattern('DebugCtl ?= ?H +DebugExceptions ?= ?H', 'Guest IA32_DEBUGCTL', 'Guest pending debug exceptions'),
  pattern('PerfGlobCtl = H', 'Guest IA32_PERF_GLOBAL_CTRL'),
  pattern('BndCfgS = H', 'Guest IA32_BNDCFGS'),
  pattern('Interruptibility ?= ?H +ActivityState ?= ?H', 'Guest interruptibility state', 'Guest activity state'),
  pattern('InterruptStatus = H', 'Guest interrupt status'),
  pattern('PAT ?= ?H', 'Guest IA32_PAT'),
  pattern('S_CET = H', 'Guest IA32_S_CET'),
];

const HOST: readonly Pattern[] = [
  pattern('RIP = H@ +RSP = H', 'Host RIP', 'Host RSP'),
  pattern(
    'CS=H SS=H DS=H ES=H FS=H GS=H TR=H',
    'Host CS selector',
    'Host SS selector',
    'Host DS selector',
    'Host ES selector',
    'Host FS selector',
    'Host GS selector',
    'Host TR selector',
  ),
  pattern('FSBase=H GSBase=H TRBase=H', 'Host FS base', 'Host GS base', 'Host TR base'),
  pattern('GDTBase=H IDTBase=H', 'Host GDTR base', 'Host IDTR base'),
  pattern('CR0=H CR3=H CR4=H', 'Host CR0', 'Host CR3', 'Host CR4'),
  pattern('Sysenter RSP=H CS:RIP=H:H', 'Host IA32_SYSENTER_ESP', 'Host IA32_SYSENTER_CS', 'Host IA32_SYSENTER_EIP'),
  pattern('PerfGlobCtl = H', 'Host IA32_PERF_GLOBAL_CTRL'),
  pattern('PAT ?= ?H', 'Host IA32_PAT'),
  pattern('S_CET = H', 'Host IA32_S_CET'),
];

const CONTROL: readonly Pattern[] = [
  pattern('PinBased=H', 'Pin-based VM-execution controls'),
  pattern('CPUBased=H', 'Primary processor-based VM-execution controls'),
  pattern('SecondaryExec=H', 'Secondary processor-based VM-execution controls'),
  pattern('TertiaryExec=H', 'Tertiary processor-based VM-execution controls'),
  pattern('EntryControls=H', 'VM-entry controls'),
  pattern('ExitControls=H', 'Primary VM-exit controls'),
  pattern('ExceptionBitmap=H', 'Exception bitmap'),
  pattern('PFECmask=H', 'Page-fault error-code mask'),
  pattern('PFECmatch=H', 'Page-fault error-code match'),
  pattern(
    'VMEntry: intr_info=H errcode=H ilen=H',
    'VM-entry interruption-information field',
    'VM-entry exception error code',
    'VM-entry instruction length',
  ),
  pattern(
    'VMExit: intr_info=H errcode=H ilen=H',
    'VM-exit interruption information',
    'VM-exit interruption error code',
    'VM-exit instruction length',
  ),
  pattern('reason=H qualification=H', 'Exit reason', 'Exit qualification'),
  pattern('IDTVectoring: info=H errcode=H', 'IDT-vectoring information field', 'IDT-vectoring error code'),
  pattern('TSC Offset = H', 'TSC offset'),
  pattern('TSC Multiplier = H', 'TSC multiplier'),
  pattern('TPR Threshold = H', 'TPR threshold'),
  pattern('APIC-access addr = H', 'APIC-access address'),
  pattern('virt-APIC addr = H', 'Virtual-APIC address'),
  pattern('PostedIntrVec = H', 'Posted-interrupt notification vector'),
  pattern('EPT pointer = H', 'EPT pointer (EPTP)'),
  pattern('EPTP index = H', 'EPTP index'),
  pattern('target0=H', 'CR3-target value 0'),
  pattern('target1=H', 'CR3-target value 1'),
  pattern('target2=H', 'CR3-target value 2'),
  pattern('target3=H', 'CR3-target value 3'),
  pattern('PLE Gap=H Window=H', 'PLE_Gap', 'PLE_Window'),
  pattern('Virtual processor ID = H', 'Virtual-processor identifier (VPID)'),
  pattern('VMfunc controls = H', 'VM-function controls'),
];

const PATTERNS: Readonly<Record<Section, readonly Pattern[]>> = { guest: GUEST, host: HOST, control: CONTROL };

const SECTION = /\*\*\* (Guest|Host|Control) State \*\*\*/;
const SEGMENT_NAMED = new RegExp(`\\b(CS|DS|SS|ES|FS|GS|LDTR|TR): +sel=H, attr=H, limit=H, base=H`.replaceAll('H', H));
const SEGMENT_PLAIN =
  /\b(CS|DS|SS|ES|FS|GS|LDTR|TR): +([0-9a-fA-F]{4}) ([0-9a-fA-F]{5}) ([0-9a-fA-F]{8}) ([0-9a-fA-F]{16})/;
const TABLE_NAMED = new RegExp(`\\b(GDTR|IDTR): +limit=H, base=H`.replaceAll('H', H));
const TABLE_PLAIN = /\b(GDTR|IDTR): +([0-9a-fA-F]{8}) ([0-9a-fA-F]{16})/;
/** Where the value comes from may stand before or behind it; only without a word, or with "VMCS", it is the field. */
const EFER = new RegExp(`\\bEFER(?:\\(([^)]*)\\))? ?= *${H}(?: \\(([^)]*)\\))?`);
const MSR_LIST = /\bMSR (guest autoload|guest autostore|host autoload):/;
const MSR_ROW = /\b\d+: msr=(?:0x)?[0-9a-fA-F]+ value=/;

const LISTS: Readonly<Record<string, VmcsFieldName>> = {
  'guest autoload': 'VM-entry MSR-load count',
  'guest autostore': 'VM-exit MSR-store count',
  'host autoload': 'VM-exit MSR-load count',
};

interface Builder {
  readonly source: 'KVM' | 'Xen';
  readonly title: string;
  readonly line: number;
  readonly fields: Map<VmcsFieldName, bigint>;
  readonly notes: string[];
}

/** Every dump in a log, in order; empty when there is none. */
export function parseVmcsDumps(text: string): VmcsDump[] {
  const dumps: Builder[] = [];
  let title = '';
  let section: Section | undefined;
  let list: VmcsFieldName | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    title = titleOf(line) ?? title;
    const heading = SECTION.exec(line)?.[1];
    if (heading !== undefined) {
      section = heading.toLowerCase() as Section;
      list = undefined;
      if (section === 'guest') {
        const source = line.includes('(XEN)') || /^d\d+v\d+|VCPU/.test(title) ? 'Xen' : 'KVM';
        dumps.push({ source, title, line: index + 1, fields: new Map(), notes: [] });
        title = '';
      }
      continue;
    }
    const dump = dumps.at(-1);
    if (dump === undefined || section === undefined) continue;
    list = readList(line, list, dump);
    readLine(line, section, dump);
  }
  return dumps;
}

function titleOf(line: string): string | undefined {
  const kvm = /\bVMCS ([0-9a-fA-F]+), last attempted VM-entry on CPU (\d+)/.exec(line);
  if (kvm !== null) return `VMCS ${kvm[1]}, last VM entry attempted on CPU ${kvm[2]}`;
  const domain = />>> Domain (\d+) <<</.exec(line);
  if (domain !== null) return `Domain ${domain[1]}`;
  const vcpu = /\bVCPU (\d+)\s*$/.exec(line);
  if (vcpu !== null) return `VCPU ${vcpu[1]}`;
  const dv = /\b(d\d+v\d+)\b/.exec(line);
  return dv === null ? undefined : dv[1];
}

/** The lists of MSRs tell the counts; their addresses are not printed. */
function readList(line: string, list: VmcsFieldName | undefined, dump: Builder): VmcsFieldName | undefined {
  const name = MSR_LIST.exec(line)?.[1];
  if (name !== undefined) {
    const field = LISTS[name];
    if (field !== undefined) dump.fields.set(field, 0n);
    return field;
  }
  if (list === undefined || !MSR_ROW.test(line)) return undefined;
  dump.fields.set(list, (dump.fields.get(list) ?? 0n) + 1n);
  return list;
}

function readLine(line: string, section: Section, dump: Builder): void {
  for (const { expression, fields } of PATTERNS[section]) {
    const match = expression.exec(line);
    if (match === null) continue;
    fields.forEach((field, i) => {
      const value = match[i + 1];
      if (field !== undefined && value !== undefined) dump.fields.set(field, BigInt(`0x${value}`));
    });
  }
  if (section === 'guest') readSegments(line, dump);
  if (section !== 'control') readEfer(line, section, dump);
}

function readSegments(line: string, { fields }: Builder): void {
  const segment = SEGMENT_NAMED.exec(line) ?? SEGMENT_PLAIN.exec(line);
  const table = TABLE_NAMED.exec(line) ?? TABLE_PLAIN.exec(line);
  const set = (name: string, digits: string | undefined): void => {
    if (digits !== undefined) fields.set(name as VmcsFieldName, BigInt(`0x${digits}`));
  };
  if (segment !== null) {
    const [, name, selector, rights, limit, base] = segment;
    set(`Guest ${name} selector`, selector);
    set(`Guest ${name} access rights`, rights);
    set(`Guest ${name} limit`, limit);
    set(`Guest ${name} base`, base);
  } else if (table !== null) {
    const [, name, limit, base] = table;
    set(`Guest ${name} limit`, limit);
    set(`Guest ${name} base`, base);
  }
}

function readEfer(line: string, section: 'guest' | 'host', dump: Builder): void {
  const match = EFER.exec(line);
  if (match?.[2] === undefined) return;
  const origin = (match[1] ?? match[3] ?? 'VMCS').trim();
  const field = section === 'guest' ? 'Guest IA32_EFER' : 'Host IA32_EFER';
  if (origin === 'VMCS') dump.fields.set(field, BigInt(`0x${match[2]}`));
  else dump.notes.push(`The EFER of the dump (${origin}) is not the field ${field}.`);
}
