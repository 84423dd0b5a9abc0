// The address translation view: an address, and the way that the processor goes to memory as a diagram.

import type { Space } from '../../../debugger/views/address-space.ts';
import type { EntryBox, TranslationStage, TranslationView } from '../../../debugger/views/translation.ts';
import { drawMap } from './address-map.ts';
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

let asked = savedState<string>() ?? 'rip execute';
const input = make('input', { type: 'text', spellcheck: 'false', placeholder: 'rip, ds:rsi write user, gva:…, gpa:…' });
input.value = asked;

const content = layOut(
  'Address translation',
  make('label', {}, 'Address ', input),
  button('Translate', () => walk(input.value)),
  button('Guest RIP', () => choose('guest.rip execute')),
  button('Faulting address', () => choose('gpa:exit.guest_physical')),
);
const way = make('div', { id: 'way' });
const map = make('div', { id: 'map' });
content.append(
  way,
  make('h2', {}, 'Map of an address space'),
  make(
    'div',
    { class: 'tools', role: 'toolbar', 'aria-label': 'Address spaces' },
    ...(
      [
        ['running', 'What runs'],
        ['guest', 'Guest paging'],
        ['ept', 'EPT'],
        ['host', 'Host paging'],
      ] as const
    ).map(([space, label]) => button(label, () => showMap(space), `Map: ${label}`)),
  ),
  map,
);
input.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') walk(input.value);
});

let stopped = false;
onState((state) => {
  stopped = state === 'stopped';
  say(STATE_TEXTS[state]);
  complain('');
  document.body.classList.toggle('stale', !stopped);
  if (!stopped) return;
  walk(asked);
  if (mapped !== undefined) showMap(mapped);
});
onShow(choose);

/** The map that is shown; undefined: none is. */
let mapped: Space | undefined;
function showMap(space: Space): void {
  mapped = space;
  map.replaceChildren();
  drawMap(map, space, choose).then(
    () => complain(''),
    (error: unknown) => {
      mapped = undefined;
      complainOf(error);
    },
  );
}

function choose(address: string): void {
  input.value = address;
  walk(address);
}

function walk(address: string): void {
  asked = address;
  saveState(asked);
  if (!stopped) return;
  request<TranslationView>('ringside/translate', { address }).then(
    (answer) => {
      complain('');
      draw(answer);
    },
    (error: unknown) => {
      way.replaceChildren();
      complainOf(error);
    },
  );
}

function draw(answer: TranslationView): void {
  const memory = answer.memory;
  const end =
    answer.stop === null
      ? undefined
      : make('p', { class: 'failure', 'data-stop': true }, `The translation ends: ${answer.stop}`);
  way.replaceChildren(
    make('ol', { class: 'stages' }, ...answer.stages.map(stage)),
    ...(end === undefined ? [] : [end]),
    ...(memory === null ? [] : [button('Open memory', () => void action('memory', memory).catch(complainOf))]),
  );
}

function stage(part: TranslationStage): HTMLElement {
  const boxes = part.boxes.map((box) => make('li', {}, entry(box)));
  return make(
    'li',
    { class: 'stage' },
    make('h2', {}, part.title),
    part.root === '' ? undefined : make('p', { class: 'root' }, part.root),
    make('ol', { class: 'boxes' }, ...boxes),
    part.result === null
      ? undefined
      : make('p', { class: 'result' }, `${part.result.kind} `, make('strong', {}, part.result.address)),
  );
}

function entry(box: EntryBox): HTMLElement {
  const failed = box.stop !== null || box.ept.some((nested) => nested.stop !== null);
  const nested =
    box.ept.length === 0
      ? undefined
      : make(
          'details',
          { open: box.ept.some((step) => step.stop !== null) },
          make('summary', {}, 'EPT walk to this entry'),
          make('ol', { class: 'boxes' }, ...box.ept.map((step) => make('li', {}, entry(step)))),
        );
  return make(
    'div',
    { class: failed ? 'box failed' : 'box', 'data-entry': box.name },
    make('h3', {}, box.name),
    make('p', { class: 'address' }, `at ${box.address}`),
    make('p', { class: 'raw' }, box.raw),
    make('p', { class: 'bitnames' }, box.bits),
    box.stop === null ? undefined : make('p', { class: 'failure' }, box.stop),
    nested,
  );
}
