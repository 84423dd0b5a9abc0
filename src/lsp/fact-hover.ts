// Hovers on what the manual names: VMCS fields, controls, MSRs, exit reasons, bits.
import { BIT_LAYOUTS } from '../spec/bit-layouts.ts';
import { type BitField, type BitLayout, describeBits } from '../spec/bits.ts';
import { CONTROL_WORDS, type ControlWord } from '../spec/controls.ts';
import { EXIT_CLASSES } from '../spec/exit-reasons.ts';
import { QUALIFICATIONS, type QualificationName } from '../spec/exit-qualifications.ts';
import { msrByIndex } from '../spec/msrs.ts';
import type { NamedVmcsField } from '../spec/vmcs-fields.ts';
import { type CapabilityProfile, allowedSettings, fieldExists } from '../vmx/capabilities.ts';
import { type Fact, wordOfField } from './names.ts';

export const hexH = (value: bigint | number): string => {
  const digits = value.toString(16).toUpperCase();
  return `${/^[A-F]/.test(digits) ? '0' : ''}${digits}H`;
};

const AREAS: Readonly<Record<NamedVmcsField['area'], string>> = {
  control: 'control field',
  'read-only': 'VM-exit information field (read-only)',
  guest: 'guest-state area',
  host: 'host-state area',
};

/** Markdown for a fact; `value`: what is known to be stored in it. */
export function factMarkdown(fact: Fact, profile: CapabilityProfile, value?: bigint): string {
  switch (fact.kind) {
    case 'vmcs':
      return fieldMarkdown(fact.field, fact.high, profile, value);
    case 'control':
      return controlMarkdown(fact.word, fact.name, profile);
    case 'msr': {
      const { msr } = fact;
      return joined([
        `**${msr.name}** — model-specific register ${hexH(msr.index)}${msr.readOnly ? ', read-only' : ''}`,
        msr.meaning,
        msr.bits === undefined ? '' : bitsMarkdown(BIT_LAYOUTS[msr.bits], value),
      ]);
    }
    case 'exit-reason': {
      const { reason } = fact;
      return joined([
        `**${reason.name}** — basic exit reason ${reason.reason}`,
        `Belongs to: ${EXIT_CLASSES[reason.class].description}`,
        [
          reason.qualification === undefined
            ? 'The exit qualification is 0 or undefined.'
            : `The exit qualification tells more (${reason.qualification.replaceAll('-', ' ')}).`,
          reason.instruction ? 'An instruction causes it: the VM-exit instruction length is valid.' : '',
          reason.instructionInfo ? 'The VM-exit instruction information is valid.' : '',
        ]
          .filter((line) => line !== '')
          .join(' '),
        reason.qualification !== undefined && Object.hasOwn(QUALIFICATIONS, reason.qualification)
          ? `Exit qualification:\n\n${bitsMarkdown(QUALIFICATIONS[reason.qualification as QualificationName])}`
          : '',
      ]);
    }
    default:
      return joined([
        `**${fact.register.toUpperCase()}.${fact.bit.name}** — ${fact.bit.low === fact.bit.high ? `bit ${fact.bit.low}` : `bits ${fact.bit.high}:${fact.bit.low}`}`,
        fact.bit.meaning,
      ]);
  }
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== '').join('\n\n');

function fieldMarkdown(field: NamedVmcsField, high: boolean, profile: CapabilityProfile, value?: bigint): string {
  const word = wordOfField(field);
  const width =
    field.width === 'natural' ? 'natural width (64 bits on processors with 64-bit mode)' : `${field.width} bits`;
  const access = field.area === 'read-only' ? 'VMREAD only' : 'VMREAD and VMWRITE';
  const encoding =
    field.width === 64 ? `${hexH(field.encoding)} (high 32 bits: ${hexH(field.encoding + 1)})` : hexH(field.encoding);
  const exists = fieldExists(profile, field)
    ? ''
    : `The profile “${profile.title}” has not this field: VMREAD and VMWRITE fail with error 12.`;
  return joined([
    `**${field.name}**${high ? ', high 32 bits' : ''} — VMCS, ${AREAS[field.area]}`,
    field.meaning,
    `Encoding ${encoding} · ${width} · ${access}`,
    field.requires === undefined
      ? ''
      : `Exists if the processor supports ${field.requires.map((r) => `“${r}”`).join(' or ')}.`,
    exists,
    word !== undefined
      ? controlsTable(word, profile, value)
      : field.bits === undefined
        ? ''
        : bitsMarkdown(BIT_LAYOUTS[field.bits], value),
    field.aliases === undefined ? '' : `Also called ${field.aliases.map((a) => `\`${a}\``).join(', ')}.`,
  ]);
}

/** The values of a group that is an enumeration: " 0 external interrupt, 2 NMI, …". */
function valuesText({ values }: BitField): string {
  const all = Object.entries(values ?? {});
  return all.length === 0 || all.length > 16 ? '' : ` ${all.map(([value, name]) => `${value}: ${name}`).join(', ')}.`;
}

/** The bits of a layout; with a value, how it reads. */
export function bitsMarkdown(layout: BitLayout, value?: bigint): string {
  const rows = layout
    .slice(0, 40)
    .map(
      (f) =>
        `| ${f.low === f.high ? f.low : `${f.high}:${f.low}`} | ${f.name} | ${(f.meaning + valuesText(f)).replaceAll('|', '\\|')} |`,
    );
  const table = ['| bits | name | meaning |', '| --- | --- | --- |', ...rows].join('\n');
  return value === undefined ? table : `\`${hexH(value)}\`: ${describeBits(layout, value).summary}\n\n${table}`;
}

type Setting = '0 or 1' | 'must be 0' | 'must be 1';

export function allowedSetting(word: ControlWord, bit: number, profile: CapabilityProfile): Setting {
  const { allowed0, allowed1 } = allowedSettings(profile, word);
  const mask = 1n << BigInt(bit);
  if ((allowed1 & mask) === 0n) return 'must be 0';
  return (allowed0 & mask) !== 0n ? 'must be 1' : '0 or 1';
}

function controlsTable(word: ControlWord, profile: CapabilityProfile, value?: bigint): string {
  const rows = Object.entries(CONTROL_WORDS[word].bits).map(([name, bit]) => {
    const set = value === undefined ? '' : ` ${(value >> BigInt(bit.bit)) & 1n} |`;
    return `| ${bit.bit} |${set} ${name} | ${allowedSetting(word, bit.bit, profile)} |`;
  });
  return [
    `| bit |${value === undefined ? '' : ' value |'} control | allowed (${profile.title}) |`,
    `| --- |${value === undefined ? '' : ' --- |'} --- | --- |`,
    ...rows,
  ].join('\n');
}

function controlMarkdown(word: ControlWord, name: string, profile: CapabilityProfile): string {
  const row = CONTROL_WORDS[word];
  const bit = row.bits[name]!;
  const msrs = [row.capability.msr, ...(row.capability.true === undefined ? [] : [row.capability.true])].map((index) =>
    `${hexH(index)} ${msrByIndex(index)?.name ?? ''}`.trim(),
  );
  return joined([
    `**${name}** — bit ${bit.bit} of the ${/^VM/.test(row.title) ? row.title : row.title.charAt(0).toLowerCase() + row.title.slice(1)}`,
    bit.meaning,
    `Allowed settings of the profile “${profile.title}”: **${allowedSetting(word, bit.bit, profile)}** (capability MSR ${msrs.join(' or ')}).`,
  ]);
}
