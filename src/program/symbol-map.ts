// Lists of symbols, one a line: "address letter name", as nm prints them, a kernel's System.map keeps them and /proc/kallsyms tells them
// (there with a module's name in brackets).
import { badSymbolLine, noSymbolAddresses } from './errors.ts';
import { demangle } from './demangle/demangle.ts';
import { baseName } from './paths.ts';
import type { Program, Symbol as ProgramSymbol } from './types.ts';

const LINE = /^([0-9a-f]{8}|[0-9a-f]{16}) ([A-Za-z?-]) (\S+)(?:[ \t]+\[\S+\])?$/i;
const UNDEFINED = /^ {8,17}[UwvN] /;
/** Letters of nm. Absolute ones are numbers, in kernels offsets within a processor's own data. */
const KINDS: Readonly<Record<string, ProgramSymbol['kind'] | undefined>> = {
  t: 'function',
  w: 'function',
  i: 'function',
  d: 'object',
  b: 'object',
  r: 'object',
  v: 'object',
  g: 'object',
  s: 'object',
  u: 'object',
};
/** A symbol without size reaches to the next one, at most this far. */
const LONGEST = 1n << 20n;

/** Whether a file's first line is one of such a list. */
export function isSymbolMap(bytes: Uint8Array): boolean {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 300));
  const first = head.split(/\r?\n/, 1)[0] ?? '';
  return LINE.test(first) || UNDEFINED.test(first);
}

/** The symbols of such a list, `address` being where the lowest of its functions lies. Throws the named errors of errors.ts. */
export function symbolMap(
  path: string,
  bytes: Uint8Array,
  address: bigint | undefined,
): { readonly program: Program; readonly address: bigint; readonly displacement: bigint } {
  const rows: { address: bigint; name: string; kind: ProgramSymbol['kind'] }[] = [];
  let named = 0;
  for (const [index, text] of new TextDecoder().decode(bytes).split(/\r?\n/).entries()) {
    if (text === '' || UNDEFINED.test(text)) continue;
    const [, digits, letter, name] = LINE.exec(text) ?? [];
    if (digits === undefined || letter === undefined || name === undefined) throw badSymbolLine(path, index + 1, text);
    named++;
    const kind = KINDS[letter.toLowerCase()];
    const at = BigInt(`0x${digits}`);
    if (kind !== undefined && at !== 0n) rows.push({ address: at, name, kind });
  }
  if (rows.length === 0 && named > 0) throw noSymbolAddresses(path);
  rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  const first = (rows.find(({ kind }) => kind === 'function') ?? rows[0])?.address ?? 0n;
  const displacement = address === undefined ? 0n : address - first;
  const symbols = rows.map((row, index): ProgramSymbol => {
    const next = rows.slice(index + 1, index + 64).find((other) => other.address > row.address)?.address;
    const size = next === undefined || next - row.address > LONGEST ? 0n : next - row.address;
    const written = demangle(row.name);
    return {
      ...(written === undefined ? { name: row.name } : { name: written, linkageName: row.name }),
      address: BigInt.asUintN(64, row.address + displacement),
      size: Number(size),
      kind: row.kind,
    };
  });
  const entry = { kind: 'flat', entry: 0, bits: 64 } as const;
  const program: Program = { name: baseName(path), segments: [], entry, symbols, lines: { files: [], rows: [] } };
  return { program, address: first + displacement, displacement };
}
