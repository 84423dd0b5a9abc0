// A new project in C: it is built, debugged and tested by the window alone, and says what is wrong with it.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { which } from '../../scripts/lib/run.mjs';
import { comeBack, makeProject } from './first-steps.mjs';
import { debuggerStops, hasFrame, palette, terminalText, topFrame } from './window.mjs';

async function projectInC(window) {
  const { page } = window;
  const before = page.url();
  const folder = await makeProject(window, 'C', 'second');
  try {
    await page.locator('.tab.active', { hasText: 'hypervisor.c' }).waitFor();
    await page.keyboard.press('F5');
    await debuggerStops(page);
    await topFrame(page, /^vcpu_exited.*vcpu\.S/);
    await hasFrame(page, 'run_guest');
    await hasFrame(page, 'VM exit 1: CPUID');
    await page.keyboard.press('Shift+F5');
    await page.locator('.codicon-debug-stop').first().waitFor({ state: 'hidden' });
    await palette(page, 'Tasks: Run Test Task');
    await terminalText(page, '# 3 passed, 0 failed');

    // What the compiler says stands in Problems, at its line.
    const guest = join(folder, 'guest.c');
    const good = readFileSync(guest, 'utf8');
    appendFileSync(guest, 'int wrong(void) { return undeclared; }\n');
    await page.keyboard.press('F5');
    await page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Show Errors' }).click();
    await page.locator('.markers-panel .monaco-list-row', { hasText: 'undeclared' }).first().waitFor();
    writeFileSync(guest, good);
  } finally {
    await comeBack(page, before);
  }
}

export const tests = which('gcc') && which('make') ? { 'first steps: a new project in C': projectInC } : {};
