// A real VS Code window in headless Chromium, with Ringside's .vsix installed, on a copy of the samples.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

/** Opens the window; `close()` ends browser and server and removes every temporary file. */
export async function openWindow() {
  const host = await ensureVsCodeHost();
  if (typeof host === 'string') throw new Error(host);
  const folder = mkdtempSync(join(tmpdir(), 'rs-'));
  const samples = join(folder, 'samples');
  cpSync(join(ROOT, 'samples'), samples, { recursive: true });
  const server = await startVsCodeServer({
    host,
    folder,
    vsix: join(ROOT, 'ringside.vsix'),
    settings: {
      'workbench.reduceMotion': 'on',
      'window.confirmBeforeClose': 'never',
      'editor.accessibilitySupport': 'off',
      'terminal.integrated.persistentSessionReviveProcess': 'never',
    },
  });
  const browser = await chromium.launch({
    executablePath: which('chromium') ?? which('chromium-browser') ?? which('google-chrome'),
    args: CHROMIUM_FLAGS,
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(30_000);
  const messages = [];
  page.on('console', (message) => messages.push(`${message.type()} ${message.text()}`));
  page.on('pageerror', (error) => messages.push(`error ${error}`));
  await page.goto(`http://localhost:${server.port}/?folder=${encodeURIComponent(samples)}`, {
    waitUntil: 'domcontentloaded',
  });
  await page.locator('.monaco-workbench').waitFor();
  return {
    page,
    samples,
    /** Keeps a picture and the window's messages of a failure under build/e2e. */
    async keepFailure(name) {
      mkdirSync(FAILURES, { recursive: true });
      await page.screenshot({ path: join(FAILURES, `${name}.png`) }).catch(() => {});
      writeFileSync(join(FAILURES, `${name}.log`), messages.join('\n'));
    },
    async close() {
      await browser.close();
      await server.stop();
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a command by its title in the palette. */
export async function palette(page, title) {
  const input = page.locator('.quick-input-widget input.input, .quick-input-widget .quick-input-box input').first();
  for (let tries = 0; tries < 5; tries++) {
    await page.keyboard.press('F1');
    const shown = await input.waitFor({ state: 'visible', timeout: 3000 }).then(
      () => true,
      () => false,
    );
    if (shown) break;
  }
  await input.fill(`>${title}`);
  const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: title }).first();
  await row.waitFor();
  await row.click();
}

/** Opens a file of the workspace by name through quick open. */
export async function openFile(page, name) {
  const input = page.locator('.quick-input-widget input.input, .quick-input-widget .quick-input-box input').first();
  await page.keyboard.press('Control+P');
  await input.waitFor({ state: 'visible' });
  await input.fill(name);
  const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: name.split('/').pop() }).first();
  await row.waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.tab.active', { hasText: name.split('/').pop() }).waitFor();
}

/** Debug views as a person sees them. */
export const stack = (page) => page.locator('.debug-call-stack');
export const variables = (page) => page.locator('.debug-variables');
export const stackRow = (page, text) => stack(page).locator('.monaco-list-row', { hasText: text }).first();
export const variableRow = (page, text) => variables(page).locator('.monaco-list-row', { hasText: text }).first();

/** Text of each visible row of a view. */
export async function rows(view) {
  const texts = await view.locator('.monaco-list-row').allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, ' ').trim());
}

/** Expands a scope or variable of the Variables view that is collapsed. */
export async function expand(page, text) {
  const row = variableRow(page, text);
  await row.waitFor();
  if ((await row.getAttribute('aria-expanded')) === 'false') await row.locator('.monaco-tl-twistie').click();
}
