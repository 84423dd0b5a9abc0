// A mistake in a source, from its mark to its repair.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, openFile, palette } from './window.mjs';

/** A name that is misspelled is in Problems, and the quick fix writes the one that is meant. */
async function quickFix({ page, samples }) {
  writeFileSync(join(samples, 'fix.asm'), '        bits    64\nbegin:  hlt\n        jmp     begni\n');
  await openFile(page, 'fix.asm', 3);
  await palette(page, 'Problems: Focus on Problems View');
  const problem = page.locator('.markers-panel .monaco-list-row', { hasText: 'begni' }).first();
  await problem.waitFor();
  await eventually(async () => {
    await problem.dblclick({ timeout: 5000 });
    await palette(page, 'Quick Fix');
    await page.locator('.action-widget', { hasText: 'begin' }).waitFor({ timeout: 5000 });
    await page.keyboard.press('Enter');
    return true;
  });
  await problem.waitFor({ state: 'detached' });
  await page
    .locator('.editor-instance .view-line', { hasText: /jmp\s+begin/ })
    .first()
    .waitFor();
  await page.keyboard.press('Control+S');
}

export const tests = { 'language: a quick fix': quickFix };
