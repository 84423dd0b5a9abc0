// Framing of the GDB remote serial protocol: `$data#checksum`, acknowledgements, and the interrupt byte.
// Source: GDB manual, "Overview" of the Remote Protocol. Data is handled as one character a byte (Latin-1).

export type Incoming =
  | { readonly kind: 'packet'; readonly data: string }
  /** A packet whose checksum is wrong: to be asked for again. */
  | { readonly kind: 'damaged' }
  /** Byte 03H: stop the machine. */
  | { readonly kind: 'interrupt' }
  /** `-`: the last packet must be sent again. */
  | { readonly kind: 'resend' };

/** No packet is longer; what a client must keep to is told in `qSupported`. */
export const PACKET_SIZE = 0x10000;

export interface PacketDecoder {
  push(bytes: Uint8Array): void;
}

const DOLLAR = 0x24;
const HASH = 0x23;
const MINUS = 0x2d;
const INTERRUPT = 3;

/** Hands over what comes in, in order. Bytes outside packets that mean nothing are dropped. */
export function createPacketDecoder(take: (incoming: Incoming) => void): PacketDecoder {
  let data: number[] | undefined;
  let sum: string | undefined;
  const outside = (byte: number): void => {
    if (byte === DOLLAR) data = [];
    else if (byte === INTERRUPT) take({ kind: 'interrupt' });
    else if (byte === MINUS) take({ kind: 'resend' });
  };
  return {
    push(bytes) {
      for (const byte of bytes) {
        if (data === undefined) {
          outside(byte);
        } else if (sum !== undefined) {
          sum += String.fromCharCode(byte);
          if (sum.length < 2) continue;
          const good = Number.parseInt(sum, 16) === checksum(data);
          take(good ? { kind: 'packet', data: textOf(data) } : { kind: 'damaged' });
          data = undefined;
          sum = undefined;
        } else if (byte === HASH) {
          sum = '';
        } else if (byte === DOLLAR) {
          data = []; // the packet before was cut off
        } else if (data.length < 2 * PACKET_SIZE) {
          data.push(byte);
        }
      }
    },
  };
}

/** A packet as it goes over the line. Characters above FFH must not occur. */
export function encodePacket(text: string): Uint8Array {
  const data: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    if (SPECIAL.has(byte)) data.push(ESCAPE, byte ^ 0x20);
    else data.push(byte);
  }
  const sum = checksum(data).toString(16).padStart(2, '0');
  return Uint8Array.from([DOLLAR, ...data, HASH, sum.charCodeAt(0), sum.charCodeAt(1)]);
}

const ESCAPE = 0x7d;
/** `#`, `$`, `}` and `*`. */
const SPECIAL = new Set([HASH, DOLLAR, ESCAPE, 0x2a]);

function checksum(data: readonly number[]): number {
  return data.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}

function textOf(data: readonly number[]): string {
  let text = '';
  for (let i = 0; i < data.length; i++) {
    const byte = data[i] as number;
    text += String.fromCharCode(byte === ESCAPE ? (data[++i] ?? 0) ^ 0x20 : byte);
  }
  return text;
}

export function hexOfBytes(bytes: Iterable<number>): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Undefined when the text is not an even number of hexadecimal digits. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function bytesOfLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}

const ENCODER = new TextEncoder();

/** Text as the hexadecimal digits of its UTF-8 bytes. */
export function hexOfText(text: string): string {
  return hexOfBytes(ENCODER.encode(text));
}
