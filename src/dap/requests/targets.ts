// gotoTargets, goto, stepInTargets, locations: places in code that a client can choose from, or be led to.

import { place } from '../../debugger/place.ts';
import { currentPosition } from '../../debugger/position.ts';
import { stepInTargets as targetsHere } from '../../debugger/step-targets.ts';
import { addressesOfLine, lineAt } from '../../program/image.ts';
import { type Arguments, integer } from '../arguments.ts';
import {
  type Answer,
  type Connection,
  currentFrames,
  frameOf,
  fromClientLine,
  type Handler,
  processorOf,
  stopped,
  threadOf,
  toClientColumn,
  toClientLine,
} from '../connection.ts';
import { noSuchFrame, noSuchLocation, noSuchTarget, writeRefused } from '../errors.ts';
import { addressOfLine } from '../listings.ts';
import { sourceOf } from '../sources.ts';
import { listingOf, pathOf } from './breakpoints.ts';
import { stateChanged } from './variables.ts';

function gotoTargets(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const { image } = debuggee;
  const line = fromClientLine(connection, integer(args, 'line'));
  const listing = listingOf(connection, args);
  const bound = listing === undefined ? addressesOfLine(image, pathOf(connection, args), line) : undefined;
  const inListing = listing === undefined ? undefined : addressOfLine(listing, line);
  const addresses = bound?.addresses ?? (inListing === undefined ? [] : [inListing]);
  return {
    body: {
      targets: addresses.map((address) => ({
        id: connection.places.numberOf(`goto/${address}`),
        label: place(image, address),
        line: toClientLine(connection, bound?.line ?? line),
        column: toClientColumn(connection, Math.max(1, bound?.column ?? 1)),
        instructionPointerReference: `0x${address.toString(16)}`,
      })),
    },
  };
}

/** The address of a target that was offered. */
function target(connection: Connection, id: number, kind: 'goto' | 'in'): bigint {
  const [offered, address] = connection.places.pathOf(id)?.split('/') ?? [];
  if (offered !== kind || address === undefined) throw noSuchTarget(id);
  return BigInt(address);
}

/** Moves RIP; nothing between here and there is carried out. */
function goto(connection: Connection, args: Arguments): Answer {
  const processor = processorOf(args, connection.debuggee?.machine);
  const { machine } = stopped(connection, args.command);
  machine.select(processor);
  const linear = target(connection, integer(args, 'targetId'), 'goto');
  const { bits } = currentPosition(machine);
  const rip = bits === 64 ? linear : BigInt.asUintN(32, linear - (machine.readRegister('cs.base') ?? 0n));
  const refused = machine.writeRegister('rip', rip);
  if (refused !== undefined) throw writeRefused(refused);
  return {
    after: () => {
      stateChanged(connection);
      connection.event('stopped', { reason: 'goto', threadId: threadOf(machine), allThreadsStopped: true });
    },
  };
}

function stepInTargets(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const id = integer(args, 'frameId');
  if (debuggee.frames.size === 0) currentFrames(connection, debuggee);
  const frame = frameOf(debuggee, id);
  if (frame === undefined) throw noSuchFrame(id);
  const here = currentPosition(debuggee.machine);
  if (frame.kind === 'label' || frame.side !== here.side || frame.linear !== here.linear)
    return { body: { targets: [] } };
  const targets = targetsHere(debuggee.machine, debuggee.image).map(({ address, label }) => {
    const line = lineAt(debuggee.image, address);
    return {
      id: connection.places.numberOf(`in/${address}`),
      label,
      ...(line === undefined ? {} : { line: toClientLine(connection, line.line) }),
    };
  });
  return { body: { targets } };
}

/** Where `stepIn` with a target goes. */
export function stepInTarget(connection: Connection, id: number): bigint {
  return target(connection, id, 'in');
}

function locations(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const reference = integer(args, 'locationReference');
  const [kind, address] = connection.places.pathOf(reference)?.split('/') ?? [];
  const line = kind === 'code' && address !== undefined ? lineAt(debuggee.image, BigInt(address)) : undefined;
  if (line === undefined) throw noSuchLocation(reference);
  return {
    body: {
      source: sourceOf(connection, line.path),
      line: toClientLine(connection, line.line),
      column: toClientColumn(connection, Math.max(1, line.column)),
    },
  };
}

export const TARGET_REQUESTS = { gotoTargets, goto, stepInTargets, locations } satisfies Record<string, Handler>;
