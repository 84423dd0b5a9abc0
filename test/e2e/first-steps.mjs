// What a newcomer does: grades labs in the Testing view, opens the walkthrough, begins a project, presses F5 in a lone source.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  breakpointAt,
  debuggerStops,
  eventually,
  openFile,
  palette,
  picture,
  stackRow,
  terminalText,
  topFrame,
} from './window.mjs';

const LAB = '03-handle-cpuid';

const testRow = (page, name) => page.locator('.test-explorer .monaco-list-row', { hasText: name }).first();

async function openTests(page) {
  await palette(page, 'Testing: Focus on Test Explorer View');
  await testRow(page, LAB).waitFor();
}

/** An action of a test's row, by the beginning of its name. */
async function runTest(page, name, action = 'Run Test') {
  const row = testRow(page, name);
  await row.hover();
  await row.locator(`.action-label[aria-label^="${action}"]`).first().click();
}

/** Waits until a test's icon says this: `passed`, `failed`. */
const testIs = (page, name, state) => testRow(page, name).locator(`.codicon-testing-${state}-icon`).waitFor();

/** A lab that is not complete fails at its line; with its solution in place it passes. */
async function gradeLab({ page, samples }) {
  const lab = join(samples, 'labs', LAB, 'lab.asm');
  const given = readFileSync(lab, 'utf8');
  await openTests(page);
  await runTest(page, LAB);
  await testIs(page, LAB, 'failed');
  await openFile(page, `labs/${LAB}/lab.asm`, 48);
  await picture(page, 'testing');
  try {
    copyFileSync(join(samples, 'labs', 'solutions', `${LAB}.asm`), lab);
    await runTest(page, LAB);
    await testIs(page, LAB, 'passed');
  } finally {
    writeFileSync(lab, given);
  }
}

/** A test that is a label: it stands at its line, is covered, and can be stepped through from its first instruction. */
async function labelTests({ page, samples }) {
  const file = join(samples, 'sum.test.asm');
  writeFileSync(
    file,
    '        bits    64\nstart:  hlt\ntest_sum:\n        mov     eax, 2\n        add     eax, 3\n        ret     ; @assert rax == 5\n',
  );
  await openTests(page);
  const fileRow = testRow(page, 'sum.test.asm');
  await fileRow.and(page.locator('[aria-expanded="false"]')).waitFor();
  await fileRow.locator('.monaco-tl-twistie').click();
  await testRow(page, 'test_sum').waitFor();
  await runTest(page, 'test_sum');
  await testIs(page, 'test_sum', 'passed');
  await runTest(page, 'test_sum', 'Run Test with Coverage');
  await page.locator('.pane-header', { hasText: 'Test Coverage' }).waitFor();
  const line = await breakpointAt(page, samples, 'sum.test.asm', /mov +eax, 2/);
  await openTests(page);
  await runTest(page, 'test_sum', 'Debug Test');
  await debuggerStops(page);
  await topFrame(page, new RegExp(`^test_sum .*sum\\.test\\.asm.*\\b${line}\\b`));
}

/** Each step of the walkthrough shows its text; a button does what it says. */
async function walkthrough({ page }) {
  await palette(page, 'Ringside: First Steps');
  const steps = page.locator('.gettingStartedContainer .getting-started-step');
  await steps.first().waitFor();
  const titles = await page.locator('.gettingStartedContainer .step-title').allInnerTexts();
  assert.deepEqual(
    titles.map((title) => title.trim()),
    [
      'Open the first lab',
      'Press F5',
      'Read a VM exit',
      'Set a breakpoint on a reason',
      'Find three faults',
      'Your own hypervisor',
    ],
  );
  await page.locator('.gettingStartedContainer .step-title', { hasText: 'Press F5' }).click();
  await page.locator('.gettingStartedContainer .monaco-button', { hasText: 'Debug the File' }).first().waitFor();
  await picture(page, 'walkthrough');
  await page.locator('.gettingStartedContainer .step-title', { hasText: 'Open the first lab' }).click();
  await page
    .locator('.gettingStartedContainer .monaco-button', { hasText: /^Open the First Lab$/ })
    .first()
    .click();
  await page.locator('.tab', { hasText: 'lab.asm' }).waitFor();
  await palette(page, 'Ringside: Debug the Sample');
  await debuggerStops(page);
  await topFrame(page, /^host_entry .*hello-vmx\.asm/);
}

const quickInput = (page) => page.locator('.quick-input-widget input').and(page.locator(':visible')).first();

/** Answers a question of the quick input, once it asks it. */
async function answer(page, title, text) {
  await page.locator('.quick-input-widget', { hasText: title }).waitFor();
  const input = quickInput(page);
  await input.fill(text);
  await page.keyboard.press('Enter');
}

/** Ends the session of another folder, and waits until the samples are there again. */
export async function comeBack(page, url) {
  await page.keyboard.press('Shift+F5');
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  await page.locator('.monaco-workbench').waitFor();
  await openFile(page, 'hello-vmx/hello-vmx.asm');
}

/** Goes through the questions of a new project, and opens its folder. */
export async function makeProject({ page, samples }, language, name) {
  const parent = join(dirname(samples), 'projects');
  mkdirSync(parent, { recursive: true });
  rmSync(join(parent, name), { recursive: true, force: true });
  await palette(page, 'Ringside: New Hypervisor Project');
  await answer(page, 'language', language);
  await answer(page, 'name', name);
  await page.locator('.quick-input-widget', { hasText: 'where' }).waitFor();
  await eventually(async () => {
    const input = quickInput(page);
    await input.fill(`${parent}/`);
    await page
      .locator('.quick-input-widget .monaco-button', { hasText: 'Create Project Here' })
      .click({ timeout: 3000 });
    await page.locator('.notification-toast', { hasText: 'is ready' }).waitFor({ timeout: 5000 });
    return true;
  });
  await page.locator('.notification-toast .monaco-button', { hasText: /^Open$/ }).click();
  return join(parent, name);
}

/** A new project in assembly opens, and F5 runs it to its first VM exit. */
async function newProject(window) {
  const { page } = window;
  const before = page.url();
  await makeProject(window, 'Assembly', 'first');
  try {
    await page.locator('.tab.active', { hasText: 'hypervisor.asm' }).waitFor();
    await page.keyboard.press('F5');
    await debuggerStops(page);
    await topFrame(page, /^host_entry .*hypervisor\.asm/);
    await stackRow(page, 'VM exit 1: CPUID').waitFor();
    await picture(page, 'new-project');
    await page.keyboard.press('Shift+F5');
    await page.locator('.debug-toolbar, .codicon-debug-stop').first().waitFor({ state: 'hidden' });
    await palette(page, 'Tasks: Run Test Task');
    await terminalText(page, '# 3 passed, 0 failed');
  } finally {
    await comeBack(page, before);
  }
}

/** F5 in a source that no launch configuration names. */
async function loneFile({ page, samples }) {
  const folder = join(dirname(samples), 'lone');
  mkdirSync(folder);
  writeFileSync(join(folder, 'lone.asm'), '        bits    64\nstart:  mov     eax, 1\n        int3\n        hlt\n');
  const before = page.url();
  await page.goto(before.replace(/folder=.*$/, `folder=${encodeURIComponent(folder)}`), {
    waitUntil: 'domcontentloaded',
  });
  try {
    await page.locator('.monaco-workbench').waitFor();
    await palette(page, 'View: Show Run and Debug');
    for (const text of ['New Hypervisor Project', 'Open the First Lab', 'First Steps'])
      await page.locator('.welcome-view .monaco-button', { hasText: text }).waitFor();
    await openFile(page, 'lone.asm');
    await page.keyboard.press('F5');
    await debuggerStops(page);
    // INT3 without an interrupt table is a triple fault.
    await topFrame(page, /^start\+0x5 .*lone\.asm.*\b3\b/);
  } finally {
    await comeBack(page, before);
  }
}

export const tests = {
  'first steps: the Testing view grades a lab': gradeLab,
  'first steps: a label is a test that can be run and debugged': labelTests,
  'first steps: the walkthrough opens the first lab': walkthrough,
  'first steps: F5 in a lone source': loneFile,
  'first steps: a new project runs': newProject,
};
