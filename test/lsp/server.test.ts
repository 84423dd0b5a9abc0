// The server as a client meets it: messages in, messages out, files that come late.
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import type { Diagnostic, PublishDiagnosticsParams } from 'vscode-languageserver';
import { serve } from '../../src/lsp/server.ts';

const FILES: Record<string, string> = {
  'file:///w/main.asm': '%include "sub/defs.inc"\nbits 64\nstart: mov eax, SIZE\n call helper\n',
  'file:///w/sub/defs.inc': 'SIZE equ 4\nhelper:\n ret\n',
  'file:///w/alone.inc': ' mov ax, UNKNOWN_HERE\n',
};

interface Client {
  capabilities: Record<string, unknown>;
  request(method: string, params: unknown): Promise<unknown>;
  notify(method: string, params: unknown): void;
  /** The next diagnostics of a file that pass. */
  diagnostics(uri: string, pass: (list: Diagnostic[]) => boolean): Promise<Diagnostic[]>;
  dispose(): Promise<void>;
}

const running: Client[] = [];
afterEach(async () => {
  for (const client of running.splice(0)) await client.dispose();
});

async function client(): Promise<Client> {
  const up = new PassThrough();
  const down = new PassThrough();
  const server = createConnection(new StreamMessageReader(up), new StreamMessageWriter(down));
  serve(server, {
    readFile: (uri) => Promise.resolve(FILES[decodeURIComponent(uri)]),
    sources: () => Promise.resolve(Object.keys(FILES)),
  });
  const near = createConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  const latest = new Map<string, Diagnostic[]>();
  const waiting: { uri: string; pass: (list: Diagnostic[]) => boolean; done: (list: Diagnostic[]) => void }[] = [];
  near.onNotification('textDocument/publishDiagnostics', ({ uri, diagnostics }: PublishDiagnosticsParams) => {
    latest.set(uri, diagnostics);
    for (const w of waiting.filter((one) => one.uri === uri && one.pass(diagnostics))) {
      waiting.splice(waiting.indexOf(w), 1);
      w.done(diagnostics);
    }
  });
  near.listen();
  const made: Client = {
    capabilities: {},
    request: (method, params) => near.sendRequest(method, params),
    notify: (method, params) => void near.sendNotification(method, params),
    diagnostics: (uri, pass) =>
      new Promise((done) => {
        const known = latest.get(uri);
        if (known !== undefined && pass(known)) done(known);
        else waiting.push({ uri, pass, done });
      }),
    async dispose() {
      await near.sendRequest('shutdown');
      near.dispose();
      server.dispose();
    },
  };
  running.push(made);
  const result = (await made.request('initialize', { processId: null, rootUri: null, capabilities: {} })) as Client;
  made.capabilities = result.capabilities;
  made.notify('initialized', {});
  return made;
}

const open = (c: Client, uri: string, text = FILES[uri]!): void =>
  c.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'nasm', version: 1, text } });
const errors = (list: Diagnostic[]): string[] => list.filter((d) => d.severity === 1).map((d) => String(d.code));

describe('server', () => {
  it('announces what it offers', async () => {
    const { capabilities } = await client();
    expect(Object.keys(capabilities)).toEqual(
      expect.arrayContaining(
        [
          ...['hover', 'definition', 'references', 'rename', 'documentSymbol', 'workspaceSymbol', 'foldingRange'],
          ...['semanticTokens', 'signatureHelp', 'completion', 'documentFormatting', 'documentOnTypeFormatting'],
          ...['inlayHint', 'callHierarchy', 'documentLink', 'codeAction'],
        ].map((name) => `${name}Provider`),
      ),
    );
  });

  it('reads include files, reports mistakes and their end', async () => {
    const c = await client();
    const uri = 'file:///w/main.asm';
    open(c, uri);
    await c.diagnostics(uri, (list) => errors(list).length === 0);
    c.notify('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [{ range: { start: { line: 3, character: 6 }, end: { line: 3, character: 12 } }, text: 'helpr' }],
    });
    const wrong = await c.diagnostics(uri, (list) => errors(list).length > 0);
    expect(errors(wrong)).toEqual(['undefined-symbol']);
    c.notify('textDocument/didChange', {
      textDocument: { uri, version: 3 },
      contentChanges: [
        { range: { start: { line: 3, character: 6 }, end: { line: 3, character: 11 } }, text: 'helper' },
      ],
    });
    await c.diagnostics(uri, (list) => errors(list).length === 0);
  });

  it('answers about an include file from the program that includes it', async () => {
    const c = await client();
    const uri = 'file:///w/sub/defs.inc';
    open(c, uri);
    open(c, 'file:///w/main.asm');
    await c.diagnostics('file:///w/main.asm', (list) => errors(list).length === 0);
    const found = (await c.request('textDocument/references', {
      textDocument: { uri },
      position: { line: 0, character: 1 },
      context: { includeDeclaration: true },
    })) as { uri: string }[];
    expect(found.map((l) => l.uri).sort()).toEqual(['file:///w/main.asm', uri]);
  });

  it('answers only when the include files are read', async () => {
    const c = await client();
    const uri = 'file:///w/main.asm';
    open(c, uri);
    const ask = (): Promise<unknown> => c.request('textDocument/documentSymbol', { textDocument: { uri } });
    const hover = c.request('textDocument/hover', { textDocument: { uri }, position: { line: 2, character: 18 } });
    expect(await Promise.all([ask(), ask()])).toMatchObject([[{ name: 'start' }], [{ name: 'start' }]]);
    expect(JSON.stringify(await hover)).toContain('SIZE');
  });

  it('does not blame an include file for what its includer would define', async () => {
    const c = await client();
    const uri = 'file:///w/alone.inc';
    open(c, uri);
    expect(await c.diagnostics(uri, () => true)).toEqual([]);
  });

  it('shows the registers of a session in hovers', async () => {
    const c = await client();
    const uri = 'file:///w/x.asm';
    open(c, uri, 'bits 64\n mov rax, 1\n');
    const hover = async (): Promise<string> =>
      JSON.stringify(
        await c.request('textDocument/hover', { textDocument: { uri }, position: { line: 1, character: 6 } }),
      );
    c.notify('ringside/session', { registers: { rax: '0x1234' }, exits: [] });
    expect(await hover()).toContain('0x1234');
    c.notify('ringside/session', null);
    expect(await hover()).not.toContain('0x1234');
  });

  it('shows VM exits at their lines, in include files and after edits, too', async () => {
    const c = await client();
    const uri = 'file:///w/main.asm';
    const inc = 'file:///w/sub/defs.inc';
    open(c, uri);
    open(c, inc);
    await c.diagnostics(uri, (list) => errors(list).length === 0);
    const exits = [
      { source: '/w/main.asm', line: 3, count: 2, reason: 'CPUID' },
      { source: '/w/sub/defs.inc', line: 3, count: 7 },
    ];
    c.notify('ringside/session', { registers: {}, exits });
    let version = 1;
    const edit = (of: string, from: [number, number], to: [number, number], text: string): void =>
      c.notify('textDocument/didChange', {
        textDocument: { uri: of, version: ++version },
        contentChanges: [
          { range: { start: { line: from[0], character: from[1] }, end: { line: to[0], character: to[1] } }, text },
        ],
      });
    const lines = async (of: string): Promise<string[]> => {
      const range = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } };
      const hints = await c.request('textDocument/inlayHint', { textDocument: { uri: of }, range });
      return (hints as { position: { line: number }; label: string }[])
        .filter(({ label }) => label.includes('VM exit'))
        .map(({ position, label }) => `${position.line + 1}: ${label}`);
    };
    expect(await lines(uri)).toEqual(['3: 2 VM exits (CPUID)']);
    expect(await lines(inc)).toEqual(['3: 7 VM exits']);
    edit(inc, [0, 0], [0, 0], '; new\n; lines\n');
    edit(uri, [1, 7], [1, 7], '\n; behind a line');
    expect(await lines(inc)).toEqual(['5: 7 VM exits']);
    expect(await lines(uri)).toEqual(['4: 2 VM exits (CPUID)']);
    // The debugger goes on to name the lines that it knows.
    c.notify('ringside/session', { registers: {}, exits });
    edit(uri, [1, 0], [2, 0], '');
    expect(await lines(uri)).toEqual(['3: 2 VM exits (CPUID)']);
    edit(uri, [2, 0], [3, 0], '');
    expect(await lines(uri)).toEqual([]);
    c.notify('ringside/session', null);
    expect(await lines(inc)).toEqual([]);
    c.notify('ringside/session', { registers: {}, exits });
    expect(await lines(inc)).toEqual(['3: 7 VM exits']);
  });

  it('goes by the processor of the launch configuration that names the program', async () => {
    const c = await client();
    const uri = 'file:///w/x.asm';
    open(c, uri, 'bits 64\n mov edx, 0x201A\n vmread rax, rdx\n jbe $\n');
    const codes = (list: Diagnostic[]): string[] => list.map((d) => String(d.code));
    const unsupported = (list: Diagnostic[]): boolean => codes(list).includes('unsupported-encoding');
    await c.diagnostics(uri, (list) => !unsupported(list));
    c.notify('ringside/launches', { launches: [{ program: uri, without: ['enable EPT'] }] });
    await c.diagnostics(uri, unsupported);
    c.notify('ringside/launches', { launches: [{ program: 'file:///w/other.asm', profile: 'penryn' }] });
    await c.diagnostics(uri, (list) => !unsupported(list));
    c.notify('ringside/launches', { launches: [{ program: uri, profile: 'penryn' }] });
    await c.diagnostics(uri, unsupported);
    c.notify('ringside/launches', { launches: [] });
    await c.diagnostics(uri, (list) => !unsupported(list));
    c.notify('workspace/didChangeConfiguration', { settings: { ringside: { without: ['enable EPT', 'no such'] } } });
    await c.diagnostics(uri, unsupported);
  });

  it('refuses a bad new name with a reason', async () => {
    const c = await client();
    const uri = 'file:///w/x.asm';
    open(c, uri, 'bits 64\nx: jmp x\n');
    const rename = c.request('textDocument/rename', {
      textDocument: { uri },
      position: { line: 1, character: 0 },
      newName: 'rax',
    });
    await expect(rename).rejects.toThrow('word of the assembler');
  });
});
