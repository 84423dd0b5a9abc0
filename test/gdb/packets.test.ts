import { describe, expect, it } from 'vitest';
import { bytesOfLatin1, createPacketDecoder, encodePacket, type Incoming } from '../../src/gdb/packets.ts';
import { REGISTERS, targetDescription, valueOfHex } from '../../src/gdb/registers.ts';

const sent = (text: string): string => String.fromCharCode(...encodePacket(text));

function received(bytes: string, one = false): Incoming[] {
  const all: Incoming[] = [];
  const decoder = createPacketDecoder((incoming) => all.push(incoming));
  const whole = bytesOfLatin1(bytes);
  if (one) for (const byte of whole) decoder.push(Uint8Array.of(byte));
  else decoder.push(whole);
  return all;
}

describe('packets', () => {
  // Checksums by hand: the sum of the bytes, modulo 256.
  it.each([
    ['OK', '$OK#9a'],
    ['', '$#00'],
    ['E01', '$E01#a6'],
    // } is 7DH: it and what it escapes go as } and the byte XOR 20H.
    ['}', '$}]#da'],
    ['a#b', '$a}\x03b#43'],
    ['*', '$}\x0a#87'],
  ])('%j goes out as %j', (text, expected) => expect(sent(text)).toBe(expected));

  it.each([
    ['+$?#3f', [{ kind: 'packet', data: '?' }]],
    ['$m100,4#5e\x03', [{ kind: 'packet', data: 'm100,4' }, { kind: 'interrupt' }]],
    ['$X0,1:}\x03#9f', [{ kind: 'packet', data: 'X0,1:#' }]],
    ['$g#00', [{ kind: 'damaged' }]],
    ['-', [{ kind: 'resend' }]],
    ['$cut off$g#67', [{ kind: 'packet', data: 'g' }]],
    ['noise\r\n', []],
  ] as const)('%j comes in as %j', (bytes, expected) => {
    expect(received(bytes)).toEqual(expected);
    expect(received(bytes, true)).toEqual(expected);
  });

  it('what goes out comes in, whatever bytes it has', () => {
    const text = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    expect(received(sent(text))).toEqual([{ kind: 'packet', data: text }]);
  });
});

describe('registers', () => {
  it('are described to GDB in the order of the g packet', () => {
    const names = [...targetDescription().matchAll(/<reg name="([^"]+)" bitsize="(\d+)"/g)];
    expect(names.map(([, name]) => name)).toEqual(REGISTERS.map(({ name }) => name));
    // GDB's numbers for x86-64: RIP is 16, EFLAGS 17, MXCSR 56.
    expect([16, 17, 56].map((number) => REGISTERS[number]?.name)).toEqual(['rip', 'eflags', 'mxcsr']);
  });

  it('values are little-endian', () => {
    expect(valueOfHex('3412000000000000')).toBe(0x1234n);
    expect(valueOfHex('xx')).toBeUndefined();
    expect(valueOfHex('123')).toBeUndefined();
  });
});
