// Reading a request's arguments, which may be anything: each reader throws a DapError that names the request and the field.

import { badArguments } from './errors.ts';
import { isRecord } from './launch.ts';

/** A request's arguments with its name, for messages. */
export interface Arguments {
  readonly command: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export function readArguments(command: string, input: unknown): Arguments {
  if (input === undefined || input === null) return { command, values: {} };
  if (!isRecord(input)) throw badArguments(command, '"arguments" is not an object');
  return { command, values: input };
}

export function text(args: Arguments, field: string): string {
  const value = args.values[field];
  if (typeof value !== 'string') throw badArguments(args.command, `"${field}" is not a text`);
  return value;
}

export function optionalText(args: Arguments, field: string): string | undefined {
  return args.values[field] === undefined ? undefined : text(args, field);
}

export function integer(args: Arguments, field: string): number {
  const value = args.values[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw badArguments(args.command, `"${field}" is not a whole number`);
  return value;
}

export function optionalInteger(args: Arguments, field: string): number | undefined {
  return args.values[field] === undefined ? undefined : integer(args, field);
}

export function flag(args: Arguments, field: string): boolean {
  const value = args.values[field];
  if (value !== undefined && typeof value !== 'boolean')
    throw badArguments(args.command, `"${field}" is not true or false`);
  return value === true;
}

/** The elements of a list of objects; an absent list is empty. */
export function records(args: Arguments, field: string): Arguments[] {
  const value = args.values[field];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isRecord))
    throw badArguments(args.command, `"${field}" is not a list of objects`);
  return value.map((values) => ({ command: `${args.command}, ${field}`, values }));
}

export function texts(args: Arguments, field: string): string[] {
  const value = args.values[field];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((part) => typeof part === 'string')) {
    throw badArguments(args.command, `"${field}" is not a list of texts`);
  }
  return value;
}

/** The notation that a ValueFormat asks for; undefined when it asks for none. */
export function valueFormat(args: Arguments): 'hex' | 'decimal' | undefined {
  if (args.values.format === undefined) return undefined;
  const { values } = record(args, 'format');
  return values.hex === undefined ? undefined : values.hex === true ? 'hex' : 'decimal';
}

export function record(args: Arguments, field: string): Arguments {
  const value = args.values[field];
  if (!isRecord(value)) throw badArguments(args.command, `"${field}" is not an object`);
  return { command: `${args.command}, ${field}`, values: value };
}
