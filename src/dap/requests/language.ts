// `ringside/language`: what the language server shows beside the source: last values of registers, and VM exits by line.
// The answer has the form of `SessionState` in src/lsp/protocol.ts.

import { lineAt } from '../../program/image.ts';
import { exitReasonName } from '../../spec/exit-reasons.ts';
import type { Arguments } from '../arguments.ts';
import { type Answer, type Connection, type Handler, stopped } from '../connection.ts';
import { toClientPath } from '../paths.ts';

const REGISTERS = [
  ...['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'rip', 'rflags'],
  ...Array.from({ length: 8 }, (_, i) => `r${i + 8}`),
  ...['cs', 'ds', 'es', 'fs', 'gs', 'ss', 'cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'dr6', 'dr7'],
];

interface Counted {
  readonly source: string;
  readonly line: number;
  count: number;
  reason: string;
  /** Exits of the reason that is named. */
  most: number;
}

function language(connection: Connection, args: Arguments): Answer {
  const { machine, image } = stopped(connection, args.command);
  const registers: Record<string, string> = {};
  for (const name of REGISTERS) {
    const value = machine.readRegister(name);
    if (value !== undefined) registers[name] = `0x${value.toString(16)}`;
  }
  const lines = new Map<string, Counted>();
  for (const { linear, reason, count } of machine.exitStatistics().places) {
    const place = linear === undefined ? undefined : lineAt(image, linear);
    if (place === undefined) continue;
    const key = `${place.file}:${place.line}`;
    const known = lines.get(key);
    const name = exitReasonName(reason);
    if (known === undefined) {
      const source = toClientPath(place.path, connection.client?.pathFormat ?? 'path');
      lines.set(key, { source, line: place.line, count, reason: name, most: count });
      continue;
    }
    known.count += count;
    if (count > known.most) {
      known.most = count;
      known.reason = name;
    }
  }
  const exits = [...lines.values()].map(({ source, line, count, reason }) => ({ source, line, count, reason }));
  return { body: { registers, exits } };
}

export const LANGUAGE_REQUESTS = {
  'ringside/language': language,
} satisfies Record<string, Handler>;
