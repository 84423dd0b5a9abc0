// How long the extension takes to activate, as VS Code itself measures it.
import { say } from '../../scripts/lib/run.mjs';
import { eventually, openFile, palette } from './window.mjs';

/** VS Code's list of running extensions has the time; it is told, not judged: a machine that is busy is slow. */
async function activation({ page }) {
  await openFile(page, 'hello-vmx/hello-vmx.asm');
  await palette(page, 'Developer: Show Running Extensions');
  const row = page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'ringside' }).first();
  await eventually(async () => {
    // The slowest come first, and a list has only the rows that are in sight.
    if (!(await row.isVisible())) {
      await page.locator('.runtime-extensions-editor').first().hover({ timeout: 1000 });
      await page.mouse.wheel(0, 300);
      return 'Ringside is not in the list';
    }
    const text = await row.innerText({ timeout: 1000 });
    const time = /Activation: (?:\w+ )?(\d+)\s?ms/i.exec(text)?.[1];
    if (time === undefined) return `the row reads "${text}"`;
    say(`        activated in ${time} ms`);
    return true;
  });
  await page.keyboard.press('Escape');
  await page.locator('.runtime-extensions-editor').waitFor({ state: 'hidden' });
}

export const tests = { 'activation is measured': activation };
