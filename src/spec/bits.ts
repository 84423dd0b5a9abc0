// Named bits of a register, control word or VMCS field, and their rendering in words.

/** One named group of bits; `low` and `high` are bit positions, inclusive. */
export interface BitField {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly meaning: string;
  /** Names of the values of a group that is an enumeration. */
  readonly values?: Readonly<Record<number, string>>;
  /** Names of the values where they depend on other bits of the word; goes before `values`. */
  readonly valuesIn?: (word: bigint) => Readonly<Record<number, string>>;
}

export type BitLayout = readonly BitField[];

export interface DescribedField {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly value: bigint;
  /** The value in words: a name of `values`, decimal up to 3 bits, hexadecimal for wider groups. */
  readonly text: string;
  readonly meaning: string;
}

export interface DescribedBits {
  readonly fields: readonly DescribedField[];
  /** Bits that are set and that the layout does not name. */
  readonly unnamed: bigint;
  /** One line: the names of single bits that are set, and the groups that are not zero, as `name=value`. */
  readonly summary: string;
}

/** A single bit. */
export function bit(position: number, name: string, meaning: string): BitField {
  return { name, low: position, high: position, meaning };
}

/** A group of bits, `high` and `low` in the order in which the SDM writes them (11:8). */
export function group(
  high: number,
  low: number,
  name: string,
  meaning: string,
  values?: Readonly<Record<number, string>>,
): BitField {
  return values === undefined ? { name, low, high, meaning } : { name, low, high, meaning, values };
}

/** Mask of a field within its word. */
export function fieldMask(field: BitField): bigint {
  return ((1n << BigInt(field.high - field.low + 1)) - 1n) << BigInt(field.low);
}

/** Value of a field within `value`, shifted down. */
export function fieldValue(field: BitField, value: bigint): bigint {
  return (value & fieldMask(field)) >> BigInt(field.low);
}

/** The field with this name; throws when the layout has none (a bug of the caller). */
export function fieldNamed(layout: BitLayout, name: string): BitField {
  const field = layout.find((candidate) => candidate.name === name);
  if (field === undefined) {
    throw new Error(`no bit named "${name}" in this layout`);
  }
  return field;
}

/** Decodes a value by a layout. */
export function describeBits(layout: BitLayout, value: bigint): DescribedBits {
  let named = 0n;
  const words: string[] = [];
  const fields = layout.map((field): DescribedField => {
    named |= fieldMask(field);
    const part = fieldValue(field, value);
    const values = field.valuesIn?.(value) ?? field.values;
    const text = values?.[Number(part)] ?? plainText(field, part);
    if (field.low === field.high && field.values === undefined) {
      if (part === 1n) {
        words.push(field.name);
      }
    } else if (part !== 0n || values?.[0] !== undefined) {
      words.push(`${field.name}=${text}`);
    }
    return { name: field.name, low: field.low, high: field.high, value: part, text, meaning: field.meaning };
  });
  const unnamed = value & ~named;
  if (unnamed !== 0n) {
    words.push(`reserved ${bitPositions(unnamed)}`);
  }
  // The other bits of an interruption information mean nothing without this one.
  const valid = fields.find(({ name, low, high }) => name === 'valid' && low === high);
  if (valid?.value === 0n) return { fields, unnamed, summary: 'none' };
  return { fields, unnamed, summary: words.length === 0 ? 'none' : words.join(', ') };
}

/** "bit 3" or "bits 3, 7–9": the positions of the bits that are set, in words. */
export function bitPositions(value: bigint): string {
  const ranges: string[] = [];
  let count = 0;
  for (let position = 0; value >> BigInt(position) !== 0n; position += 1) {
    if (((value >> BigInt(position)) & 1n) === 0n) {
      continue;
    }
    const first = position;
    while (((value >> BigInt(position + 1)) & 1n) === 1n) {
      position += 1;
    }
    count += position - first + 1;
    ranges.push(first === position ? `${first}` : `${first}–${position}`);
  }
  return `${count === 1 ? 'bit' : 'bits'} ${ranges.join(', ')}`;
}

/** Hexadecimal in the manual's style: 0x and lower-case digits. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

function plainText(field: BitField, value: bigint): string {
  return field.high - field.low < 3 ? `${value}` : hex(value);
}
