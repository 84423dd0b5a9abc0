// The machine view: rings and sides as a picture, the last transition, and what a guest exits for.

import type { MachineView, ProcessorView } from '../../../debugger/views/machine.ts';
import {
  complain,
  complainOf,
  layOut,
  make,
  onState,
  request,
  savedState,
  saveState,
  say,
  STATE_TEXTS,
} from './page.ts';

type Facts = readonly { readonly name: string; readonly value: string }[];

/** Parts that are closed, by title. */
let closed = savedState<string[]>() ?? ['I/O APIC', '8259 interrupt controllers'];

const content = layOut('Machine');

onState((state, session) => {
  say(STATE_TEXTS[state]);
  complain('');
  document.body.classList.toggle('stale', state !== 'stopped');
  if (state === 'none') content.replaceChildren();
  if (state !== 'stopped') return;
  request<MachineView>('ringside/machine').then((machine) => {
    say(`${session}: ${machine.time.toLocaleString('en')} instructions.`);
    draw(machine);
  }, complainOf);
});

function draw(machine: MachineView): void {
  const { transition, intercepts } = machine;
  content.replaceChildren(
    ...machine.processors.map(processor),
    ...(transition === null
      ? []
      : [
          make('h2', {}, 'Last transition'),
          make(
            'p',
            { class: 'transition', 'data-transition': transition.kind },
            `${transition.kind} ${transition.number}, ${transition.why}: `,
            make('span', { class: 'end' }, transition.from),
            ' → ',
            make('span', { class: 'end' }, transition.to),
          ),
        ]),
    ...(intercepts.length === 0
      ? []
      : [
          make('h2', {}, 'What exits by bitmap'),
          make(
            'table',
            { 'aria-label': 'Intercepts' },
            make(
              'tbody',
              {},
              ...intercepts.map(({ name, ranges }) =>
                make(
                  'tr',
                  {},
                  make('th', { scope: 'row' }, name),
                  make('td', {}, ranges.length === 0 ? 'none' : ranges.join(', ')),
                ),
              ),
            ),
          ),
        ]),
    ...machine.controllers.map(({ name, facts }) => part(name, name, facts)),
  );
}

/** A list of facts that can be closed, and stays so. */
function part(id: string, title: string, facts: Facts): HTMLElement {
  const details = make(
    'details',
    { 'data-part': id, open: !closed.includes(id) },
    make('summary', {}, title),
    list(facts),
  );
  details.addEventListener('toggle', () => {
    closed = closed.filter((other) => other !== id);
    if (!details.open) closed.push(id);
    saveState(closed);
  });
  return details;
}

const list = (facts: Facts): HTMLElement =>
  make(
    'dl',
    {},
    ...facts.flatMap(({ name, value }) => [make('dt', {}, name), make('dd', { 'data-fact': name }, value)]),
  );

function processor(cpu: ProcessorView): HTMLElement {
  const facts = [{ name: 'Mode', value: cpu.mode }, { name: 'At', value: cpu.at }, ...cpu.facts];
  return make(
    'section',
    { 'data-processor': cpu.name },
    make('h2', {}, `${cpu.name}: ${cpu.operation}, ring ${cpu.ring}`),
    make(
      'div',
      { class: 'sides' },
      side('VMX root operation', 'ring −1, the host', cpu.operation !== 'VMX non-root operation', cpu),
      side('VMX non-root operation', 'the guest', cpu.operation === 'VMX non-root operation', cpu),
    ),
    list(facts),
    ...(cpu.virtualApic === null ? [] : [part(`${cpu.name} virtual APIC`, 'Virtual APIC', cpu.virtualApic)]),
    part(`${cpu.name} local APIC`, 'Local APIC', cpu.localApic),
  );
}

/** Rings 3 to 0 as nested frames; the one that the processor is in is marked, in words too. */
function side(title: string, note: string, runs: boolean, cpu: ProcessorView): HTMLElement {
  let rings: HTMLElement | undefined;
  for (let ring = 0; ring <= 3; ring++) {
    const here = runs && cpu.ring === ring;
    rings = make(
      'div',
      { class: here ? 'ring here' : 'ring' },
      make('span', { class: 'name' }, here ? `ring ${ring}: ${cpu.name} is here` : `ring ${ring}`),
      rings,
    );
  }
  const outside = cpu.operation === 'outside VMX operation' && runs;
  return make(
    'figure',
    { class: runs ? 'side runs' : 'side' },
    make('figcaption', {}, outside ? 'Outside VMX operation' : title, make('small', {}, outside ? '' : ` ${note}`)),
    rings,
  );
}
