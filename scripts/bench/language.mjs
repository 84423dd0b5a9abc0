// The language server over its standard streams, as an editor speaks to it: from a keystroke to the diagnostics, and from
// a request to its answer, in a NASM source of 20,000 lines.
import { spawn } from 'node:child_process';

const LINES = 20_000;
const URI = 'file:///bench/large.asm';

/** A program of many routines with local labels, macros, data, constants and VMX instructions. */
export function largeSource(lines = LINES) {
  const out = ['        bits    64', '        default rel', '        org     0x100000', '%define STEP 8'];
  out.push('%macro save 1', '        push    %1', '        mov     %1, STEP', '        pop     %1', '%endmacro');
  for (let i = 0; out.length < lines - 60; i++) {
    out.push(
      `; Routine ${i}.`,
      `routine${i}:`,
      `        mov     rax, [rbx + rcx * 8 + ${i % 128}]`,
      `        add     rax, ${i}`,
      '        cmp     eax, LIMIT',
      '        jne     .next',
      `        lea     rdi, [value${i % 50}]   ; a table of values`,
      '.next:',
      '        save    rdx',
      '        mov     edx, 0x681E',
      '        vmread  rax, rdx',
      '        jbe     failed',
      `        mov     qword [value${(i * 7) % 50}], rax`,
      `        call    routine${Math.max(0, i - 3)}`,
      '        ret',
      '',
    );
  }
  out.push('failed: hlt', 'LIMIT   equ     1000');
  for (let i = 0; i < 50; i++) out.push(`value${i}: dq ${i}`);
  return `${out.join('\n')}\n`;
}

function connect(server) {
  const child = spawn(process.execPath, [server, 'lsp'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map();
  const listeners = [];
  let buffer = Buffer.alloc(0);
  let id = 0;
  child.stdout.on('data', (bytes) => {
    buffer = Buffer.concat([buffer, bytes]);
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())?.[1]);
      if (buffer.length < end + 4 + length) return;
      const message = JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString());
      buffer = buffer.subarray(end + 4 + length);
      if (message.method === 'textDocument/publishDiagnostics')
        for (const done of listeners.splice(0)) done(message.params);
      else if (message.method !== undefined && message.id !== undefined)
        send({ id: message.id, result: message.method === 'workspace/workspaceFolders' ? [] : null });
      else if (message.id !== undefined) waiting.get(message.id)?.(message.result);
    }
  });
  function send(message) {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }
  return {
    notify: (method, params) => send({ method, params }),
    request: (method, params) =>
      new Promise((resolve) => {
        waiting.set(++id, resolve);
        send({ id, method, params });
      }),
    diagnostics: () => new Promise((resolve) => listeners.push(resolve)),
    close: () => child.kill(),
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/**
 * Milliseconds until the diagnostics of an edit come, medians: of a key inside a line, of Enter, of a mistake; and of
 * requests. `server` is the bundled command line.
 */
export async function measureLanguage(server, rounds = 7) {
  const client = connect(server);
  const text = largeSource();
  const textDocument = { uri: URI };
  await client.request('initialize', { processId: null, rootUri: null, capabilities: {} });
  client.notify('initialized', {});
  let version = 1;
  let began = performance.now();
  let next = client.diagnostics();
  client.notify('textDocument/didOpen', { textDocument: { uri: URI, languageId: 'nasm', version, text } });
  await next;
  const open = performance.now() - began;
  const edit = async (line, character, newText, removed = 0) => {
    const range = { start: { line, character }, end: { line, character: character + removed } };
    next = client.diagnostics();
    began = performance.now();
    client.notify('textDocument/didChange', {
      textDocument: { uri: URI, version: ++version },
      contentChanges: [{ range, text: newText }],
    });
    await next;
    return performance.now() - began;
  };
  const request = async (method, params) => {
    began = performance.now();
    await client.request(method, { textDocument, ...params });
    return performance.now() - began;
  };
  const times = { key: [], enter: [], mistake: [], hover: [], completion: [], tokens: [] };
  for (let i = 0; i < rounds; i++) {
    const line = 9 + 16 * (100 + i * 150) + 3;
    times.key.push(await edit(line, 30, '1'));
    times.enter.push(await edit(line, 0, '\n'));
    times.mistake.push(await edit(line + 1, 8, 'x'));
    await edit(line + 1, 8, '', 1);
    const position = { line: line + 1, character: 10 };
    times.hover.push(await request('textDocument/hover', { position }));
    times.completion.push(await request('textDocument/completion', { position }));
    times.tokens.push(await request('textDocument/semanticTokens/full', {}));
  }
  client.close();
  return { open, ...Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)])) };
}

/** Milliseconds from a keystroke to its diagnostics. */
const GOAL = 200;

export async function reportLanguage(server) {
  const { open, key, enter, mistake, hover, completion, tokens } = await measureLanguage(server);
  const ms = (value) => `${value.toFixed(0)} ms`;
  const verdict = Math.max(key, enter, mistake) < GOAL ? `(goal ${GOAL} ms)` : `(GOAL ${GOAL} ms MISSED)`;
  console.log(`diagnostics   key ${ms(key)}, Enter ${ms(enter)}, mistake ${ms(mistake)} in 20,000 lines ${verdict}`);
  console.log(
    `editing       open ${ms(open)}, hover ${ms(hover)}, completion ${ms(completion)}, semantic tokens ${ms(tokens)}`,
  );
}
