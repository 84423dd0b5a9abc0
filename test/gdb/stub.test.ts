// The stub by its packets, where GDB itself would not show what matters: their order in one piece of the stream.
import { describe, expect, it } from 'vitest';
import { createScheduler } from '../../src/debugger/scheduler.ts';
import { Session } from '../../src/debugger/session.ts';
import { bytesOfLatin1, encodePacket } from '../../src/gdb/packets.ts';
import { GdbStub } from '../../src/gdb/stub.ts';
import { createMachine } from '../../src/machine/machine.ts';
import { imageOf } from '../../src/program/image.ts';
import { loadProgram } from '../../src/program/load.ts';
import { coreModule } from '../vmx/hypervisors.ts';

const RAM = 1 << 20;

async function stub() {
  const text = new TextEncoder().encode('bits 64\norg 0x8000\nagain: inc rax\njmp again\n');
  const program = await loadProgram('/forever.asm', { ramSize: RAM, address: 0x8000 }, () => Promise.resolve(text));
  const machine = createMachine({ coreWasm: coreModule(), ramSize: RAM, program });
  let heard = '';
  let wake = (): void => {};
  const session = new Session({
    machine,
    image: imageOf(program),
    scheduler: createScheduler(),
    stopOnEntry: true,
    stopOnFirstVmExit: false,
    events: {
      continued: () => {},
      stopped: (cause) => gdb?.stopped(cause),
      ended: () => {},
      logged: () => {},
    },
  });
  let gdb: GdbStub | undefined;
  session.start();
  gdb = new GdbStub(
    session,
    (bytes) => {
      heard += String.fromCharCode(...bytes);
      wake();
    },
    () => {},
  );
  return {
    session,
    send: (...pieces: Uint8Array[]) => gdb?.push(Uint8Array.from(pieces.flatMap((piece) => [...piece]))),
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(heard)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return heard;
    },
  };
}

const INTERRUPT = bytesOfLatin1('\u0003') as Uint8Array;

describe('one piece of the stream', () => {
  it.each([['vCont;c'], ['c']])('with %s and Ctrl-C: it runs, and stops', async (packet) => {
    const { send, until, session } = await stub();
    send(encodePacket(packet), INTERRUPT);
    expect(await until(/T02/)).toMatch(/\$T02thread:/);
    expect(session.state).toBe('stopped');
  });

  it('with several packets: they are answered in their order', async () => {
    const { send, until } = await stub();
    send(encodePacket('QStartNoAckMode'), encodePacket('qC'), encodePacket('m8000,3'), encodePacket('nonsense'));
    // INC RAX is 48H FFH C0H.
    expect(await until(/\$#00/)).toMatch(/\+\$OK#9a\$QC[^#]+#..\$48ffc0#..\$#00$/);
  });

  it('Ctrl-C while it stands still says nothing', async () => {
    const { send, until } = await stub();
    send(INTERRUPT, encodePacket('qAttached'));
    expect(await until(/\$1#31/)).toBe('+$1#31');
  });
});
