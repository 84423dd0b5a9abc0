// The VMCS fields against the encoding's own structure and against headers of other projects.

import { describe, expect, test } from 'vitest';
import { BIT_LAYOUTS } from '../../src/spec/bit-layouts.ts';
import { CONTROL_WORDS, type ControlWord } from '../../src/spec/controls.ts';
import { VMCS_FIELD_LIST, VMCS_FIELDS, vmcsFieldByEncoding, vmcsFieldByName } from '../../src/spec/vmcs-fields.ts';
import {
  VMCS_FIELDS_OFFSET,
  VMCS_REGION_SIZE,
  VMCS_REVISION,
  vmcsFieldOffset,
  vmcsFieldTable,
} from '../../src/spec/vmcs-layout.ts';

/** Counts of the tables of the SDM's appendix "Field Encoding in VMCS" (edition of February 2026, fields not halves). */
const APPENDIX_B = {
  'control 16': 5,
  'guest 16': 11,
  'host 16': 7,
  'control 64': 37,
  'read-only 64': 3,
  'guest 64': 21,
  'host 64': 12,
  'control 32': 20,
  'read-only 32': 8,
  'guest 32': 23,
  'host 32': 1,
  'control natural': 8,
  'read-only natural': 6,
  'guest natural': 23,
  'host natural': 15,
};

/** Fields outside that edition: older (ENCLV) and newer (edition of June 2026, section "Fields Controlling APIC-Timer Virtualization" and others). */
const OTHER_EDITIONS = [
  'ENCLV-exiting bitmap',
  'Virtual timer vector',
  'Guest deadline shadow',
  'Guest deadline',
  'Guest IA32_SPEC_CTRL',
  'Host IA32_SPEC_CTRL',
];

/** Encodings typed from Linux' arch/x86/include/asm/vmx.h, by the names there. */
const LINUX: Readonly<Record<string, number>> = {
  VIRTUAL_PROCESSOR_ID: 0x0000,
  POSTED_INTR_NV: 0x0002,
  LAST_PID_POINTER_INDEX: 0x0008,
  GUEST_ES_SELECTOR: 0x0800,
  GUEST_TR_SELECTOR: 0x080e,
  GUEST_INTR_STATUS: 0x0810,
  GUEST_PML_INDEX: 0x0812,
  HOST_ES_SELECTOR: 0x0c00,
  HOST_TR_SELECTOR: 0x0c0c,
  IO_BITMAP_A: 0x2000,
  IO_BITMAP_B: 0x2002,
  MSR_BITMAP: 0x2004,
  VM_EXIT_MSR_STORE_ADDR: 0x2006,
  VM_EXIT_MSR_LOAD_ADDR: 0x2008,
  VM_ENTRY_MSR_LOAD_ADDR: 0x200a,
  PML_ADDRESS: 0x200e,
  TSC_OFFSET: 0x2010,
  VIRTUAL_APIC_PAGE_ADDR: 0x2012,
  APIC_ACCESS_ADDR: 0x2014,
  POSTED_INTR_DESC_ADDR: 0x2016,
  VM_FUNCTION_CONTROL: 0x2018,
  EPT_POINTER: 0x201a,
  EOI_EXIT_BITMAP0: 0x201c,
  EOI_EXIT_BITMAP3: 0x2022,
  EPTP_LIST_ADDRESS: 0x2024,
  VMREAD_BITMAP: 0x2026,
  VMWRITE_BITMAP: 0x2028,
  XSS_EXIT_BITMAP: 0x202c,
  ENCLS_EXITING_BITMAP: 0x202e,
  TSC_MULTIPLIER: 0x2032,
  TERTIARY_VM_EXEC_CONTROL: 0x2034,
  SHARED_EPT_POINTER: 0x203c,
  PID_POINTER_TABLE: 0x2042,
  GUEST_PHYSICAL_ADDRESS: 0x2400,
  VMCS_LINK_POINTER: 0x2800,
  GUEST_IA32_DEBUGCTL: 0x2802,
  GUEST_IA32_PAT: 0x2804,
  GUEST_IA32_EFER: 0x2806,
  GUEST_IA32_PERF_GLOBAL_CTRL: 0x2808,
  GUEST_PDPTR0: 0x280a,
  GUEST_PDPTR3: 0x2810,
  GUEST_BNDCFGS: 0x2812,
  GUEST_IA32_RTIT_CTL: 0x2814,
  HOST_IA32_PAT: 0x2c00,
  HOST_IA32_EFER: 0x2c02,
  HOST_IA32_PERF_GLOBAL_CTRL: 0x2c04,
  PIN_BASED_VM_EXEC_CONTROL: 0x4000,
  CPU_BASED_VM_EXEC_CONTROL: 0x4002,
  EXCEPTION_BITMAP: 0x4004,
  PAGE_FAULT_ERROR_CODE_MASK: 0x4006,
  PAGE_FAULT_ERROR_CODE_MATCH: 0x4008,
  CR3_TARGET_COUNT: 0x400a,
  VM_EXIT_CONTROLS: 0x400c,
  VM_EXIT_MSR_STORE_COUNT: 0x400e,
  VM_EXIT_MSR_LOAD_COUNT: 0x4010,
  VM_ENTRY_CONTROLS: 0x4012,
  VM_ENTRY_MSR_LOAD_COUNT: 0x4014,
  VM_ENTRY_INTR_INFO_FIELD: 0x4016,
  VM_ENTRY_EXCEPTION_ERROR_CODE: 0x4018,
  VM_ENTRY_INSTRUCTION_LEN: 0x401a,
  TPR_THRESHOLD: 0x401c,
  SECONDARY_VM_EXEC_CONTROL: 0x401e,
  PLE_GAP: 0x4020,
  PLE_WINDOW: 0x4022,
  NOTIFY_WINDOW: 0x4024,
  VM_INSTRUCTION_ERROR: 0x4400,
  VM_EXIT_REASON: 0x4402,
  VM_EXIT_INTR_INFO: 0x4404,
  VM_EXIT_INTR_ERROR_CODE: 0x4406,
  IDT_VECTORING_INFO_FIELD: 0x4408,
  IDT_VECTORING_ERROR_CODE: 0x440a,
  VM_EXIT_INSTRUCTION_LEN: 0x440c,
  VMX_INSTRUCTION_INFO: 0x440e,
  GUEST_ES_LIMIT: 0x4800,
  GUEST_GDTR_LIMIT: 0x4810,
  GUEST_IDTR_LIMIT: 0x4812,
  GUEST_ES_AR_BYTES: 0x4814,
  GUEST_CS_AR_BYTES: 0x4816,
  GUEST_TR_AR_BYTES: 0x4822,
  GUEST_INTERRUPTIBILITY_INFO: 0x4824,
  GUEST_ACTIVITY_STATE: 0x4826,
  GUEST_SYSENTER_CS: 0x482a,
  VMX_PREEMPTION_TIMER_VALUE: 0x482e,
  HOST_IA32_SYSENTER_CS: 0x4c00,
  CR0_GUEST_HOST_MASK: 0x6000,
  CR4_GUEST_HOST_MASK: 0x6002,
  CR0_READ_SHADOW: 0x6004,
  CR4_READ_SHADOW: 0x6006,
  CR3_TARGET_VALUE0: 0x6008,
  CR3_TARGET_VALUE3: 0x600e,
  EXIT_QUALIFICATION: 0x6400,
  GUEST_LINEAR_ADDRESS: 0x640a,
  GUEST_CR0: 0x6800,
  GUEST_CR3: 0x6802,
  GUEST_CR4: 0x6804,
  GUEST_ES_BASE: 0x6806,
  GUEST_TR_BASE: 0x6814,
  GUEST_GDTR_BASE: 0x6816,
  GUEST_IDTR_BASE: 0x6818,
  GUEST_DR7: 0x681a,
  GUEST_RSP: 0x681c,
  GUEST_RIP: 0x681e,
  GUEST_RFLAGS: 0x6820,
  GUEST_PENDING_DBG_EXCEPTIONS: 0x6822,
  GUEST_SYSENTER_ESP: 0x6824,
  GUEST_SYSENTER_EIP: 0x6826,
  GUEST_S_CET: 0x6828,
  GUEST_SSP: 0x682a,
  GUEST_INTR_SSP_TABLE: 0x682c,
  HOST_CR0: 0x6c00,
  HOST_CR3: 0x6c02,
  HOST_CR4: 0x6c04,
  HOST_FS_BASE: 0x6c06,
  HOST_GS_BASE: 0x6c08,
  HOST_TR_BASE: 0x6c0a,
  HOST_GDTR_BASE: 0x6c0c,
  HOST_IDTR_BASE: 0x6c0e,
  HOST_IA32_SYSENTER_ESP: 0x6c10,
  HOST_IA32_SYSENTER_EIP: 0x6c12,
  HOST_RSP: 0x6c14,
  HOST_RIP: 0x6c16,
  HOST_S_CET: 0x6c18,
  HOST_SSP: 0x6c1a,
  HOST_INTR_SSP_TABLE: 0x6c1c,
};

const WIDTHS = [16, 64, 32, 'natural'] as const;
const AREAS = ['control', 'read-only', 'guest', 'host'] as const;

describe('VMCS fields', () => {
  test('encodings are unique', () => {
    expect(new Set(VMCS_FIELD_LIST.map((field) => field.encoding)).size).toBe(VMCS_FIELD_LIST.length);
  });

  test('names, identifiers and aliases are unique', () => {
    const names = VMCS_FIELD_LIST.flatMap((field) => [
      ...new Set([field.name, field.identifier, ...(field.aliases ?? [])].map((name) => name.toLowerCase())),
    ]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test.each(VMCS_FIELD_LIST)('$name: the encoding says width and area', (field) => {
    expect(field.encoding & ~0x6fff).toBe(0); // bit 12 and bits 31:15 are reserved
    expect(field.encoding & 1).toBe(0);
    expect(WIDTHS[(field.encoding >> 13) & 3]).toBe(field.width);
    expect(AREAS[(field.encoding >> 10) & 3]).toBe(field.area);
    expect((field.encoding >> 1) & 0x1ff).toBeLessThan(64); // the core's table has 64 indices a group
  });

  test.each(VMCS_FIELD_LIST)('$name: the name says the area', (field) => {
    if (field.name.startsWith('Host ')) {
      expect(field.area).toBe('host');
    }
    if (/^Guest (?!deadline shadow|-physical|-linear)/.test(field.name)) {
      expect(field.area).toBe('guest');
    }
    expect(field.identifier).toMatch(/^[A-Z][A-Z0-9_]*$/);
    expect(field.meaning).toMatch(/\.$/);
  });

  test('every table of the appendix is complete', () => {
    const counts: Record<string, number> = {};
    for (const field of VMCS_FIELD_LIST) {
      if (!OTHER_EDITIONS.includes(field.name)) {
        const key = `${field.area} ${field.width}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
    expect(counts).toEqual(APPENDIX_B);
    expect(OTHER_EDITIONS.filter((name) => !(name in VMCS_FIELDS))).toEqual([]);
  });

  test.each(Object.entries(LINUX))('%s is %i, as in Linux', (name, encoding) => {
    expect(vmcsFieldByName(name)?.encoding).toBe(encoding);
  });

  test('requirements name controls that exist', () => {
    for (const { name, requires } of VMCS_FIELD_LIST) {
      for (const requirement of requires ?? []) {
        const [word, control] = requirement.split(': ') as [string, string];
        if (word !== 'cpuid') {
          expect(Object.keys(CONTROL_WORDS[word as ControlWord].bits), name).toContain(control);
        }
      }
    }
  });

  test('fields with bits have a layout within their width', () => {
    for (const field of VMCS_FIELD_LIST) {
      expect(field.display === 'bits' || field.display === 'selector', field.name).toBe(field.bits !== undefined);
      if (field.bits !== undefined) {
        const width = field.width === 'natural' ? 64 : field.width;
        expect(
          BIT_LAYOUTS[field.bits].every((bit) => bit.low <= bit.high && bit.high < width),
          field.name,
        ).toBe(true);
      }
    }
  });

  test('high halves exist for 64-bit fields only', () => {
    expect(vmcsFieldByEncoding(0x2801)?.name).toBe('VMCS link pointer');
    expect(vmcsFieldByEncoding(0x681f)).toBeUndefined();
    expect(vmcsFieldByEncoding(0x2048)).toBeUndefined();
  });
});

describe('VMCS region', () => {
  test('fields do not overlap and fit the region', () => {
    const offsets = VMCS_FIELD_LIST.map((field) => vmcsFieldOffset(field.encoding) ?? 0);
    expect(Math.min(...offsets)).toBe(VMCS_FIELDS_OFFSET);
    expect(Math.max(...offsets) + 8).toBeLessThanOrEqual(VMCS_REGION_SIZE);
    expect(new Set(offsets).size).toBe(offsets.length);
    expect(offsets.every((offset) => offset % 8 === 0)).toBe(true);
  });

  test('a high-access encoding is 4 bytes further', () => {
    expect(vmcsFieldOffset(0x2001)).toBe((vmcsFieldOffset(0x2000) ?? 0) + 4);
    expect(vmcsFieldOffset(0x6801)).toBeUndefined();
  });

  test('the revision identifier has 31 bits', () => {
    expect(VMCS_REVISION & 0x8000_0000).toBe(0);
  });

  test('the core’s table', () => {
    const table = vmcsFieldTable();
    expect(table.length).toBe(1024);
    const entry = (encoding: number): number =>
      table[(((encoding >> 13) & 3) * 4 + ((encoding >> 10) & 3)) * 64 + ((encoding >> 1) & 0x1ff)] ?? 0;
    // Guest RIP: natural width (3), writable, dirty class 1.
    expect(entry(0x681e)).toBe((vmcsFieldOffset(0x681e) ?? 0) | (3 << 16) | (1 << 24));
    // Exit reason: 32 bits (2), read-only, no check reads it.
    expect(entry(0x4402)).toBe((vmcsFieldOffset(0x4402) ?? 0) | (2 << 16) | (1 << 18));
    // VMCS link pointer: 64 bits (1), any.
    expect(entry(0x2800)).toBe((vmcsFieldOffset(0x2800) ?? 0) | (1 << 16) | (2 << 24));
    // Guest ES selector: 16 bits (0), any.
    expect(entry(0x0800)).toBe((vmcsFieldOffset(0x0800) ?? 0) | (2 << 24));
    expect(entry(0x2048)).toBe(0);
    expect([...table].filter((word) => word !== 0).length).toBe(VMCS_FIELD_LIST.length);
    expect([...vmcsFieldTable((field) => field.name === 'Guest RIP')].filter((word) => word !== 0).length).toBe(1);
  });
});
