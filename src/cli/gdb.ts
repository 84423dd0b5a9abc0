// `ringside gdb`: a program on the machine, with GDB as its debugger.

import { createServer, type Socket } from 'node:net';
import { Session } from '../debugger/session.ts';
import { GdbStub } from '../gdb/stub.ts';
import { createMachine } from '../machine/machine.ts';
import { imageOf } from '../program/image.ts';
import type { LoadOptions } from '../program/load.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { mistake } from './errors.ts';
import { coreModule, createHost, openProgram } from './host.ts';

export interface GdbCommand {
  readonly file: string;
  readonly load: LoadOptions;
  readonly processors: number;
  readonly profile: CapabilityProfile;
  /** Stop where the program ends; to continue then ends it. */
  readonly stopAtEnd: boolean;
  /** Bytes that the recorded past may take; 0: none is recorded. */
  readonly historyLimit: number;
  /** 0: any that is free. */
  readonly port: number;
}

/** Serves one client after the other until the program ends or a client kills it; answers the exit status of the process. */
export async function debugWithGdb(command: GdbCommand): Promise<number> {
  const program = await openProgram(command.file, command.load);
  for (const text of program.notices ?? []) note(`notice: ${text}`);
  const machine = createMachine({
    coreWasm: await coreModule(),
    ramSize: command.load.ramSize,
    processors: command.processors,
    program,
    profile: command.profile,
  });
  machine.onOutput = (bytes) => void process.stdout.write(bytes);
  machine.onNotice = (text) => note(`notice: ${text}`);
  const { scheduler, readFile, writeFile, writeBytes } = createHost();
  const task = () => ({ report: () => scheduler.breathe().then(() => true), end: () => {} });
  let client: GdbStub | undefined;
  let status = 0;
  const session = new Session({
    machine,
    image: imageOf(program),
    path: command.file,
    readFile,
    sourceMap: command.load.sourceMap,
    scheduler,
    stopOnEntry: true,
    stopOnFirstVmExit: false,
    stopAtEnd: command.stopAtEnd,
    events: {
      continued: () => {},
      stopped: (cause) => client?.stopped(cause),
      ended: (value) => {
        status = value;
        client?.ended(value);
      },
      logged: (text) => client?.print(`${text}\n`),
    },
  });
  if (writeBytes !== undefined) session.files = { read: readFile, write: writeBytes };
  machine.history.record(command.historyLimit);
  session.start();
  return new Promise((resolve, reject) => {
    const serve = (socket: Socket): void => {
      if (client !== undefined) return void socket.destroy();
      socket.setNoDelay(true);
      const leave = (how: 'detach' | 'kill'): void => {
        client = undefined;
        socket.end();
        if (how === 'kill' || session.state === 'ended') end();
      };
      client = new GdbStub(
        session,
        (bytes) => {
          if (!socket.destroyed) socket.write(bytes);
        },
        leave,
        { task, writeFile },
      );
      const stub = client;
      socket.on('data', (bytes: Uint8Array) => stub.push(bytes));
      // A client that goes without a word leaves a machine that stands still, for the next one.
      const gone = (): void => {
        if (client !== stub) return;
        client = undefined;
        session.pause();
        if (session.state === 'ended') end();
      };
      socket.on('close', gone);
      socket.on('error', gone);
    };
    const server = createServer(serve);
    const end = (): void => {
      session.dispose();
      server.close();
      resolve(status);
    };
    server.on('error', (problem) => reject(mistake('port', `Port ${command.port} cannot be used: ${problem.message}`)));
    server.listen(command.port, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : command.port;
      note(`waiting for GDB; there: target remote 127.0.0.1:${port}`);
    });
  });
}

function note(text: string): void {
  process.stderr.write(`ringside: ${text}\n`);
}
