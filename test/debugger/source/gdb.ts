// gdb as the second debugger: it drives the machine by the remote stub and reads the program's debug information itself.

import { execFile } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { promisify } from 'node:util';
import { createScheduler } from '../../../src/debugger/scheduler.ts';
import type { Cause } from '../../../src/debugger/session/cause.ts';
import { Session } from '../../../src/debugger/session.ts';
import { GdbStub } from '../../../src/gdb/stub.ts';
import { createMachine } from '../../../src/machine/machine.ts';
import type { Machine } from '../../../src/machine/types.ts';
import { type Image, imageOf } from '../../../src/program/image.ts';
import { load, MEMORY } from '../../program/toolchain.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

export interface Standing {
  readonly session: Session;
  readonly machine: Machine;
  readonly image: Image;
}

/** A session on a 64-bit program that stands before its first instruction; `stopped` is told of every stop after that. */
export async function openSession(elf: string, stopped: (standing: Standing, cause: Cause) => void): Promise<Standing> {
  const program = await load(elf, { bits: 64 });
  const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program });
  const image = imageOf(program);
  const session = new Session({
    machine,
    image,
    scheduler: createScheduler(),
    stopOnEntry: true,
    stopOnFirstVmExit: false,
    events: {
      continued: () => {},
      stopped: (cause) => stopped({ session, machine, image }, cause),
      ended: () => {},
      logged: () => {},
    },
  });
  session.start();
  return { session, machine, image };
}

/** What gdb prints while it drives a program through commands; `stopped` is told whenever the machine stood. */
export async function gdbOutput(
  elf: string,
  commands: readonly string[],
  stopped: (standing: Standing) => void = () => {},
): Promise<string> {
  let stub: GdbStub | undefined;
  const { session } = await openSession(elf, (standing, cause) => {
    stopped(standing);
    stub?.stopped(cause);
  });
  const server = createServer((socket) => {
    stub = new GdbStub(
      session,
      (bytes) => void socket.write(bytes),
      () => socket.end(),
    );
    socket.on('data', (bytes: Uint8Array) => stub!.push(bytes));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const all = ['set pagination off', 'set confirm off', `target remote 127.0.0.1:${port}`, ...commands, 'kill'];
    const args = ['-nx', '-q', '-batch', ...all.flatMap((command) => ['-ex', command]), elf];
    const { stdout } = await promisify(execFile)('gdb', args, { maxBuffer: 16 << 20, timeout: 60_000 });
    return stdout;
  } finally {
    session.dispose();
    server.close();
  }
}
