import { describe, expect, it } from 'vitest';
import type { CallFrame } from '../../src/program/debug-info.ts';
import { REGISTERS_32, REGISTERS_64 } from '../../src/program/dwarf/constants.ts';
import { build, titleOf, type Variant } from './compile.ts';
import { lacking, load, run, temporaryFolder } from './toolchain.ts';

const VARIANTS: readonly (Variant & { readonly source: string })[] = (['gcc', 'clang'] as const).flatMap(
  (compiler) =>
    [
      {
        source: 'types.c',
        compiler,
        version: 5,
        optimization: '-O2',
        bits: 64,
        extra: ['-fasynchronous-unwind-tables'],
      },
      {
        source: 'types.c',
        compiler,
        version: 4,
        optimization: '-O0',
        bits: 32,
        extra: ['-fasynchronous-unwind-tables'],
      },
      {
        source: 'types.c',
        compiler,
        version: 4,
        optimization: '-O2',
        bits: 32,
        extra: ['-fno-asynchronous-unwind-tables'],
      },
      {
        source: 'shapes.cpp',
        compiler,
        version: 5,
        optimization: '-O2',
        bits: 64,
        extra: ['-fno-asynchronous-unwind-tables'],
      },
    ] as const,
);

interface Row {
  readonly address: bigint;
  /** Where the function ends that the row belongs to. */
  readonly end?: bigint;
  readonly cfa: string;
  /** By register name, `ra` for the return address. */
  readonly rules: Readonly<Record<string, string>>;
}

/** The rows of every function as readelf interprets them. */
function oracleRows(elf: string): Row[] {
  const rows: Row[] = [];
  let columns: string[] = [];
  let inFunction = false;
  let end = 0n;
  for (const line of run('readelf', ['-W', '--debug-dump=frames-interp', elf]).split('\n')) {
    const range = /^[0-9a-f]{8}.*FDE.*\.\.([0-9a-f]+)$/.exec(line);
    if (range !== null) {
      inFunction = true;
      end = BigInt(`0x${range[1]}`);
    } else if (/^[0-9a-f]{8}.*CIE/.test(line)) inFunction = false;
    else if (/^\s+LOC\s+CFA/.test(line)) columns = line.trim().split(/\s+/).slice(2);
    else if (inFunction && /^[0-9a-f]+ \S/.test(line)) {
      const [address = '', cfa = '', ...cells] = line.trim().split(/\s+/);
      rows.push({
        address: BigInt(`0x${address}`),
        end,
        cfa,
        rules: Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? 'u'])),
      });
    }
  }
  return rows;
}

const signed = (offset: bigint): string => (offset < 0n ? `${offset}` : `+${offset}`);

function ownRow(address: bigint, frame: CallFrame, bits: 32 | 64): Row {
  const names = (bits === 64 ? REGISTERS_64 : REGISTERS_32).map((name) =>
    name === 'rip' ? 'ra' : bits === 32 ? name.replace('r', 'e') : name,
  );
  const rules = [...frame.rules].map(([number, rule]) => [
    names[number] ?? `r${number}`,
    rule.kind === 'saved' ? `c${signed(rule.offset)}` : rule.kind,
  ]);
  const { cfa } = frame;
  return {
    address,
    cfa: cfa.kind === 'expression' ? 'exp' : `${names[cfa.register]}${signed(cfa.offset)}`,
    rules: Object.fromEntries(rules),
  };
}

describe.skipIf(lacking('gcc', 'clang', 'readelf', 'addr2line'))('call frame information', () => {
  const folder = temporaryFolder();

  it.each(VARIANTS.map((variant) => [`${variant.source} ${titleOf(variant)}`, variant] as const))(
    '%s: rows as readelf interprets them',
    async (_title, variant) => {
      const elf = build(folder, variant.source, variant);
      const { debug } = await load(elf, { bits: variant.bits });
      const rows = oracleRows(elf);
      expect(rows.length).toBeGreaterThan(2);
      for (const [index, { end, ...row }] of rows.entries()) {
        const next = rows[index + 1]?.address ?? end!;
        const last = (next > row.address && next < end! ? next : end!) - 1n;
        // A row holds up to the next one.
        for (const address of new Set([row.address, last])) {
          const frame = debug!.callFrameAt(address);
          expect(frame, `0x${address.toString(16)}`).toBeDefined();
          const known = Object.fromEntries(Object.entries(row.rules).filter(([, cell]) => cell !== 'u'));
          expect(ownRow(row.address, frame!, variant.bits)).toEqual({ ...row, rules: known });
        }
      }
    },
  );

  // Without Clang's DWARF 5 with several ranges, whose lists addr2line of binutils 2.40 misses (gdb finds the copies).
  const INLINED: readonly (Variant & { readonly source: string })[] = (['gcc', 'clang'] as const).flatMap((compiler) =>
    ([4, 5] as const).flatMap((version) => [
      { source: 'types.c', compiler, version, optimization: '-O2', bits: 64 } as const,
      { source: 'main.c', compiler, version, optimization: '-O2', bits: 64, extra: ['other.c'] } as const,
      { source: 'shapes.cpp', compiler, version, optimization: '-O1', bits: 32 } as const,
    ]),
  );

  it.each(
    INLINED.filter(
      ({ compiler, version, source }) => !(compiler === 'clang' && version === 5 && source === 'types.c'),
    ).map((variant) => [`${variant.source} ${titleOf(variant)}`, variant] as const),
  )('%s: functions and inlined copies as addr2line unwinds them', async (_title, variant) => {
    const elf = build(folder, variant.source, variant);
    const { debug, lines } = await load(elf, { bits: variant.bits });
    const addresses = [...new Set(lines.rows.filter(({ end }) => !end).map(({ address }) => address))];
    expect(addresses.length).toBeGreaterThan(20);
    const answers = run('addr2line', ['-afiC', '-e', elf, ...addresses.map((address) => address.toString(16))]);
    const chains = answers.split(/^0x[0-9a-f]+\n/m).slice(1);
    for (const [index, address] of addresses.entries()) {
      const words = chains[index]!.trim().split('\n');
      const own = debug!.functionsAt(address).toReversed();
      const plain = (name: string): string => name.replace(/\(.*$/, '').replace(/^.*::/, '').replace(/<.*$/, '');
      expect(
        own.map(({ name }) => plain(name)),
        `0x${address.toString(16)}`,
      ).toEqual(words.filter((_, at) => at % 2 === 0).map(plain));
      // The line of each caller is where the copy below it is called.
      for (const [level, { call }] of own.entries()) {
        if (call === undefined) continue;
        expect(`${call.path}:${call.line}`.replace(/^.*\//, '')).toBe(
          words[level * 2 + 3]!.replace(/ \(discriminator.*$/, '').replace(/^.*\//, ''),
        );
      }
    }
  });
});
