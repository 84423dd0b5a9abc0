// The memory view: rows of bytes around an address, with what changed and what points there; edited in place.

import type { MemoryCell, MemoryRow, MemoryView, Unit, Width } from '../../../debugger/views/memory.ts';
import { showGrid } from './memory-grid.ts';
import {
  action,
  button,
  complain,
  complainOf,
  layOut,
  make,
  onShow,
  onState,
  request,
  savedState,
  saveState,
  say,
  STATE_TEXTS,
} from './page.ts';

/** From this width of the page on, in pixels, a row has 16 bytes. */
const WIDE = 700;
const ROW_HEIGHT = 21;
/** Height of what stands above the rows, in pixels. */
const ABOVE = 210;
const FEWEST_ROWS = 8;
const MOST_ROWS = 100;

interface Place {
  /** An expression. */
  readonly address: string;
  /** Bytes from there. */
  readonly offset: number;
}

interface Kept extends Place {
  readonly unit: Unit;
}

let { address, offset, unit } = savedState<Kept>() ?? { address: 'rsp', offset: 0, unit: 1 as Unit };
/** Where one came from, the newest last. */
const past: Place[] = [];
let shown: MemoryView | undefined;
let stopped = false;
let session = '';

const input = make('input', {
  type: 'text',
  spellcheck: 'false',
  placeholder: 'rsp, host_stack, gva:…, gpa:…, hpa:…, vmcs:0',
});
input.value = address;
input.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') goTo(input.value);
});

const UNIT_NAMES: readonly (readonly [Unit, string])[] = [
  [1, 'bytes'],
  [2, '16-bit words'],
  [4, '32-bit words'],
  [8, '64-bit words'],
];
const units = make(
  'select',
  { change: () => setUnit(Number(units.value) as Unit) },
  ...UNIT_NAMES.map(([size, name]) => make('option', { value: String(size), selected: size === unit }, name)),
);
const back = button('Back', goBack, 'Back to the address that was shown before (Alt+Left)');

const content = layOut(
  'Memory',
  make('label', {}, 'Address ', input),
  button('Show', () => goTo(input.value)),
  back,
  button('Previous page', () => page(-1), 'Lower addresses (Page Up)'),
  button('Next page', () => page(1), 'Higher addresses (Page Down)'),
  make('label', {}, 'Show as ', units),
);
const grid = make('div', { id: 'memory' });
const about = make('p', { id: 'chosen', role: 'status' });
const acts = make(
  'div',
  { class: 'tools', role: 'toolbar', 'aria-label': 'What to do with the chosen bytes' },
  button('Follow', () => act('follow'), 'Show the address that stands here (Enter)'),
  button('Edit', () => gridOf?.edit(), 'Type another value (F2, or a hexadecimal digit)'),
  button('Who wrote this?', () => act('who'), 'Back in time to what wrote these bytes last'),
  button('Break on write', () => act('breakOnWrite'), 'Stop whenever these bytes are written'),
  button('Translate', () => act('translate'), 'Show the way of this address to memory'),
  button('Hex Editor', () => act('hexEditor'), 'Open in Microsoft’s extension "Hex Editor"'),
);
content.append(grid, about, acts);

let gridOf: ReturnType<typeof showGrid> | undefined;

onState((state, name) => {
  stopped = state === 'stopped';
  session = name;
  say(STATE_TEXTS[state]);
  complain('');
  document.body.classList.toggle('stale', !stopped);
  if (state === 'none') {
    shown = undefined;
    gridOf = undefined;
    grid.replaceChildren();
    about.textContent = '';
  }
  for (const control of acts.querySelectorAll('button')) control.disabled = !stopped;
  if (stopped) refresh();
});
onShow((text) => goTo(text));
addEventListener('resize', () => refresh());

function keep(): void {
  saveState({ address, offset, unit } satisfies Kept);
}

function goTo(text: string): void {
  if (text !== address || offset !== 0) past.push({ address, offset });
  show({ address: text, offset: 0 });
}

function goBack(): void {
  const place = past.pop();
  if (place !== undefined) show(place);
}

function show(place: Place): void {
  ({ address, offset } = place);
  input.value = address;
  gridOf = undefined;
  keep();
  refresh();
}

function setUnit(size: Unit): void {
  unit = size;
  gridOf = undefined;
  keep();
  refresh();
}

const rowCount = (): number =>
  Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, Math.floor((innerHeight - ABOVE) / ROW_HEIGHT)));

const width = (): Width => (innerWidth < WIDE ? 8 : 16);

function scroll(rows: number): void {
  offset += rows * width();
  keep();
  refresh();
}

const page = (direction: number): void => scroll(direction * Math.max(1, rowCount() - 1));

let asked = 0;
function refresh(): void {
  back.disabled = past.length === 0;
  if (!stopped) return;
  const number = ++asked;
  request<MemoryView>('ringside/memory', { address, offset, rows: rowCount(), width: width(), unit }).then(
    (answer) => {
      if (number !== asked) return;
      complain('');
      draw(answer);
    },
    (error: unknown) => {
      if (number !== asked) return;
      grid.replaceChildren();
      about.textContent = '';
      gridOf = undefined;
      say('');
      complainOf(error);
    },
  );
}

function draw(answer: MemoryView): void {
  shown = answer;
  const changed = answer.rows.flatMap((row) => row.cells).filter((cell) => cell.before !== undefined).length;
  const changes = changed === 0 ? '' : `; ${changed} changed since the last stop`;
  say(`${session}: ${answer.space}, ${address === answer.address ? '' : `${address} is `}${answer.address}${changes}.`);
  gridOf = showGrid(grid, answer, gridOf?.chosen() ?? answer.address, {
    chosen: describe,
    scroll,
    page,
    follow: () => act('follow'),
    back: goBack,
    write,
    contextOf: (cell) => ({ ...bytesOf(cell), webviewSection: 'bytes', preventDefaultContextMenuItems: true }),
  });
}

/** The chosen bytes in words. */
function describe(row: MemoryRow, cell: MemoryCell): void {
  const place = row.symbol === '' ? cell.reference : `${cell.reference} (row ${row.symbol})`;
  const facts = [
    cell.digits === '' ? 'cannot be read' : `0x${cell.digits}`,
    ...(cell.before === undefined ? [] : [`0x${cell.before} at the last stop`]),
    ...(cell.target === undefined ? [] : [`the address of ${cell.target}`]),
    ...(cell.pointers === undefined
      ? []
      : [`${cell.pointers.join(', ')} ${shown?.address.startsWith('vmcs:') ? 'is here' : 'points here'}`]),
  ];
  about.textContent = `${place}: ${facts.join('; ')}.`;
}

const SIZES: Readonly<Record<Unit, string>> = { 1: 'byte', 2: 'word', 4: 'dword', 8: 'qword' };

/** What the extension does something with. */
function bytesOf(cell: MemoryCell): { reference: string; expression: string; target: string } {
  const prefix = cell.reference.slice(0, cell.reference.indexOf(':'));
  const field = prefix === 'vmcs' ? cell.pointers?.[0] : undefined;
  return {
    reference: cell.reference,
    expression: field ?? `${SIZES[unit]}[${cell.reference}]`,
    target: prefix === 'vmcs' ? (cell.follow ?? '') : `${prefix}:${shown?.pointer ?? 'qword'}[${cell.reference}]`,
  };
}

function act(name: string): void {
  const cell = gridOf?.cell();
  if (cell === undefined) {
    complain('Choose bytes first: click them, or go to them with the arrow keys.');
    return;
  }
  const bytes = bytesOf(cell);
  if (name !== 'follow') action(name, bytes).then(() => complain(''), complainOf);
  else if (bytes.target === '') complain('No address stands in this field of the VMCS.');
  else goTo(bytes.target);
}

/** Writes a unit; the adapter tells that memory has changed, and the view reads it again. */
function write(cell: MemoryCell, digits: string): void {
  if (!new RegExp(`^[0-9a-f]{1,${2 * unit}}$`, 'i').test(digits)) {
    complain(`Type at most ${2 * unit} hexadecimal digits; "${digits}" is something else.`);
    return;
  }
  const bytes = digits
    .padStart(2 * unit, '0')
    .match(/../g)
    ?.reverse()
    .map((pair) => String.fromCharCode(Number.parseInt(pair, 16)));
  request('writeMemory', { memoryReference: cell.reference, data: btoa(bytes?.join('') ?? '') }).then(
    () => complain(''),
    complainOf,
  );
}
