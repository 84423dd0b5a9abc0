// `ringside dap`: the debug adapter on standard input and output, or on a TCP port.

import { createServer, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { DebugAdapter } from '../dap/adapter.ts';
import { createDecoder, encodeMessage } from '../dap/transport.ts';
import { mistake } from './errors.ts';
import { createHost } from './host.ts';

/** Serves one client; resolves when it is gone. */
function serve(input: Readable, output: Writable): Promise<void> {
  const adapter = new DebugAdapter(createHost());
  const decoder = createDecoder(
    (message) => adapter.handleMessage(message),
    (problem) => void output.write(encodeMessage(problemEvent(problem))),
  );
  adapter.onDidSendMessage((message) => {
    if (!output.writableEnded && !output.destroyed) output.write(encodeMessage(message));
  });
  return new Promise((resolve) => {
    const end = (): void => {
      adapter.dispose();
      resolve();
    };
    input.on('data', (bytes: Uint8Array) => decoder.push(bytes));
    input.on('end', end);
    input.on('close', end);
    input.on('error', end);
    output.on('error', end);
  });
}

/** What cannot be read has no request to answer: it is told as an event. */
function problemEvent(problem: string): object {
  return { seq: 0, type: 'event', event: 'output', body: { category: 'stderr', output: `${problem}\n` } };
}

export async function serveStandardStreams(): Promise<void> {
  await serve(process.stdin, process.stdout);
}

/** Serves any number of clients, each with its own machine, until the process ends. */
export function serveTcp(port: number): Promise<void> {
  return new Promise((_, reject) => {
    const server = createServer((socket: Socket) => {
      socket.setNoDelay(true);
      void serve(socket, socket).then(() => socket.destroy());
    });
    server.on('error', (problem) => reject(mistake('port', `Port ${port} cannot be used: ${problem.message}`)));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const chosen = typeof address === 'object' && address !== null ? address.port : port;
      process.stderr.write(`Ringside debug adapter: listening on 127.0.0.1:${chosen}\n`);
    });
  });
}
