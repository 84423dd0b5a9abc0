// The map of an address space: a row a range, with a bar as long as the range is big (by powers of two).

import type { AddressSpaceView, RangeRow, Space } from '../../../debugger/views/address-space.ts';
import { button, complainOf, make, request } from './page.ts';

const HEADS = ['Addresses', 'Mapped to', 'Pages', 'Rights', 'Accessed', 'Dirty'];
/** Log 2 of the smallest page, and of the largest range there can be. */
const SMALLEST = 12;
const LARGEST = 57;

/** @param choose called with the expression of an address that is clicked */
export async function drawMap(place: HTMLElement, space: Space, choose: (address: string) => void): Promise<void> {
  const answer = await request<AddressSpaceView>('ringside/addressSpace', { space });
  const body = make('tbody');
  const table = make(
    'table',
    { 'aria-label': answer.title, 'data-map': space },
    make('thead', {}, make('tr', {}, ...HEADS.map((head) => make('th', { scope: 'col' }, head)))),
    body,
  );
  const rest = make('p');
  const show = ({ rows, next }: AddressSpaceView): void => {
    body.append(...rows.map((row) => rangeRow(row, choose)));
    rest.replaceChildren();
    if (next === null) return;
    const more = (): void => {
      request<AddressSpaceView>('ringside/addressSpace', { space, from: next }).then(show, complainOf);
    };
    rest.append(button(`More, from ${next}`, more));
  };
  show(answer);
  const empty = answer.rows.length === 0 ? make('p', {}, 'Nothing is mapped.') : table;
  place.replaceChildren(make('h3', {}, answer.title), empty, rest);
}

function rangeRow(row: RangeRow, choose: (address: string) => void): HTMLElement {
  const bar = make('span', { class: 'bar', 'aria-hidden': 'true' });
  const bytes = BigInt(row.to) - BigInt(row.from) + 1n;
  const power = bytes.toString(2).length - 1;
  bar.style.width = `${((power - SMALLEST + 1) / (LARGEST - SMALLEST + 1)) * 100}%`;
  const from = button(`${row.from} – ${row.to}`, () => choose(row.expression), 'Translate the first address');
  from.className = 'value';
  if (row.stop !== null) {
    const why = make('td', { colspan: String(HEADS.length - 1), class: 'failure' }, row.stop);
    return make('tr', { 'data-from': row.from }, make('th', { scope: 'row' }, from, bar), why);
  }
  const cells = [
    row.target,
    `${row.pages} × ${row.pageSize}`,
    `${row.rights}${row.user ? ' user' : ''}`,
    String(row.accessed),
    String(row.dirty),
  ];
  return make(
    'tr',
    { 'data-from': row.from },
    make('th', { scope: 'row' }, from, bar),
    ...cells.map((cell) => make('td', { class: 'cell' }, cell)),
  );
}
