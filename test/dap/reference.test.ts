// docs/reference/dap.md against the protocol's own list, the adapter, and the tests that it names.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { requestNames } from '../../src/dap/requests/index.ts';
import { toyAdapter } from './toy-adapter.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const PAGE = readFileSync(join(HERE, '../../docs/reference/dap.md'), 'utf8');
const PROTOCOL = readFileSync(
  createRequire(import.meta.url).resolve('@vscode/debugprotocol/lib/debugProtocol.d.ts'),
  'utf8',
);

interface Row {
  readonly name: string;
  readonly has: boolean;
  readonly test: string;
}

function rowsOf(heading: string): Row[] {
  const section = PAGE.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `(\w+)` \| (yes|no) \|.*?([^|]*) \|$/gm)].map((match) => ({
    name: match[1] ?? '',
    has: match[2] === 'yes',
    test: (match[3] ?? '').trim(),
  }));
}

function interfaceOf(name: string): string {
  const start = PROTOCOL.indexOf(`interface ${name} {`);
  return PROTOCOL.slice(start, PROTOCOL.indexOf('\n\t}', start));
}

const names = (rows: readonly Row[]): string[] => rows.map(({ name }) => name).sort();

describe('docs/reference/dap.md', () => {
  test('has every request, and says of each whether it is answered', () => {
    const rows = rowsOf('Requests');
    expect(names(rows)).toEqual([...PROTOCOL.matchAll(/\/\/ command: '(\w+)'/g)].map((match) => match[1]).sort());
    expect(names(rows.filter(({ has }) => has))).toEqual(
      requestNames()
        .filter((name) => !name.includes('/'))
        .sort(),
    );
  });

  test('has every capability, and says of each whether it is set', async () => {
    const rows = rowsOf('Capabilities');
    const all = [...interfaceOf('Capabilities').matchAll(/^\t\t(\w+)\?:/gm)].map((match) => match[1]);
    expect(names(rows)).toEqual(all.sort());
    const body = await toyAdapter().request('initialize', { adapterID: 'ringside' });
    expect(names(rows.filter(({ has }) => has))).toEqual(Object.keys(body).sort());
  });

  test('has every event', () => {
    const events = [...PROTOCOL.matchAll(/interface (\w+)Event extends Event/g)].map((match) => match[1] ?? '');
    expect(names(rowsOf('Events'))).toEqual(events.map((name) => name[0]?.toLowerCase() + name.slice(1)).sort());
  });

  test.each(['Requests', 'Capabilities', 'Events'])('%s: what is there has a test, which exists', (heading) => {
    for (const { name, has, test: named } of rowsOf(heading)) {
      expect([name, named !== '']).toEqual([name, has]);
      if (!has) continue;
      const [file = '', title = ''] = named.split(/: (.*)/s);
      expect([name, readFileSync(join(HERE, file), 'utf8').includes(`'${title}'`)]).toEqual([name, true]);
    }
  });
});
