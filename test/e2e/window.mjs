// A real VS Code window in headless Chromium, with Ringside's .vsix installed, on a copy of the samples.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT, which } from '../../scripts/lib/run.mjs';
import { ensureVsCodeHost } from '../../scripts/lib/setup.mjs';
import { startVsCodeServer } from '../../scripts/lib/vscode-server.mjs';

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
export const FAILURES = join(ROOT, 'build', 'e2e');
const TIMEOUT = Number(process.env.RINGSIDE_E2E_TIMEOUT ?? 60_000);
const PICTURES = join(ROOT, 'docs', 'pictures');

/** Opens the window; `close()` ends browser and server and removes every temporary file. */
export async function openWindow({ settings } = {}) {
  const host = await ensureVsCodeHost();
  if (typeof host === 'string') throw new Error(host);
  const folder = mkdtempSync(join(tmpdir(), 'rs-'));
  const samples = join(folder, 'samples');
  cpSync(join(ROOT, 'samples'), samples, { recursive: true });
  // A text that opens by itself would come between a test and its editor.
  rmSync(join(samples, '.vscode', 'settings.json'));
  const server = await startVsCodeServer({
    host,
    folder,
    vsix: join(ROOT, 'ringside.vsix'),
    settings: {
      ...settings,
      'workbench.reduceMotion': 'on',
      'window.confirmBeforeClose': 'never',
      'editor.accessibilitySupport': 'off',
      'terminal.integrated.persistentSessionReviveProcess': 'never',
      'workbench.tree.enableStickyScroll': false,
      'remote.autoForwardPorts': false,
      // Text in the document rather than on a canvas.
      'terminal.integrated.gpuAcceleration': 'off',
    },
  });
  const { browser, ...window } = await openPage(
    `http://localhost:${server.port}/?folder=${encodeURIComponent(samples)}`,
  );
  return {
    ...window,
    samples,
    async close() {
      await browser.close();
      await server.stop();
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A browser with VS Code in it, once its window is there. */
export async function openPage(address) {
  const browser = await chromium.launch({
    executablePath: which('chromium') ?? which('chromium-browser') ?? which('google-chrome'),
    args: CHROMIUM_FLAGS,
  });
  const page = await browser.newPage({
    viewport: { width: 1440, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  page.setDefaultTimeout(TIMEOUT);
  const messages = [];
  page.on('console', (message) => messages.push(`${message.type()} ${message.text()}`));
  page.on('pageerror', (error) => messages.push(`error ${error}`));
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  await page.locator('.monaco-workbench').waitFor();
  return {
    browser,
    page,
    /** Keeps a picture and the window's messages of a failure under build/e2e. */
    async keepFailure(name) {
      mkdirSync(FAILURES, { recursive: true });
      await page.screenshot({ path: join(FAILURES, `${name}.png`) }).catch(() => {});
      writeFileSync(join(FAILURES, `${name}.log`), messages.join('\n'));
    },
  };
}

/** Gives the Variables view room: a wider side bar, and no Watch view. */
export async function makeRoom(page) {
  const bar = await page.locator('.part.sidebar').boundingBox();
  await page.mouse.move(bar.x + bar.width, bar.y + 300);
  await page.mouse.down();
  await page.mouse.move(500, bar.y + 300, { steps: 5 });
  await page.mouse.up();
  const watch = page.locator('.pane-header[aria-label^="Watch"]');
  await watch.and(page.locator('[aria-expanded="true"]')).click();
  const header = await watch.boundingBox();
  await page.mouse.move(header.x + 100, header.y);
  await page.mouse.down();
  await page.mouse.move(header.x + 100, header.y + 170, { steps: 5 });
  await page.mouse.up();
}

/** Chooses the first row with a text in quick open. Rows come late while VS Code starts, so it asks again. */
async function quickOpen(page, query, text) {
  const input = page.locator('.quick-input-widget input.input, .quick-input-widget .quick-input-box input').first();
  const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: text }).first();
  await eventually(async () => {
    if (await input.isVisible()) await page.keyboard.press('Escape');
    await page.keyboard.press(query.startsWith('>') ? 'F1' : 'Control+P');
    await input.waitFor({ state: 'visible', timeout: 5000 });
    await input.fill(query, { timeout: 5000 });
    await row.waitFor({ timeout: 5000 });
    await row.click({ timeout: 5000 });
    return true;
  });
}

/** Runs a command by its title in the palette. */
export const palette = (page, title) => quickOpen(page, `>${title}`, title);

/** Opens a file of the workspace by name through quick open, at a line. */
export async function openFile(page, name, line) {
  const short = name.split('/').pop();
  await quickOpen(page, line === undefined ? name : `${name}:${line}`, short);
  await page.locator('.tab.active', { hasText: short }).waitFor();
  if (line !== undefined) await page.locator('.statusbar-item', { hasText: `Ln ${line},` }).waitFor();
}

/** Debug views as a person sees them. */
export const stack = (page) => page.locator('.debug-call-stack');
export const variables = (page) => page.locator('.debug-variables');
export const stackRow = (page, text) => stack(page).locator('.monaco-list-row', { hasText: text }).first();
export const variableRow = (page, name) =>
  variables(page)
    .locator('.monaco-list-row')
    .filter({ has: page.locator('.name, .scope', { hasText: new RegExp(`^${name}( =|:)?\\s*$`) }) })
    .first();

/** Text of each visible row of a view. */
export async function rows(view) {
  const texts = await view.locator('.monaco-list-row').allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, ' ').trim());
}

/** Starts a launch configuration by the first words of its name. */
export async function startConfiguration(page, name) {
  await quickOpen(page, `debug ${name}`, name);
}

/** Waits until the session stands somewhere: its call stack has a frame, and VS Code takes steps, whose keys do nothing before. */
export async function debuggerStops(page) {
  await stack(page).locator('.monaco-list-row .stack-frame').first().waitFor();
  await page.locator('.action-label.codicon-debug-step-out:not(.disabled)').first().waitFor();
}

/** Waits until the frame that runs reads like this: name, file, line:column. */
export async function topFrame(page, pattern) {
  const row = stack(page).locator('.monaco-list-row[data-index="0"]');
  await eventually(async () => {
    // A list that is scrolled down does not have its first row.
    if ((await row.count()) === 0 && (await stack(page).locator('.monaco-list').count()) > 0) {
      await stack(page).locator('.monaco-list').first().hover({ timeout: 1000 });
      await page.mouse.wheel(0, -10_000);
    }
    const text = (await row.allInnerTexts()).join().replace(/\s+/g, ' ').trim();
    return pattern.test(text) ? true : `the top frame is "${text}", not ${pattern}`;
  });
}

/** Waits until the explanation of the stop, shown in the editor, has a text. VS Code shows it when a frame is chosen. */
export async function whyStopped(page, text) {
  const widget = page.locator('.exception-widget', { hasText: text }).first();
  const top = stack(page).locator('.monaco-list-row .stack-frame').first();
  await eventually(async () => {
    if (await widget.waitFor({ timeout: 3000 }).then(Boolean.bind(null, true), () => false)) return true;
    await top.click({ timeout: 1000 });
    // A row under the mouse shows its actions in place of its line.
    await page.mouse.move(700, 12);
    return `the explanation of the stop does not say "${text}"`;
  });
}

/** Types a line into the debug console. */
export async function inConsole(page, text) {
  await palette(page, 'Debug Console: Focus on Debug Console View');
  const input = page.locator('.repl-input-wrapper .monaco-editor').first();
  await input.click();
  await page.keyboard.type(text);
  await page.keyboard.press('Escape'); // closes completion
  await page.keyboard.press('Enter');
}

/** Continues with the button of the debug toolbar. */
export async function continueRun(page) {
  await page.locator('.action-label.codicon-debug-continue:not(.disabled)').first().click();
}

/** Ends the sessions that run, if any do, takes every breakpoint away and closes every terminal and editor; a browser alone has no command for terminals. */
export async function endSession({ page, noTerminals }) {
  const stop = page.locator('.codicon-debug-stop').first();
  await page.keyboard.press('Escape');
  await eventually(async () => {
    if (!(await stop.isVisible())) return true;
    await page.keyboard.press('Shift+F5');
    // With two sessions it ends one. The key is for the session that is focused: when one ends in the moment of its stop, VS Code may
    // have focused it after its end.
    await stop.waitFor({ state: 'hidden', timeout: 10_000 }).catch(() => stop.click({ timeout: 1000 }));
    await stop.waitFor({ state: 'hidden', timeout: 5000 });
    return true;
  });
  const breakpoints = page.locator('.pane-header[aria-label^="Breakpoints"]');
  if (!(await breakpoints.isVisible())) await palette(page, 'View: Show Run and Debug');
  // Where nothing was ever debugged the view has no more than its welcome.
  await breakpoints.or(page.locator('.welcome-view .monaco-button').first()).first().waitFor();
  if (await breakpoints.isVisible()) {
    await breakpoints.hover();
    await page.locator('.pane-header .action-label[aria-label^="Remove All Breakpoints"]').click();
  }
  if (!noTerminals) await palette(page, 'Terminal: Kill All Terminals');
  await palette(page, 'View: Close All Editors');
}

/** Sets a breakpoint on the only line of a sample's source that matches, and answers its number. */
export async function breakpointAt(page, samples, file, pattern) {
  const lines = readFileSync(join(samples, file), 'utf8').split('\n');
  const line = lines.findIndex((text) => pattern.test(text)) + 1;
  if (line === 0) throw new Error(`no line of ${file} matches ${pattern}`);
  await openFile(page, file, line);
  await page.keyboard.press('F9');
  await page.locator('.editor-instance [class*="codicon-debug-breakpoint"]').first().waitFor();
  return line;
}

const filterRow = (page, label) => page.locator('.debug-breakpoints .monaco-list-row', { hasText: label }).first();

/** Turns a filter of the Breakpoints view on or off. */
export async function toggleFilter(page, label, on) {
  const box = filterRow(page, label).getByRole('checkbox');
  await box.waitFor();
  if ((await box.getAttribute('aria-checked')) !== String(on)) await box.click();
}

/** Gives a filter of the Breakpoints view a condition. */
export async function filterCondition(page, label, condition) {
  const input = page.locator('.debug-breakpoints .inputBoxContainer input');
  // A menu that just opened takes no click yet.
  await eventually(async () => {
    await page.keyboard.press('Escape');
    await filterRow(page, label).click({ button: 'right', timeout: 5000 });
    await page.locator('.context-view .action-label', { hasText: 'Edit Condition' }).first().click({ timeout: 5000 });
    const shown = await input.waitFor({ timeout: 3000 }).then(
      () => true,
      () => false,
    );
    return shown ? true : 'the condition cannot be edited';
  });
  await input.fill(condition);
  await page.keyboard.press('Enter');
  await filterRow(page, condition).waitFor();
}

/** Waits until a terminal has shown a text. */
export async function terminalText(page, text) {
  await page.locator('.xterm-rows', { hasText: text }).first().waitFor();
}

/** Scrolls a row of a view into sight: views keep only the visible ones. */
async function showRow(page, view, row, name) {
  const list = view.locator('.monaco-scrollable-element').first();
  await view.locator('.monaco-list-row').first().waitFor();
  const sights = 40;
  await eventually(async () => {
    await list.hover({ timeout: 1000 });
    const { height } = await list.boundingBox();
    for (let sight = 0; sight < sights; sight++) {
      if (await row.isVisible()) return true;
      await page.mouse.wheel(0, sight < 10 ? -2000 : height - 66);
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    }
    return `there is no row "${name}": ${(await rows(view)).join(' | ')}`;
  });
  return row;
}

const showVariable = (page, name) => showRow(page, variables(page), variableRow(page, name), name);

/** Waits until the call stack has a row with a text, and scrolls it into sight. */
export const hasFrame = (page, text) => showRow(page, stack(page), stackRow(page, text), text);

/** Waits until the Breakpoints view has a row with a text, and scrolls it into sight. */
export const hasBreakpoint = (page, text) => {
  const view = page.locator('.debug-breakpoints');
  return showRow(page, view, view.locator('.monaco-list-row', { hasText: text }).first(), text);
};

/** Chooses from the context menu of an element; `isDone` answers whether that did what it should. A menu that just opened takes no click yet. */
export const chooseFromMenu = (page, element, item, isDone) =>
  eventually(async () => {
    const entry = page.locator('.context-view .action-label', { hasText: item }).first();
    if (!(await entry.isVisible())) await element.click({ button: 'right', timeout: 5000 });
    await entry.click({ timeout: 5000 });
    await entry.waitFor({ state: 'hidden', timeout: 1000 });
    return (await isDone()) || `"${item}" of the menu did nothing`;
  });

/** Text of a row of the Variables view. */
export async function rowValue(page, name) {
  const row = await showVariable(page, name);
  return (await row.allInnerTexts()).join().replace(/\s+/g, ' ');
}

/** Waits until a row of the Variables view reads as it should. */
export const valueShown = (page, name, pattern) =>
  eventually(async () => {
    const text = await rowValue(page, name);
    return pattern.test(text) ? true : `the variable reads "${text}", not ${pattern}`;
  });

async function setExpanded(page, name, expanded) {
  const row = await showVariable(page, name);
  if ((await row.getAttribute('aria-expanded')) === String(expanded)) return;
  await row.locator('.monaco-tl-twistie').click();
  await row.and(page.locator(`[aria-expanded="${expanded}"]`)).waitFor();
}

/** Expands or collapses a scope or variable of the Variables view. */
export const expand = (page, name) => setExpanded(page, name, true);
export const collapse = (page, name) => setExpanded(page, name, false);

/** Tries until the answer is true; the last other answer says what is wrong. */
export async function eventually(attempt, milliseconds = TIMEOUT) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const answer = await attempt().catch((error) => String(error));
    if (answer === true) return;
    if (Date.now() > end) throw new Error(String(answer));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Takes a picture for the documentation when RINGSIDE_PICTURES is set; a test run alone leaves the tree as it was. */
export async function picture(page, name) {
  if (!process.env.RINGSIDE_PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** Beside those, one under build/e2e of each view in each theme, to be looked at. */
export async function themePicture(page, name) {
  if (!process.env.RINGSIDE_PICTURES) return;
  mkdirSync(FAILURES, { recursive: true });
  await page.screenshot({ path: join(FAILURES, `${name.replace(/\W+/g, '-')}.png`) });
}
