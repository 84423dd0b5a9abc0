// The protocol's framing: `Content-Length: N`, an empty line, N bytes of JSON. Tolerates anything on the wire.

/** Longer messages are not read: they can only be a mistake. */
const MAX_MESSAGE = 64 * 1024 * 1024;
const MAX_HEADER = 8 * 1024;

export interface Decoder {
  /** Takes bytes as they arrive, in any pieces. */
  push(bytes: Uint8Array): void;
}

/**
 * Splits a stream into messages.
 *
 * @param onMessage gets each message as parsed JSON
 * @param onError gets a sentence about each piece that could not be read; decoding goes on behind it
 */
export function createDecoder(onMessage: (message: unknown) => void, onError: (problem: string) => void): Decoder {
  let pending: Uint8Array = new Uint8Array(0);
  /** Pieces behind `pending`, joined to it only when a whole header or message may be there. */
  let pieces: Uint8Array[] = [];
  let length = 0;
  let expected: number | undefined;
  /** Bytes of an oversized message that are still to be thrown away. */
  let skipping = 0;

  const takeHeader = (): boolean => {
    const end = indexOfHeaderEnd(pending);
    if (end < 0) {
      if (pending.length > MAX_HEADER) {
        onError(`There is no message header in ${pending.length} bytes; they are ignored.`);
        pending = new Uint8Array(0);
      }
      return false;
    }
    const header = new TextDecoder().decode(pending.subarray(0, end));
    pending = pending.subarray(end + 4);
    const { size, before } = lengthIn(header);
    if (before > 0)
      onError(`${before} bytes in front of a message header are ignored: was a Content-Length too small or too large?`);
    if (size === undefined) onError('A message header has no Content-Length; it is ignored.');
    else if (Number(size) > MAX_MESSAGE) {
      onError(`A message of ${size} bytes is ignored; the limit is ${MAX_MESSAGE}.`);
      skipping = Number(size);
    } else expected = Number(size);
    return true;
  };

  const takeBody = (size: number): boolean => {
    if (pending.length < size) return false;
    const body = new TextDecoder().decode(pending.subarray(0, size));
    pending = pending.subarray(size);
    expected = undefined;
    let message: unknown;
    try {
      message = JSON.parse(body);
    } catch (problem) {
      onError(`A message is not JSON: ${problem instanceof Error ? problem.message : String(problem)}`);
      return true;
    }
    onMessage(message);
    return true;
  };

  return {
    push(bytes) {
      if (bytes.length <= skipping) {
        skipping -= bytes.length;
        return;
      }
      // The caller may use its buffer again.
      pieces.push(bytes.slice(skipping));
      length += bytes.length - skipping;
      skipping = 0;
      if (expected !== undefined && pending.length + length < expected) return;
      pending = concatenate([pending, ...pieces]);
      pieces = [];
      length = 0;
      for (;;) {
        if (skipping > 0) {
          const drop = Math.min(skipping, pending.length);
          pending = pending.subarray(drop);
          skipping -= drop;
          if (skipping > 0) return;
        }
        if (!(expected === undefined ? takeHeader() : takeBody(expected))) return;
      }
    },
  };
}

/** A message as it goes on the wire. */
export function encodeMessage(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  return concatenate([new TextEncoder().encode(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

/** The length that a header tells, and how many characters stand in front of it that are no header: the rest of a message whose length was wrong. */
function lengthIn(header: string): { readonly size: string | undefined; readonly before: number } {
  const proper = /^(?:[^\r\n:]+:[^\r\n]*\r\n)*\s*content-length\s*:\s*(\d{1,15})\s*(?:\r\n|$)/i.exec(header)?.[1];
  if (proper !== undefined) return { size: proper, before: 0 };
  const last = [...header.matchAll(/content-length\s*:\s*(\d{1,15})\s*(?:\r\n|$)/gi)].at(-1);
  return { size: last?.[1], before: last?.index ?? 0 };
}

function indexOfHeaderEnd(bytes: Uint8Array): number {
  for (let i = 0; i + 3 < bytes.length && i <= MAX_HEADER; i++) {
    if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) return i;
  }
  return -1;
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
