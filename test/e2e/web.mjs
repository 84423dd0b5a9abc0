// VS Code for the Web as `npm run web` serves it, with what the .vsix has in it and no folder: a student's first minute.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import vsce from '@vscode/vsce';
import { ROOT } from '../../scripts/lib/run.mjs';
import { freePort } from '../../scripts/lib/vscode-server.mjs';
import { ensureWebHost, startWebServer, webAddress } from '../../scripts/lib/web-server.mjs';
import { runTests } from './run.mjs';
import { debuggerStops, eventually, hasFrame, openPage, palette, topFrame } from './window.mjs';

const solution = (lab) => readFileSync(join(ROOT, 'samples', 'labs', 'solutions', `${lab}.asm`), 'utf8');

/** The files that the .vsix has, in a folder. */
async function packaged() {
  const folder = mkdtempSync(join(tmpdir(), 'rs-'));
  for (const file of await vsce.listFiles({ cwd: ROOT, packageManager: vsce.PackageManager.None }))
    cpSync(join(ROOT, file), join(folder, file));
  return folder;
}

/** A window without a folder. */
async function openWebWindow() {
  const problem = await ensureWebHost();
  if (problem !== undefined) throw new Error(problem);
  const extension = await packaged();
  const port = await freePort();
  const server = await startWebServer({ extension, port });
  const { browser, ...window } = await openPage(webAddress(port));
  return {
    ...window,
    noTerminals: true,
    async close() {
      await browser.close();
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await gone;
      rmSync(extension, { recursive: true, force: true });
    },
  };
}

const testRow = (page, name) => page.locator('.test-explorer .monaco-list-row', { hasText: name }).first();

async function grade(page, lab, verdict) {
  await palette(page, 'Testing: Focus on Test Explorer View');
  const row = testRow(page, lab);
  await row.hover();
  await row.locator('.action-label[aria-label^="Run Test"]').first().click();
  await row.locator(`.codicon-testing-${verdict}-icon`).waitFor();
}

/** Puts a text in place of the editor's. Typing would be indented and completed; a paste is not. */
async function replaceText(page, text) {
  await page.locator('.editor-instance .view-lines').first().click();
  await page.keyboard.press('Control+A');
  await page.evaluate((pasted) => {
    const data = new DataTransfer();
    data.setData('text/plain', pasted);
    document.activeElement.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
    );
  }, text);
  // A paste takes a moment; then the cursor is behind the text.
  await page.locator('.statusbar-item', { hasText: `Ln ${text.split('\n').length}, Col 1` }).waitFor();
}

/** From the walkthrough to a lab that is right: no folder, nothing saved, nothing installed. */
async function firstLab({ page }) {
  await palette(page, 'Ringside: First Steps');
  const button = (text) => page.locator('.gettingStartedContainer .monaco-button', { hasText: text }).first();
  await button(/^Open the First Lab$/).click();
  await page.locator('.tab.active', { hasText: 'lab.asm' }).waitFor();
  await page.locator('.tab', { hasText: 'README.md' }).waitFor();
  await grade(page, '01-enter-vmx-operation', 'failed');
  const labs = await page.locator('.test-explorer .monaco-list-row').count();
  assert.equal(labs, 10);
  await replaceText(page, solution('01-enter-vmx-operation'));
  await grade(page, '01-enter-vmx-operation', 'passed');
}

/** F5 in a lab: the file in the editor, with its sources on both sides and breakpoints in it. */
async function debugLab({ page }) {
  await palette(page, 'Ringside: Open a Lab');
  await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Lab 2' }).first().click();
  await page.locator('.breadcrumbs-control', { hasText: '02-first-vm-entry' }).waitFor();
  await replaceText(page, solution('02-first-vm-entry'));
  await page.keyboard.press('F5');
  await debuggerStops(page);
  await hasFrame(page, 'VM exit 1');
  await topFrame(page, /lab\.asm/);
  await page.keyboard.press('F5');
  await page.locator('.codicon-debug-stop').first().waitFor({ state: 'hidden' });
}

/** A project is made where it can be: F5 runs it, its tests pass. */
async function newProject({ page }) {
  // A second attempt finds the first one's.
  const name = `mine${Date.now() % 1000}`;
  await palette(page, 'Ringside: New Hypervisor Project');
  const input = page.locator('.quick-input-widget', { hasText: 'name' }).locator('input').and(page.locator(':visible'));
  await input.first().fill(name);
  await page.keyboard.press('Enter');
  await page.locator('.tab.active', { hasText: 'hypervisor.asm' }).waitFor();
  await page.keyboard.press('F5');
  await debuggerStops(page);
  await topFrame(page, /^host_entry .*hypervisor\.asm/);
  await page.keyboard.press('Shift+F5');
  await palette(page, 'Test: Refresh Tests');
  await eventually(async () => {
    await palette(page, 'Testing: Focus on Test Explorer View');
    await testRow(page, `${name}/test.asm`).and(page.locator('[aria-expanded]')).waitFor({ timeout: 3000 });
    return true;
  });
  await grade(page, `${name}/test.asm`, 'passed');
}

await runTests(
  'VS Code for the Web',
  {
    'web: a newcomer solves the first lab': firstLab,
    'web: F5 in a lab': debugLab,
    'web: a new project': newProject,
  },
  undefined,
  openWebWindow,
);
