// What calls tell of the registers that functions begin with (DWARF 5, "Call Site Entries and Parameters"; the GNU forms of DWARF 4 beside them).
import type { FrameAccess } from '../debug-info.ts';
import { ATTRIBUTE, TAG } from './constants.ts';
import { addressValue, attribute, type Entry, hasFlag, nameOf, originOf, reference } from './entries.ts';
import { evaluateValue, namedRegister } from './expressions.ts';
import { ownFunctionAt } from './functions.ts';
import { startOf } from './ranges.ts';
import { qualifiedName } from './type-entries.ts';
import type { Unit } from './units.ts';
import { contextFor, type VariableReader } from './variables.ts';

/** How call sites find what they refer to. */
export interface CallReader {
  unitAt(address: bigint): Unit | undefined;
  readonly reader: VariableReader;
  /** Functions and inlined copies of a name. */
  functions(name: string): readonly Entry[];
}

export interface Caller {
  /** Where the call returns to. */
  readonly returns: bigint;
  readonly frame: FrameAccess;
}

/**
 * A register as the function around `callee` was entered with it; undefined when no call tells it, or when that function may have been reached in several
 * ways: functions that end with a jump to another leave no trace.
 */
export function entryRegister(calls: CallReader, number: number, callee: bigint, caller: Caller): bigint | undefined {
  const entered = ownAt(calls, callee);
  const calling = ownAt(calls, caller.returns - 1n);
  if (entered === undefined || calling === undefined) return undefined;
  const site = sitesOf(calling).find(({ returns, jumps }) => returns === caller.returns && !jumps);
  if (site === undefined) return undefined;
  const evaluated = (at: CallSite, own: Entry, frame: FrameAccess, bytes: Uint8Array): bigint | undefined => {
    const { unit } = at.entry;
    return evaluateValue(unit.context.file, bytes, contextFor(unit, own, caller.returns - 1n, frame, calls.reader));
  };
  const target = targetOf(site.entry, caller, (bytes) => evaluated(site, calling, caller.frame, bytes));
  const called = target === undefined ? undefined : ownAt(calls, target);
  const jumps = called === undefined || startOf(called) !== target ? undefined : onlyWay(calls, called, entered);
  if (jumps === undefined) return undefined;
  let value = (asked: number): bigint | undefined => {
    const told = handedOver(site, asked);
    return told === undefined ? undefined : evaluated(site, calling, caller.frame, told);
  };
  for (const jump of jumps) {
    const before = value;
    value = (asked) => {
      const told = handedOver(jump.site, asked);
      // Of the function that jumped nothing is left but what it was called with.
      return told === undefined
        ? undefined
        : evaluated(jump.site, jump.own, { ...NOTHING_LEFT, entryRegister: before }, told);
    };
  }
  return value(number);
}

const NOTHING_LEFT = { register: () => undefined, memory: () => undefined, cfa: () => undefined } as const;

/** The expression of the value that a call hands over in a register. */
function handedOver({ entry }: CallSite, number: number): Uint8Array | undefined {
  const parameter = entry.children.find((child) => {
    if (child.tag !== TAG.callSiteParameter && child.tag !== TAG.gnuCallSiteParameter) return false;
    const place = expressionOf(child, ATTRIBUTE.location);
    return place !== undefined && namedRegister(place) === number;
  });
  return parameter && (expressionOf(parameter, ATTRIBUTE.callValue) ?? expressionOf(parameter, ATTRIBUTE.gnuCallValue));
}

function ownAt(calls: CallReader, address: bigint): Entry | undefined {
  const unit = calls.unitAt(address);
  return unit === undefined ? undefined : ownFunctionAt(unit, address);
}

interface CallSite {
  readonly entry: Entry;
  readonly returns: bigint | undefined;
  /** A jump that takes the place of a call and a return. */
  readonly jumps: boolean;
}

const SITES = new WeakMap<Entry, readonly CallSite[]>();

/** The calls of a function, those in what was inlined into it among them. */
function sitesOf(own: Entry): readonly CallSite[] {
  let sites = SITES.get(own);
  if (sites === undefined) {
    sites = [...siteEntries(own)].map((entry) => ({
      entry,
      returns:
        addressValue(entry.unit, attribute(entry, ATTRIBUTE.callReturnPc)) ??
        addressValue(entry.unit, attribute(entry, ATTRIBUTE.lowPc)),
      jumps: hasFlag(entry, ATTRIBUTE.callTailCall) || hasFlag(entry, ATTRIBUTE.gnuTailCall),
    }));
    SITES.set(own, sites);
  }
  return sites;
}

const MAY_HOLD_CALLS: ReadonlySet<number> = new Set([TAG.lexicalBlock, TAG.inlinedSubroutine]);

function* siteEntries(parent: Entry): Generator<Entry> {
  for (const child of parent.children) {
    if (child.tag === TAG.callSite || child.tag === TAG.gnuCallSite) yield child;
    else if (MAY_HOLD_CALLS.has(child.tag)) yield* siteEntries(child);
  }
}

function expressionOf(entry: Entry, name: number): Uint8Array | undefined {
  const found = attribute(entry, name);
  // A list of locations says nothing of one moment.
  return found?.value instanceof Uint8Array ? found.value : undefined;
}

const originOfCall = (site: Entry): Entry | undefined =>
  reference(site, ATTRIBUTE.callOrigin) ?? reference(site, ATTRIBUTE.abstractOrigin);

/** CALL rel32 */
const CALL = 0xe8n;

/** The function that a call leads to: by the instruction itself where the callee is named, else by what the call's entry computes. */
function targetOf(
  site: Entry,
  { returns, frame }: Caller,
  value: (bytes: Uint8Array) => bigint | undefined,
): bigint | undefined {
  if (originOfCall(site) !== undefined) {
    if (frame.memory(returns - 5n, 1) !== CALL) return undefined;
    const distance = frame.memory(returns - 4n, 4);
    const width = site.unit.context.addressSize * 8;
    return distance === undefined ? undefined : BigInt.asUintN(width, returns + BigInt.asIntN(32, distance));
  }
  const told = expressionOf(site, ATTRIBUTE.callTarget) ?? expressionOf(site, ATTRIBUTE.gnuCallTarget);
  return told === undefined ? undefined : value(told);
}

const COMPLETE = [
  ATTRIBUTE.allCalls,
  ATTRIBUTE.allSourceCalls,
  ATTRIBUTE.allTailCalls,
  ATTRIBUTE.gnuAllCalls,
  ATTRIBUTE.gnuAllTailCalls,
] as const;

interface Jump {
  /** The function that jumps. */
  readonly own: Entry;
  readonly site: CallSite;
}

/** How many functions are looked at. */
const MAX_FUNCTIONS = 256;

/** The jumps that lead from the beginning of a function to that of another, or none; undefined unless it is certain that there is one way only. */
function onlyWay(calls: CallReader, from: Entry, to: Entry): readonly Jump[] | undefined {
  const ways: (readonly Jump[])[] = [];
  let looked = 0;
  const certain = (own: Entry, way: readonly Jump[]): boolean => {
    if (own === to) ways.push(way);
    if (ways.length > 1 || ++looked > MAX_FUNCTIONS) return false;
    if (!COMPLETE.some((name) => hasFlag(own, name))) return false;
    return sitesOf(own)
      .filter(({ jumps }) => jumps)
      .every((site) => {
        const target = definitionOf(calls, originOfCall(site.entry));
        const turns = target === own || way.some((jump) => jump.own === target);
        return target !== undefined && !turns && certain(target, [...way, { own, site }]);
      });
  };
  return certain(from, []) ? ways[0] : undefined;
}

/** The function with code that an origin means: itself, or the only one of its name. */
function definitionOf(calls: CallReader, origin: Entry | undefined): Entry | undefined {
  if (origin === undefined) return undefined;
  if (startOf(origin) !== undefined) return origin;
  const name = qualifiedName(origin) ?? nameOf(origin);
  const named = name === undefined ? [] : calls.functions(name).filter(({ tag }) => tag === TAG.subprogram);
  const own = named.filter((entry) => originOf(entry) === origin);
  const [only, ...others] = own.length > 0 ? own : named;
  return others.length === 0 ? only : undefined;
}
