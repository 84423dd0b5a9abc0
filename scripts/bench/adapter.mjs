// The debug adapter over its standard streams, as an editor speaks to it: how long a person waits.
import { spawn } from 'node:child_process';

function connect(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map();
  const events = [];
  const listeners = [];
  let buffer = Buffer.alloc(0);
  let sequence = 0;
  child.stdout.on('data', (bytes) => {
    buffer = Buffer.concat([buffer, bytes]);
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())?.[1]);
      if (buffer.length < end + 4 + length) return;
      receive(JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString()));
      buffer = buffer.subarray(end + 4 + length);
    }
  });
  function receive(message) {
    if (message.type === 'response') {
      const { resolve, reject } = waiting.get(message.request_seq);
      waiting.delete(message.request_seq);
      if (message.success) resolve(message.body);
      else reject(new Error(`${message.command}: ${message.body?.error?.format ?? message.message}`));
    } else if (message.type === 'event') {
      const listener = listeners.findIndex(({ name }) => name === message.event);
      if (listener >= 0) listeners.splice(listener, 1)[0].resolve(message.body);
      else events.push(message);
    }
  }
  return {
    request: (name, body) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify({ seq: ++sequence, type: 'request', command: name, arguments: body });
        waiting.set(sequence, { resolve, reject });
        child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
      }),
    event: (name) =>
      new Promise((resolve) => {
        const seen = events.findIndex((message) => message.event === name);
        if (seen >= 0) resolve(events.splice(seen, 1)[0].body);
        else listeners.push({ name, resolve });
      }),
    close: () => child.kill(),
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Milliseconds: launch to the first stop, a step, a pause while the machine runs. `adapter` is the bundled command line. */
export async function measureAdapter(adapter, launch) {
  const firstStops = [];
  const steps = [];
  const pauses = [];
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    const client = connect(process.execPath, [adapter, 'dap']);
    await client.request('initialize', { adapterID: 'ringside', linesStartAt1: true, columnsStartAt1: true });
    const initialized = client.event('initialized');
    const launched = client.request('launch', { stopOnEntry: true, ...launch });
    await initialized;
    await client.request('configurationDone', {});
    await launched;
    const { threadId } = await client.event('stopped');
    firstStops.push(performance.now() - began);
    for (let step = 0; step < 40; step++) {
      const at = performance.now();
      await client.request('next', { threadId, granularity: 'instruction' });
      await client.event('stopped');
      steps.push(performance.now() - at);
    }
    for (let pause = 0; pause < 3; pause++) {
      await client.request('continue', { threadId });
      await new Promise((resolve) => setTimeout(resolve, 300));
      const at = performance.now();
      await client.request('pause', { threadId });
      await client.event('stopped');
      pauses.push(performance.now() - at);
    }
    client.close();
  }
  return {
    firstStop: median(firstStops),
    step: median(steps),
    slowestStep: Math.max(...steps),
    pause: median(pauses),
    slowestPause: Math.max(...pauses),
  };
}
