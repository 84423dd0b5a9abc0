// readMemory, writeMemory, disassemble.

import { disassemble } from '../../debugger/disassembly.ts';
import { hex } from '../../debugger/format.ts';
import { advance, explainUnreadable, type MemoryAddress, parseReference, peek, poke } from '../../debugger/memory.ts';
import { lineAt } from '../../program/image.ts';
import { type Arguments, flag, integer, optionalInteger, text } from '../arguments.ts';
import { fromBase64, toBase64 } from '../base64.ts';
import { type Answer, type Connection, type Debuggee, type Handler, rememberMemory, stopped } from '../connection.ts';
import { badArguments, badReference, tooMuch, writeRefused } from '../errors.ts';
import { locationOf } from '../sources.ts';
import { stateChanged } from './variables.ts';

const MAX_READ = 16 * 1024 * 1024;
const MAX_INSTRUCTIONS = 20_000;

function addressOf(debuggee: Debuggee, args: Arguments): MemoryAddress {
  const reference = text(args, 'memoryReference');
  const at = parseReference(reference, debuggee.machine.side());
  if (at === undefined) throw badReference(reference);
  return advance(at, optionalInteger(args, 'offset') ?? 0);
}

function readMemory(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const at = addressOf(debuggee, args);
  const count = integer(args, 'count');
  if (count < 0) throw badArguments(args.command, '"count" is negative');
  if (count > MAX_READ) throw tooMuch(`${count} bytes`, MAX_READ);
  const bytes = peek(debuggee.machine, at, count);
  if (count > 0) {
    rememberMemory(connection, {
      memoryReference: text(args, 'memoryReference'),
      offset: optionalInteger(args, 'offset') ?? 0,
      count,
    });
  }
  return {
    body: {
      address: hex(at.address),
      ...(bytes.length === 0 ? {} : { data: toBase64(bytes) }),
      ...(bytes.length === count ? {} : { unreadableBytes: unreadable(debuggee, at, bytes.length, count) }),
    },
  };
}

/** How many bytes after the readable ones are not, up to `count`. */
function unreadable(debuggee: Debuggee, at: MemoryAddress, readable: number, count: number): number {
  const page = 4096n;
  for (let offset = BigInt(readable); offset < BigInt(count); ) {
    const next = advance(at, offset);
    if (peek(debuggee.machine, next, 1).length === 1) return Number(offset) - readable;
    offset += page - (next.address & (page - 1n));
  }
  return count - readable;
}

function writeMemory(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const at = addressOf(debuggee, args);
  const bytes = fromBase64(text(args, 'data'));
  if (bytes === undefined) throw badArguments(args.command, '"data" is not base64');
  const partial = flag(args, 'allowPartial');
  if (bytes.length > MAX_READ) throw tooMuch(`${bytes.length} bytes`, MAX_READ);
  const possible = peek(debuggee.machine, at, bytes.length).length;
  if (possible < bytes.length && !partial)
    throw writeRefused(explainUnreadable(debuggee.machine, advance(at, possible)));
  const written = poke(debuggee.machine, at, bytes.subarray(0, possible));
  if (written < bytes.length && !partial) throw writeRefused(explainUnreadable(debuggee.machine, advance(at, written)));
  return { body: { bytesWritten: written }, after: () => stateChanged(connection) };
}

function disassembleRequest(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const { machine, image } = debuggee;
  const at = addressOf(debuggee, args);
  const count = integer(args, 'instructionCount');
  const offset = optionalInteger(args, 'instructionOffset') ?? 0;
  if (count < 0) throw badArguments(args.command, '"instructionCount" is negative');
  if (Math.max(count, Math.abs(offset)) > MAX_INSTRUCTIONS)
    throw tooMuch(`${Math.max(count, Math.abs(offset))} instructions`, MAX_INSTRUCTIONS);
  const side = at.space.kind === 'linear' ? at.space.side : at.space.kind === 'guest-physical' ? 'non-root' : 'root';
  const rows = disassemble(machine, image, at, machine.codeBits(side), offset, count);
  let shownLine = '';
  const instructions = rows.map((row) => {
    const line = at.space.kind === 'linear' ? lineAt(image, row.address) : undefined;
    const key = line === undefined ? '' : `${line.file}:${line.line}`;
    const location = line === undefined || key === shownLine ? {} : locationOf(connection, line.path, line.line);
    shownLine = key;
    return {
      address: hex(row.address),
      instructionBytes: Array.from(row.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
      instruction: row.text,
      ...(row.label === undefined ? {} : { symbol: row.label }),
      ...('source' in location ? { location: location.source, line: (location as { line?: number }).line } : {}),
      ...(row.valid ? {} : { presentationHint: 'invalid' }),
    };
  });
  return { body: { instructions } };
}

export const MEMORY_REQUESTS = { readMemory, writeMemory, disassemble: disassembleRequest } satisfies Record<
  string,
  Handler
>;
