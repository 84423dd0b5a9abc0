// A growing array of bytes.

export interface ByteBuffer {
  readonly length: number;
  byte(value: number): void;
  /** The low `size` bytes of a value, little-endian. */
  value(value: bigint, size: number): void;
  bytes(values: Uint8Array): void;
  fill(value: number, count: number): void;
  truncate(length: number): void;
  /** Appends the bytes from `from` on `times` times more. */
  repeat(from: number, times: number): void;
  slice(from: number, to?: number): Uint8Array;
  /** Writes over what is there. */
  put(at: number, values: Uint8Array): void;
}

export function createByteBuffer(): ByteBuffer {
  let data = new Uint8Array(256);
  let length = 0;
  const reserve = (more: number): void => {
    if (length + more <= data.length) return;
    const grown = new Uint8Array(Math.max(data.length * 2, length + more));
    grown.set(data.subarray(0, length));
    data = grown;
  };
  return {
    get length() {
      return length;
    },
    byte(value) {
      if (length === data.length) reserve(1);
      data[length++] = value;
    },
    value(value, size) {
      reserve(size);
      if (value >= -0x80000000n && value <= 0xffffffffn) {
        let low = Number(value);
        const high = low < 0 ? 0xff : 0;
        for (let i = 0; i < size; i++) {
          data[length++] = i < 4 ? low & 0xff : high;
          if (i < 4) low = Math.floor(low / 256);
        }
        return;
      }
      let rest = BigInt.asUintN(size * 8, value);
      for (let i = 0; i < size; i++) {
        data[length++] = Number(rest & 0xffn);
        rest >>= 8n;
      }
    },
    bytes(values) {
      reserve(values.length);
      data.set(values, length);
      length += values.length;
    },
    fill(value, count) {
      reserve(count);
      data.fill(value, length, length + count);
      length += count;
    },
    repeat(from, times) {
      const size = length - from;
      if (size === 0 || times <= 0) return;
      reserve(size * times);
      const end = length + size * times;
      // Each copy doubles what can be copied.
      for (let done = length; done < end; ) {
        const count = Math.min(done - from, end - done);
        data.copyWithin(done, from, from + count);
        done += count;
      }
      length = end;
    },
    truncate(to) {
      length = to;
    },
    slice(from, to = length) {
      return data.slice(from, to);
    },
    put(at, values) {
      data.set(values, at);
    },
  };
}
