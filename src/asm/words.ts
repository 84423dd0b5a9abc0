// Words of the assembler that are no instructions, for the parser, completion and the grammar alike.

/** Directives that store data, with the bytes of an item. */
export const DATA_SIZES: Readonly<Record<string, number>> = {
  db: 1,
  dw: 2,
  dd: 4,
  dq: 8,
  dt: 10,
  do: 16,
  dy: 32,
  dz: 64,
};

/** Directives that reserve room, with the bytes of an item. */
export const RESERVE_SIZES: Readonly<Record<string, number>> = {
  resb: 1,
  resw: 2,
  resd: 4,
  resq: 8,
  rest: 10,
  reso: 16,
  resy: 32,
  resz: 64,
};

export const OTHER_DATA = ['times', 'equ', 'incbin'] as const;

/** What a person writes to define data or a constant. */
export const DATA_WORDS: readonly string[] = [...Object.keys(DATA_SIZES), ...Object.keys(RESERVE_SIZES), ...OTHER_DATA];

export const DIRECTIVE_NAMES: ReadonlySet<string> = new Set([
  'section',
  'segment',
  'bits',
  'use16',
  'use32',
  'use64',
  'org',
  'default',
  'cpu',
  'global',
  'extern',
  'common',
  'static',
  'required',
  'absolute',
  'float',
  'warning',
  'struc',
  'endstruc',
  'istruc',
  'iend',
  'at',
  'align',
  'alignb',
  'sectalign',
  'list',
  'map',
]);
