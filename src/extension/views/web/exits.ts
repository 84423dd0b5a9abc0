// The VM exits view: the run as a picture, a table of any length, and bars by reason; live while the machine runs.

import type { CsvAnswer, ExitsAnswer } from '../../../debugger/views/exit-answers.ts';
import type { ExitPicture, ReasonBar } from '../../../debugger/views/exits.ts';
import { drawTimeline, partAt, type Picture } from './timeline-canvas.ts';
import { action, button, complain, complainOf, field, layOut, make, onState, request, say, view } from './page.ts';

const ROW_HEIGHT = 22;
const PAGE = 60;
/** A table of this many pixels scrolls well in every browser; a longer one is scrolled by shares. */
const TALLEST = 4_000_000;
const REFRESH = 500;

let filter = '';
let running = false;
/** There is nobody to ask any more. */
let isOver = false;
let session = '';
let answer: ExitsAnswer | undefined;
let firstRow = 0;
let chosen = 0;
/** The span that is shown; undefined: the whole run. */
let span: { from: number; to: number } | undefined;
let picture: Picture | undefined;

/** The exits are those of a file. */
const isFile = view.dataset.view === 'trace';

const content = layOut(
  isFile ? 'Saved VM exits' : 'VM exits',
  field('Filter', 'CPUID, HLT or exit.rip > 0x1000', setFilter),
  button('Zoom in', () => zoom(0.5, 0.5)),
  button('Zoom out', () => zoom(2, 0.5)),
  button('Whole run', () => showSpan(undefined)),
  ...(isFile
    ? []
    : [
        button('Go to exit', travel, 'Go back or forward in time to the chosen VM exit'),
        button('Save run', () => act('saveRun'), 'Save the VM exits of the run to a .vmtrace file'),
      ]),
  button('Export CSV', () => {
    exportCsv().then(() => complain(''), complainOf);
  }),
);
const progress = make('p', { id: 'progress', hidden: true });

const canvas = make('canvas', {
  id: 'timeline',
  tabindex: '0',
  role: 'img',
  'aria-label':
    'VM exits over instructions. Arrow keys move, plus and minus zoom, Enter chooses the exit in the middle.',
});
const hint = make('p', { id: 'hint' });
const legend = make('ul', { id: 'legend', 'aria-label': 'Colours of the exit reasons' });
const body = make('tbody');
const spacer = make('div', { class: 'spacer' });
const table = make(
  'table',
  { 'aria-label': 'VM exits' },
  make(
    'thead',
    {},
    make(
      'tr',
      {},
      ...['Exit', 'At instruction', 'Reason', 'Guest RIP', 'Qualification', 'Handler'].map((head) =>
        make('th', { scope: 'col' }, head),
      ),
    ),
  ),
  body,
);
const grid = make(
  'div',
  { id: 'grid', tabindex: '0', role: 'region', 'aria-label': 'Table of VM exits' },
  spacer,
  table,
);
const bars = make('div', { id: 'bars' });
content.append(progress, canvas, hint, legend, make('div', { class: 'columns' }, grid, bars));

onState((state, name) => {
  running = state === 'running';
  session = name;
  complain('');
  isOver = state === 'none' && !isFile;
  document.body.classList.toggle('stale', isOver);
  if (!isOver) return refreshSoon();
  const before = answer === undefined ? '' : ' What is shown is of the last one.';
  say(`No session is running.${before} Press F5 on a program to start one.`);
});
grid.addEventListener('scroll', () => {
  const row = rowOfScroll();
  if (row === firstRow) return;
  firstRow = row;
  refreshSoon();
});
new ResizeObserver(() => refreshSoon()).observe(canvas);

function setFilter(text: string): void {
  filter = text;
  firstRow = 0;
  grid.scrollTop = 0;
  refreshSoon();
}

const act = (name: string): void => {
  action(name, undefined).then(() => complain(''), complainOf);
};

/** A piece at a time, as the answers are bounded. */
async function exportCsv(): Promise<void> {
  const pieces: string[] = [];
  for (let start = 0; ; ) {
    const { csv, next, total, left } = await request<CsvAnswer>('ringside/exitsCsv', { filter, start });
    pieces.push(csv);
    start = next;
    if (start >= total && left === 0) break;
  }
  await action('save', pieces.join(''));
}

let pending = false;
let again = false;
/** One refresh at a time; what comes meanwhile is one more. */
function refreshSoon(): void {
  if (isOver) return;
  if (pending) {
    again = true;
    return;
  }
  pending = true;
  refresh()
    .then(() => complain(''), complainOf)
    .finally(() => {
      pending = false;
      if (again || (answer?.left ?? 0) > 0) {
        again = false;
        refreshSoon();
      } else if (running) {
        setTimeout(refreshSoon, REFRESH);
      }
    });
}

async function refresh(): Promise<void> {
  const parts = Math.max(1, Math.min(4096, Math.floor(canvas.clientWidth / 3)));
  const page = await request<ExitsAnswer>('ringside/exits', { filter, start: Math.max(0, firstRow - 5), count: PAGE });
  answer = page;
  drawProgress(page);
  const shown = span ?? { from: 0, to: page.time + 1 };
  const line = await request<ExitPicture>('ringside/exitPicture', { filter, ...shown, parts });
  if (isOver) return;
  say(summary(page));
  drawPicture(line);
  drawRows(page);
  drawBars(page.bars);
}

/** How far a filter is, with a way to stop it. */
function drawProgress({ left, logged }: ExitsAnswer): void {
  if (left === 0) {
    progress.hidden = true;
    return;
  }
  if (!progress.hidden && progress.firstChild !== null) {
    progress.firstChild.textContent = `Looked at ${number(logged - left)} of ${number(logged)} VM exits. `;
    return;
  }
  const stop = button('Stop filtering', () => {
    const input = view.querySelector<HTMLInputElement>('.tools input');
    if (input !== null) input.value = '';
    setFilter('');
  });
  progress.replaceChildren(`Looked at ${number(logged - left)} of ${number(logged)} VM exits. `, stop);
  progress.hidden = false;
}

function summary(page: ExitsAnswer): string {
  if (page.happened === 0) return `${session}: there was no VM exit yet${running ? '; the machine is running' : ''}.`;
  const left = page.logged < page.happened ? `; the last ${number(page.logged)} are kept` : '';
  const matching = page.matching === page.logged ? '' : `, ${number(page.matching)} pass the filter`;
  return `${session}: ${number(page.happened)} VM ${page.happened === 1 ? 'exit' : 'exits'} in ${number(page.time)} instructions${matching}${left}${running ? '; the machine is running' : ''}.`;
}

const number = (value: number): string => value.toLocaleString('en');

function drawPicture(line: ExitPicture): void {
  picture = drawTimeline(canvas, line, answer?.time ?? 0);
  hint.textContent = `Instructions ${number(line.from)} to ${number(line.to)}`;
  legend.replaceChildren(
    ...(line.entries.some((count) => count > 0) ? [make('li', {}, '▴ VM entry')] : []),
    ...picture.colours.map(({ title, colour }) => {
      const mark = make('span', { class: 'mark', 'aria-hidden': 'true' });
      mark.style.backgroundColor = colour;
      return make('li', {}, mark, title);
    }),
  );
}

const tableHeight = (): number => Math.min(TALLEST, ((answer?.matching ?? 0) + 1) * ROW_HEIGHT);

function rowOfScroll(): number {
  const total = answer?.matching ?? 0;
  const exact = total * ROW_HEIGHT <= TALLEST;
  const row = exact
    ? grid.scrollTop / ROW_HEIGHT
    : (grid.scrollTop / Math.max(1, tableHeight() - grid.clientHeight)) * total;
  return Math.max(0, Math.min(total - 1, Math.floor(row)));
}

function scrollToRow(row: number): void {
  const total = answer?.matching ?? 0;
  const exact = total * ROW_HEIGHT <= TALLEST;
  grid.scrollTop = exact ? row * ROW_HEIGHT : (row / Math.max(1, total)) * (tableHeight() - grid.clientHeight);
}

function drawRows(page: ExitsAnswer): void {
  spacer.style.height = `${tableHeight()}px`;
  table.style.top = `${grid.scrollTop}px`;
  table.setAttribute('aria-rowcount', String(page.matching));
  const visible = page.rows.slice(Math.min(5, firstRow));
  body.replaceChildren(
    ...visible.map((row) =>
      make(
        'tr',
        {
          class: row.number === chosen ? 'chosen' : '',
          'data-exit': String(row.number),
          click: () => {
            chosen = row.number;
            drawRows(page);
          },
          dblclick: isFile ? () => undefined : travel,
        },
        make('td', { class: 'number' }, number(row.number)),
        make('td', { class: 'number' }, number(row.time)),
        make('td', {}, row.title),
        make('td', {}, row.symbol === '' ? row.rip : `${row.rip} <${row.symbol}>`),
        make('td', {}, row.qualification),
        make('td', { class: 'number' }, row.spent === null ? '' : number(row.spent)),
      ),
    ),
  );
}

function drawBars(rows: readonly ReasonBar[]): void {
  const most = Math.max(1, ...rows.map((row) => row.count));
  bars.replaceChildren(
    make(
      'table',
      { 'aria-label': 'VM exits by reason' },
      make(
        'thead',
        {},
        make('tr', {}, ...['Reason', 'Exits', 'Mean handler'].map((head) => make('th', { scope: 'col' }, head))),
      ),
      make(
        'tbody',
        {},
        ...rows.map((row) => {
          const bar = make('span', { class: 'bar', 'aria-hidden': 'true' });
          bar.style.width = `${(row.count / most) * 100}%`;
          const mean = row.handled === 0 ? '' : number(Math.round(row.instructions / row.handled));
          return make(
            'tr',
            { 'data-reason': row.identifier },
            make('th', { scope: 'row' }, row.title, bar),
            make('td', { class: 'number' }, number(row.count)),
            make('td', { class: 'number' }, mean),
          );
        }),
      ),
    ),
  );
}

function showSpan(wanted: { from: number; to: number } | undefined): void {
  const end = (answer?.time ?? 0) + 1;
  if (wanted === undefined || wanted.to - wanted.from >= end) {
    span = undefined;
  } else {
    const length = Math.max(8, Math.round(wanted.to - wanted.from));
    const from = Math.max(0, Math.min(Math.round(wanted.from), end - length));
    span = { from, to: from + length };
  }
  refreshSoon();
}

/** @param at where the picture stays in place, 0 left to 1 right */
function zoom(factor: number, at: number): void {
  const { from, to } = span ?? { from: 0, to: (answer?.time ?? 0) + 1 };
  const middle = from + (to - from) * at;
  showSpan({ from: middle - (middle - from) * factor, to: middle + (to - middle) * factor });
}

function move(share: number): void {
  const { from, to } = span ?? { from: 0, to: (answer?.time ?? 0) + 1 };
  showSpan({ from: from + (to - from) * share, to: to + (to - from) * share });
}

/** Shows an exit in the table. Under a filter the row is found by halving: rows are in order. */
async function choose(exit: number): Promise<void> {
  let low = 0;
  let high = (answer?.matching ?? 1) - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const page = await request<ExitsAnswer>('ringside/exits', { filter, start: middle, count: 1, bars: false });
    if ((page.rows[0]?.number ?? 0) < exit) low = middle + 1;
    else high = middle;
  }
  chosen = exit;
  firstRow = low;
  scrollToRow(low);
  refreshSoon();
}

/** Time travel: the machine goes to where the chosen exit had just happened. */
function travel(): void {
  if (chosen === 0) {
    complain('Choose a VM exit first: click a row of the table, or a bar of the picture.');
    return;
  }
  request('ringside/jump', { exit: chosen }).then(() => complain(''), complainOf);
}

const share = (event: MouseEvent): number => event.offsetX / Math.max(1, canvas.clientWidth);

canvas.addEventListener('click', (event) => {
  const exit = picture === undefined ? 0 : partAt(picture, share(event));
  if (exit > 0) choose(exit).catch(complainOf);
});
canvas.addEventListener('wheel', (event) => {
  event.preventDefault();
  zoom(event.deltaY > 0 ? 1.25 : 0.8, share(event));
});
canvas.addEventListener('keydown', ({ key }) => {
  if (key === 'ArrowLeft') move(-0.2);
  if (key === 'ArrowRight') move(0.2);
  if (key === '+' || key === '=') zoom(0.5, 0.5);
  if (key === '-') zoom(2, 0.5);
  const exit = key === 'Enter' && picture !== undefined ? partAt(picture, 0.5) : 0;
  if (exit > 0) choose(exit).catch(complainOf);
});
