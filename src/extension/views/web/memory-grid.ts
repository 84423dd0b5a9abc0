// The rows of the memory view as a grid: one cell is chosen and has the focus; the arrow keys move it.

import type { MemoryCell, MemoryRow, MemoryView } from '../../../debugger/views/memory.ts';
import { make } from './page.ts';

const ROWS_OF_A_WHEEL = 3;

interface GridEvents {
  /** A cell was chosen. */
  chosen(row: MemoryRow, cell: MemoryCell): void;
  scroll(rows: number): void;
  page(direction: number): void;
  follow(): void;
  back(): void;
  write(cell: MemoryCell, digits: string): void;
  /** What the menu of a cell is told. */
  contextOf(cell: MemoryCell): object;
}

interface Grid {
  /** Reference of the chosen cell. */
  chosen(): string;
  cell(): MemoryCell | undefined;
  /** Begins to edit the chosen cell. */
  edit(first?: string): void;
}

/** Replaces what `place` shows; `chosen` is the reference of the cell to choose, or near which to. */
export function showGrid(place: HTMLElement, view: MemoryView, chosen: string, events: GridEvents): Grid {
  const { rows } = view;
  const columns = rows[0]?.cells.length ?? 0;
  const unit = view.unit;
  const hadFocus = place.contains(document.activeElement);
  const elements: HTMLTableCellElement[][] = [];
  const at = Math.floor((offsetOf(rows[0]?.reference ?? '', chosen) ?? 0) / unit);
  const isShown = at < columns * rows.length;
  let row = isShown ? Math.floor(at / columns) : 0;
  let column = isShown ? at % columns : 0;

  const body = make('tbody');
  for (const [line, each] of rows.entries()) {
    const cells = each.cells.map((cell) => cellElement(cell, events));
    elements.push(cells);
    body.append(
      make(
        'tr',
        { 'data-row': each.reference, class: each.cells.every((cell) => cell.digits === '') ? 'unreadable' : '' },
        make('th', { scope: 'row' }, each.reference.replace(/^.*:/, '')),
        ...cells,
        make('td', { role: 'gridcell', class: 'characters' }, each.text),
        make('td', { role: 'gridcell', class: 'notes' }, notesOf(each, line === 0)),
      ),
    );
  }
  const heads = [
    'Address',
    ...Array.from({ length: columns }, (_, i) => `+${(i * unit).toString(16)}`),
    'Text',
    'Notes',
  ];
  const table = make(
    'table',
    { role: 'grid', 'aria-label': view.space, class: 'memory' },
    make('thead', {}, make('tr', {}, ...heads.map((head) => make('th', { scope: 'col' }, head)))),
    body,
  );

  const element = (): HTMLTableCellElement | undefined => elements[row]?.[column];
  const cell = (): MemoryCell | undefined => rows[row]?.cells[column];

  function choose(toRow: number, toColumn: number, focus: boolean): void {
    element()?.setAttribute('tabindex', '-1');
    element()?.removeAttribute('aria-selected');
    row = toRow;
    column = toColumn;
    const now = element();
    const value = cell();
    const line = rows[row];
    if (now === undefined || value === undefined || line === undefined) return;
    now.setAttribute('tabindex', '0');
    now.setAttribute('aria-selected', 'true');
    if (focus) now.focus({ preventScroll: true });
    events.chosen(line, value);
  }

  /** By cells; beyond the ends of the rows the memory scrolls below. */
  function move(cells: number): void {
    const to = row * columns + column + cells;
    const line = Math.floor(to / columns);
    if (line >= 0 && line < rows.length) {
      choose(line, to % columns, true);
      return;
    }
    chooseFurther(cells * unit);
    events.scroll(line < 0 ? line : line - rows.length + 1);
  }

  /** The cell to choose once other rows are shown. */
  let next: string | undefined;
  function chooseFurther(bytes: number): void {
    const reference = cell()?.reference;
    if (reference === undefined) return;
    const [prefix] = reference.split(':');
    next = `${prefix}:0x${BigInt.asUintN(64, addressOf(reference) + BigInt(bytes)).toString(16)}`;
  }

  function turn(direction: number): void {
    chooseFurther(direction * (rows.length - 1) * columns * unit);
    events.page(direction);
  }

  function edit(first?: string): void {
    const now = element();
    const value = cell();
    if (now === undefined || value === undefined || value.digits === '') return;
    const text = [...now.childNodes];
    const field = make('input', {
      type: 'text',
      spellcheck: 'false',
      class: 'bytes',
      'aria-label': `New value of ${value.reference}, hexadecimal`,
    });
    field.value = first ?? value.digits;
    field.style.width = `${value.digits.length + 1}ch`;
    const end = (): void => {
      field.removeEventListener('blur', end);
      now.replaceChildren(...text);
    };
    field.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key !== 'Escape' && event.key !== 'Enter') return;
      end();
      now.focus();
      if (event.key === 'Enter') events.write(value, field.value.trim());
    });
    field.addEventListener('blur', end);
    now.replaceChildren(field);
    field.focus();
    if (first === undefined) field.select();
  }

  function press(event: KeyboardEvent): void {
    const { key } = event;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
    };
    const step = steps[key];
    if (event.altKey && key === 'ArrowLeft') events.back();
    else if (event.ctrlKey || event.altKey || event.metaKey) return;
    else if (step !== undefined) move(step);
    else if (key === 'Home') choose(row, 0, true);
    else if (key === 'End') choose(row, columns - 1, true);
    else if (key === 'PageUp') turn(-1);
    else if (key === 'PageDown') turn(1);
    else if (key === 'Enter') events.follow();
    else if (key === 'F2') edit();
    else if (/^[0-9a-f]$/i.test(key)) edit(key);
    else return;
    event.preventDefault();
  }

  body.addEventListener('keydown', press);
  for (const [line, cells] of elements.entries()) {
    for (const [at, each] of cells.entries()) {
      each.addEventListener('mousedown', () => {
        if (!each.contains(document.activeElement) || document.activeElement === each) choose(line, at, true);
      });
      each.addEventListener('dblclick', () => edit());
    }
  }
  table.addEventListener(
    'wheel',
    (event) => {
      if (event.ctrlKey || Math.abs(event.deltaY) < Math.abs(event.deltaX)) return;
      event.preventDefault();
      events.scroll(event.deltaY > 0 ? ROWS_OF_A_WHEEL : -ROWS_OF_A_WHEEL);
    },
    { passive: false },
  );
  place.replaceChildren(table);
  choose(row, column, hadFocus);
  return { chosen: () => next ?? cell()?.reference ?? chosen, cell, edit };
}

const addressOf = (reference: string): bigint => BigInt(reference.slice(reference.indexOf(':') + 1));

/** Bytes from one reference to another behind it in the same space. */
function offsetOf(from: string, to: string): number | undefined {
  if (from.split(':')[0] !== to.split(':')[0]) return undefined;
  return Number(BigInt.asUintN(64, addressOf(to) - addressOf(from)));
}

function cellElement(cell: MemoryCell, events: GridEvents): HTMLTableCellElement {
  const classes = [
    'cell',
    ...(cell.before === undefined ? [] : ['changed']),
    ...(cell.pointers === undefined ? [] : ['pointed']),
  ];
  const words = [
    ...(cell.before === undefined ? [] : [`was ${cell.before}`]),
    ...(cell.target === undefined ? [] : [cell.target]),
    ...(cell.pointers ?? []),
  ];
  const label = cell.digits === '' ? 'cannot be read' : cell.digits;
  return make(
    'td',
    {
      role: 'gridcell',
      class: classes.join(' '),
      tabindex: '-1',
      'data-cell': cell.reference,
      'data-vscode-context': JSON.stringify(events.contextOf(cell)),
      ...(words.length === 0 ? {} : { title: words.join('; '), 'aria-label': `${label}, ${words.join(', ')}` }),
    },
    cell.digits === '' ? '··' : cell.digits,
  );
}

/** What stands beside a row: why it cannot be read, the symbols that begin, what points into it, what its values are. */
function notesOf(row: MemoryRow, first: boolean): string {
  const places = row.cells.filter((cell) => cell.pointers !== undefined);
  const pointers = places.map(
    (cell) => `${cell.pointers?.join(', ')} → +${(offsetOf(row.reference, cell.reference) ?? 0).toString(16)}`,
  );
  const targets = row.cells
    .filter((cell) => cell.target !== undefined)
    .map((cell) => `0x${cell.digits.replace(/^0+(?=.)/, '')} = ${cell.target}`);
  const symbols = row.symbols.length === 0 && first && row.symbol !== '' ? [row.symbol] : row.symbols;
  return [...(row.why === undefined ? [] : [row.why]), ...symbols, ...pointers, ...targets].join('; ');
}
