// A snapshot as bytes, to be kept in a file and loaded into another machine: a header of JSON and what it points to, compressed.
import type { SavedState } from '../devices/types.ts';

/** The first bytes of a file; the digit is the version of the format. */
const MAGIC = 'Ringside snapshot 1\n';

/** What a file holds: plain data, typed arrays and maps of them. */
export type Plain =
  | SavedState
  | Uint32Array
  | Float64Array
  | ReadonlyMap<number, Plain>
  | readonly Plain[]
  | { readonly [key: string]: Plain };

export class SnapshotFileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnapshotFileError';
  }
}

/** Bytes of a file: the magic line, then gzip of a 32-bit length, JSON of that length, and the arrays that it points to. */
export async function packSnapshot(value: Plain): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const json = new TextEncoder().encode(
    JSON.stringify(value, (_key, inner: unknown) => {
      if (inner instanceof Map) return { $map: [...inner] };
      if (inner instanceof Uint8Array || inner instanceof Uint32Array || inner instanceof Float64Array) {
        const bytes = new Uint8Array(inner.buffer, inner.byteOffset, inner.byteLength);
        parts.push(bytes);
        const kind = inner instanceof Uint8Array ? 8 : inner instanceof Uint32Array ? 32 : 64;
        const at = length;
        length += bytes.length;
        return { $bytes: [kind, at, bytes.length] };
      }
      if (inner === Number.POSITIVE_INFINITY) return { $infinity: true };
      return inner;
    }),
  );
  const whole = new Uint8Array(4 + json.length + length);
  new DataView(whole.buffer).setUint32(0, json.length, true);
  whole.set(json, 4);
  let at = 4 + json.length;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  const packed = await through(whole, new CompressionStream('gzip'));
  const magic = new TextEncoder().encode(MAGIC);
  const file = new Uint8Array(magic.length + packed.length);
  file.set(magic);
  file.set(packed, magic.length);
  return file;
}

/** Throws a SnapshotFileError when the bytes are no snapshot, or one of another version. */
export async function unpackSnapshot(file: Uint8Array): Promise<Plain> {
  const start = new TextDecoder().decode(file.subarray(0, MAGIC.length));
  if (start !== MAGIC) {
    const other = /^Ringside snapshot (\d+)/.exec(start)?.[1];
    throw new SnapshotFileError(
      other === undefined
        ? 'The file is not a snapshot of Ringside.'
        : `The file is a snapshot of format ${other}; this version of Ringside reads format 1.`,
    );
  }
  let whole: Uint8Array;
  try {
    whole = await through(file.slice(MAGIC.length), new DecompressionStream('gzip'));
  } catch {
    throw new SnapshotFileError('The snapshot file is damaged: it cannot be decompressed.');
  }
  try {
    const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0, true);
    const data = whole.subarray(4 + length);
    const revive = (_key: string, inner: unknown): unknown => {
      if (typeof inner !== 'object' || inner === null) return inner;
      const special = inner as { $map?: [number, Plain][]; $bytes?: [number, number, number]; $infinity?: true };
      if (special.$infinity === true) return Number.POSITIVE_INFINITY;
      if (special.$map !== undefined) return new Map(special.$map);
      if (special.$bytes === undefined) return inner;
      const [kind, at, size] = special.$bytes;
      const bytes = data.slice(at, at + size);
      if (bytes.length !== size) throw new Error('short');
      return kind === 8 ? bytes : kind === 32 ? new Uint32Array(bytes.buffer) : new Float64Array(bytes.buffer);
    };
    return JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)), revive) as Plain;
  } catch {
    throw new SnapshotFileError('The snapshot file is damaged: its contents do not fit together.');
  }
}

async function through(bytes: Uint8Array, transform: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
