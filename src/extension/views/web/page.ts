// What the pages of all views share: messages to the extension, elements, and the states of a session.

import type { SessionState } from '../session-state.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const api = acquireVsCodeApi();
const waiting = new Map<number, { resolve: (body: unknown) => void; reject: (error: Error) => void }>();
let nextId = 1;

function send(kind: 'request' | 'action', name: string, body: unknown): Promise<unknown> {
  const id = nextId++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    api.postMessage({ kind, id, name, body });
  });
}

type Answerer = (name: string, body: object) => Promise<unknown>;
let answerer: Answerer = (name, body) => send('request', name, body);

/** Requests go to `instead` from now on, not to the debug adapter. */
export function answerWith(instead: Answerer): void {
  answerer = instead;
}

/** Asks the debug adapter. */
export const request = <T>(name: string, body: object = {}): Promise<T> => answerer(name, body) as Promise<T>;
/** Asks the extension. */
export const action = (name: string, body: unknown): Promise<unknown> => send('action', name, body);
export const savedState = <T>(): T | undefined => api.getState() as T | undefined;
export const saveState = (state: unknown): void => api.setState(state);

/** Calls back with the session's state, now and whenever it changes. */
export function onState(listener: (state: SessionState, session: string) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent) => {
    if (data.kind === 'state') return listener(data.state, data.session);
    if (data.kind !== 'answer') return;
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) asked?.resolve(data.body);
    else asked?.reject(new Error(data.error));
  });
  api.postMessage({ kind: 'ready', id: 0, name: '', body: undefined });
}

/** Calls back with what the page is asked to show. */
export function onShow(listener: (text: string) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent) => {
    if (data.kind === 'show') listener(data.text);
  });
}

type Child = Node | string | undefined;

/** An element with attributes (a function is an event listener) and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | boolean | undefined | ((event: Event) => void)>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (typeof value === 'string') element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export const view = document.getElementById('view') as HTMLElement;
const status = make('p', { id: 'status', role: 'status' });
const alertBox = make('p', { id: 'alert', role: 'alert' });
const content = make('div', { id: 'content' });

/** Lays out a page: its tools, a line for messages, and the content, which is answered. */
export function layOut(title: string, ...tools: Child[]): HTMLElement {
  view.append(
    make('h1', {}, title),
    make('div', { class: 'tools', role: 'toolbar', 'aria-label': `${title}: tools` }, ...tools),
    status,
    alertBox,
    content,
  );
  return content;
}

/** A state or a result in words; empty for none. */
export function say(text: string): void {
  if (status.textContent !== text) status.textContent = text;
}

/** An error in words; empty takes it away. */
export function complain(text: string): void {
  alertBox.textContent = text;
}

export const complainOf = (error: unknown): void => complain(error instanceof Error ? error.message : String(error));

export const STATE_TEXTS: Readonly<Record<SessionState, string>> = {
  none: 'No session is running. Press F5 on a program to start one.',
  running: 'The machine is running. What is shown is from the last stop.',
  stopped: '',
};

/** A labelled text field that calls back as it is typed in. */
export function field(label: string, placeholder: string, changed: (text: string) => void): HTMLLabelElement {
  const input = make('input', { type: 'text', placeholder, spellcheck: 'false' });
  input.addEventListener('input', () => changed(input.value));
  return make('label', {}, `${label} `, input);
}

export const button = (label: string, pressed: () => void, title?: string): HTMLButtonElement =>
  make('button', { type: 'button', click: pressed, title }, label);

export function checkbox(label: string, changed: (checked: boolean) => void): HTMLLabelElement {
  const input = make('input', { type: 'checkbox' });
  input.addEventListener('change', () => changed(input.checked));
  return make('label', {}, input, ` ${label}`);
}
