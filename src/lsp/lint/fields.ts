// Rules about the field that a VMREAD or VMWRITE means, and about what is written to it.
import { vmcsFieldByEncoding } from '../../spec/vmcs-fields.ts';
import { fieldExists } from '../../vmx/capabilities.ts';
import { hexH } from '../fact-hover.ts';
import { type Finding, type LintContext, nameOf } from './finding.ts';

export function* fieldFindings({ accesses, profile }: LintContext): Generator<Finding> {
  for (const { statement, write, field: number, value } of accesses) {
    if (number === undefined) continue;
    const encoding = number.value;
    const range = statement.expansion === undefined ? number.origin : nameOf(statement);
    const name = write ? 'VMWRITE' : 'VMREAD';
    const field = encoding > 0xffffn ? undefined : vmcsFieldByEncoding(Number(encoding));
    if (field === undefined) {
      yield {
        rule: 'unsupported-encoding',
        range,
        statement,
        message: `${hexH(encoding)} is the encoding of no VMCS field: ${name} fails with VM-instruction error 12`,
      };
    } else if (!fieldExists(profile, field)) {
      yield {
        rule: 'unsupported-encoding',
        range,
        statement,
        message: `the profile “${profile.title}” has no field “${field.name}” (${hexH(encoding)}): ${name} fails with VM-instruction error 12`,
      };
    } else if (write && field.area === 'read-only') {
      yield {
        rule: 'read-only-field',
        range,
        statement,
        message: profile.misc.includes('write all fields')
          ? `“${field.name}” is a read-only field: VMWRITE fails with VM-instruction error 13 where IA32_VMX_MISC bit 29 is 0`
          : `“${field.name}” is a read-only field: VMWRITE fails with VM-instruction error 13`,
      };
    } else if (write && value !== undefined && /^HOST_\w+_SELECTOR$/.test(field.identifier)) {
      const problem = selectorProblem(field.identifier, value.value);
      if (problem !== undefined)
        yield {
          rule: 'host-selector',
          range: statement.expansion === undefined ? value.origin : nameOf(statement),
          statement,
          message: `“${field.name}” is ${hexH(value.value)}, but ${problem}: VM entry fails with VM-instruction error 8`,
        };
    }
  }
}

/** SDM "Checks on Host Segment and Descriptor-Table Registers". */
function selectorProblem(field: string, value: bigint): string | undefined {
  if ((value & 7n) !== 0n) return 'RPL (bits 1:0) and TI (bit 2) of host selectors must be 0';
  if (value === 0n && /_(CS|TR)_/.test(field)) return 'the host selectors of CS and TR must not be 0';
  return undefined;
}
