// The VMCS view: areas as tables, with search, pins, changes, failed checks, editing and copying.

import type { SnapshotsBody } from '../../../dap/protocol.ts';
import type { VmcsAreaView, VmcsFieldView, VmcsView } from '../../../debugger/views/vmcs.ts';
import {
  action,
  button,
  checkbox,
  complain,
  complainOf,
  field,
  layOut,
  make,
  onState,
  request,
  savedState,
  saveState,
  say,
  STATE_TEXTS,
} from './page.ts';

interface Kept {
  pins: string[];
  closed: string[];
}

const kept: Kept = savedState<Kept>() ?? { pins: [], closed: ['vmcs/host', 'vmcs/control'] };
let shown: VmcsView | undefined;
let search = '';
let onlyChanged = false;
/** Name of the snapshot to compare with; empty: none. */
let snapshot = '';
const snapshots = make('select', { change: () => compareWith(snapshots.value) });
/** Values to compare with, by field. */
let remembered: Map<string, string> | undefined;

const content = layOut(
  'VMCS',
  field('Search', 'name, value or meaning', (text) => {
    search = text.toLowerCase();
    draw();
  }),
  checkbox('Only changed', (checked) => {
    onlyChanged = checked;
    draw();
  }),
  make('label', {}, 'Compare with ', snapshots),
  button('Remember', remember, 'Remember these values and show what differs from them'),
  button('Copy as text', () => copy(asText()), 'Copy the fields that are shown, one a line'),
  button('Copy as code', () => copy(asCode()), 'Copy VMWRITEs of the writable fields that are shown, in NASM syntax'),
);

onState((state, session) => {
  say(STATE_TEXTS[state]);
  complain('');
  document.body.classList.toggle('stale', state !== 'stopped');
  if (state === 'none') {
    shown = undefined;
    draw();
  }
  if (state !== 'stopped') return;
  refresh(session).catch(complainOf);
});

let sessionName = '';
async function refresh(session: string): Promise<void> {
  sessionName = session;
  const { snapshots: kept } = await request<SnapshotsBody>('ringside/snapshots');
  const names = kept.map(({ name }) => name);
  if (!names.includes(snapshot)) snapshot = '';
  snapshots.replaceChildren(
    make('option', { value: '' }, names.length === 0 ? 'no snapshot yet' : 'nothing'),
    ...names.map((name) => make('option', { value: name, selected: name === snapshot }, `snapshot ${name}`)),
  );
  shown = await request<VmcsView>('ringside/vmcs', snapshot === '' ? {} : { snapshot });
  say(summary(shown, session));
  draw();
}

function compareWith(name: string): void {
  snapshot = name;
  refresh(sessionName).catch(complainOf);
}

function summary(vmcs: VmcsView, session: string): string {
  if (vmcs.address === null) return `${session}: there is no current VMCS yet. VMPTRLD makes one current.`;
  const checks =
    vmcs.failed === 0
      ? 'a VM entry would pass every check'
      : `a VM entry would fail ${vmcs.failed === 1 ? '1 check' : `${vmcs.failed} checks`}`;
  return `${session}: current VMCS at ${vmcs.address}; ${checks}.`;
}

const isChanged = (row: VmcsFieldView): boolean =>
  row.beforeStop !== null || row.beforeExit !== null || row.inSnapshot !== null || isDifferent(row);
const isDifferent = (row: VmcsFieldView): boolean =>
  remembered?.has(row.name) === true && remembered.get(row.name) !== row.value;

function isWanted(row: VmcsFieldView): boolean {
  if (onlyChanged && !isChanged(row)) return false;
  return search === '' || `${row.name} ${row.value} ${row.description}`.toLowerCase().includes(search);
}

function draw(): void {
  const areas = shown?.areas ?? [];
  const pinned = areas.flatMap((area) =>
    area.fields.filter((row) => kept.pins.includes(row.name)).map((row) => ({ area, row })),
  );
  const isNarrowed = search !== '' || onlyChanged;
  const sections = areas
    .map((area) => ({ area, rows: area.fields.filter(isWanted).map((row) => ({ area, row })) }))
    .filter(({ rows }) => rows.length > 0 || !isNarrowed)
    .map(({ area, rows }) => section(area.id, area.title, rows));
  const nothing = isNarrowed && areas.length > 0 && sections.length === 0;
  content.replaceChildren(
    ...(pinned.length === 0 ? [] : [section('pinned', 'Pinned', pinned)]),
    ...sections,
    ...(nothing ? [make('p', {}, onlyChanged ? 'No such field has changed.' : 'No field is found.')] : []),
  );
}

interface Placed {
  readonly area: VmcsAreaView;
  readonly row: VmcsFieldView;
}

function section(id: string, title: string, rows: readonly Placed[]): HTMLElement {
  const changed = rows.filter(({ row }) => isChanged(row)).length;
  const failed = rows.filter(({ row }) => row.failed.length > 0).length;
  const notes = [
    `${rows.length}`,
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(failed > 0 ? [`${failed} failing`] : []),
  ];
  const open = search !== '' || onlyChanged || !kept.closed.includes(id);
  const details = make(
    'details',
    { 'data-area': id, open },
    make('summary', {}, title, make('span', { class: 'count' }, ` ${notes.join(', ')}`)),
    table(title, rows),
  );
  details.addEventListener('toggle', () => {
    if (search !== '' || onlyChanged) return;
    kept.closed = kept.closed.filter((other) => other !== id);
    if (!details.open) kept.closed.push(id);
    saveState(kept);
  });
  return details;
}

function table(title: string, rows: readonly Placed[]): HTMLElement {
  const heads = [
    'Field',
    'Value',
    ...(snapshot === '' ? [] : [`Snapshot ${snapshot}`]),
    ...(remembered === undefined ? [] : ['Remembered']),
  ];
  const pin = make('td', {}, make('span', { class: 'hidden' }, 'Pin'));
  return make(
    'table',
    { 'aria-label': title },
    make('thead', {}, make('tr', {}, pin, ...heads.map((head) => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, ...rows.map(fieldRow)),
  );
}

function fieldRow({ area, row }: Placed): HTMLElement {
  const classes = [
    ...(row.beforeStop === null ? [] : ['changed-stop']),
    ...(row.beforeExit === null ? [] : ['changed-exit']),
    ...(row.failed.length === 0 ? [] : ['failed']),
  ];
  const isPinned = kept.pins.includes(row.name);
  const pin = make(
    'button',
    {
      type: 'button',
      class: 'pin',
      'aria-pressed': String(isPinned),
      'aria-label': `${isPinned ? 'Unpin' : 'Pin'} ${row.name}`,
      click: () => {
        kept.pins = isPinned ? kept.pins.filter((name) => name !== row.name) : [...kept.pins, row.name];
        saveState(kept);
        draw();
      },
    },
    isPinned ? '★' : '☆',
  );
  return make(
    'tr',
    { class: classes.join(' '), 'data-field': row.name },
    make('td', {}, pin),
    make('th', { scope: 'row', title: row.description }, row.name),
    make('td', {}, valueCell(area, row), bitsOf(row), beforeOf(row), ...row.failed.map(failureOf)),
    snapshot === '' ? undefined : make('td', { class: 'in-snapshot' }, row.inSnapshot ?? ''),
    remembered === undefined ? undefined : make('td', {}, isDifferent(row) ? remembered.get(row.name) : ''),
  );
}

function beforeOf(row: VmcsFieldView): HTMLElement | undefined {
  if (row.beforeStop === null && row.beforeExit === null) return undefined;
  const texts = [
    ...(row.beforeStop === null ? [] : [`at the last stop ${row.beforeStop}`]),
    ...(row.beforeExit === null ? [] : [`at the last VM exit ${row.beforeExit}`]),
  ];
  return make('p', { class: 'before' }, `Before: ${texts.join(', ')}`);
}

function failureOf(check: VmcsFieldView['failed'][number]): HTMLElement {
  const reported = check.reported ? ' The processor reports this one.' : '';
  return make(
    'p',
    { class: 'failure' },
    `Fails: ${check.rule} (SDM, ${check.citation}). Fix: ${check.fix}.${reported}`,
  );
}

function bitsOf(row: VmcsFieldView): HTMLElement | undefined {
  if (row.bits.length === 0) return undefined;
  const items = row.bits.map((bit) =>
    make('li', { class: /^0(x0)?\b/.test(bit.value) ? 'clear' : 'set' }, `${bit.name} = ${bit.value}`),
  );
  return make('details', { class: 'bits' }, make('summary', {}, `${row.bits.length} parts`), make('ul', {}, ...items));
}

function valueCell(area: VmcsAreaView, row: VmcsFieldView): HTMLElement {
  if (!row.writable) return make('span', { class: 'value' }, row.value);
  const edit = make(
    'button',
    {
      type: 'button',
      class: 'value',
      title: 'Edit: a validated VMWRITE',
      'aria-label': `${row.name}: ${row.value}. Edit`,
    },
    row.value,
  );
  edit.addEventListener('click', () => startEdit(area, row, edit));
  return edit;
}

function startEdit(area: VmcsAreaView, row: VmcsFieldView, shownAs: HTMLElement): void {
  const input = make('input', { type: 'text', 'aria-label': `New value of ${row.name}`, spellcheck: 'false' });
  input.value = row.value.replace(/ \(.*/s, '');
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      input.replaceWith(shownAs);
      complain('');
    }
    if (event.key !== 'Enter') return;
    const body = { area: area.id, name: row.name, value: input.value };
    request('ringside/setVmcsField', body).then(() => complain(''), complainOf);
  });
  shownAs.replaceWith(input);
  input.select();
}

function remember(): void {
  remembered = new Map(shown?.areas.flatMap((area) => area.fields.map((row) => [row.name, row.value] as const)) ?? []);
  say('These values are remembered: the last column shows what differs from them.');
  draw();
}

const wantedFields = (): VmcsFieldView[] => shown?.areas.flatMap((area) => area.fields.filter(isWanted)) ?? [];
const asText = (): string =>
  wantedFields()
    .map((row) => `${row.name} = ${row.value}\n`)
    .join('');

function asCode(): string {
  return wantedFields()
    .filter((row) => row.writable)
    .map((row) => {
      const value = row.value.replace(/ \(.*/s, '');
      return `        mov     rax, ${value}\n        mov     edx, ${row.name}\n        vmwrite rdx, rax\n`;
    })
    .join('');
}

function copy(text: string): void {
  action('copy', text).then(() => say('Copied.'), complainOf);
}
