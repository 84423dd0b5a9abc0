// The language server as a person meets it: hover, completion, diagnostics, inlay hints.
import { eventually, openFile, palette, picture } from './window.mjs';

const HELLO = 'hello-vmx/hello-vmx.asm';

/** Puts the cursor at a column of a line (both from 1). */
async function goTo(page, name, line, column) {
  await openFile(page, name, line);
  await page.keyboard.press('Home');
  await page.keyboard.press('Home');
  for (let i = 1; i < column; i++) await page.keyboard.press('ArrowRight');
}

/** What the hover at the cursor says. */
async function hoverText(page) {
  const widget = page.locator('.monaco-editor .monaco-hover:not(.hidden) .monaco-hover-content').first();
  for (let tries = 0; ; tries++) {
    await palette(page, 'Show or Focus Hover');
    const text = await widget.textContent({ timeout: 5000 }).catch(() => '');
    if (text || tries === 10) return text ?? '';
  }
}

/** Waits until the hover at the cursor has a text: first it says that it is loading. */
const hoverSays = (page, pattern) =>
  eventually(async () => {
    const text = await hoverText(page);
    return pattern.test(text) ? true : `the hover says "${text}", not ${pattern}`;
  });

/** CPUID exits unconditionally, and the hover says so. */
async function hovers({ page }) {
  await goTo(page, HELLO, 53, 10);
  await hoverSays(page, /Exits unconditionally[\s\S]*0F A2|0F A2[\s\S]*Exits unconditionally/);
  await picture(page, 'hover-instruction');
  await page.keyboard.press('Escape');
  await goTo(page, HELLO, 33, 25);
  await hoverSays(page, /basic exit reason|Exit reason/);
  await page.keyboard.press('Escape');
}

/** The lint knows the fault of broken-entry. */
async function diagnoses({ page }) {
  await openFile(page, 'broken-entry/broken-entry.asm');
  await palette(page, 'Problems: Focus on Problems View');
  await page
    .locator('.markers-panel .monaco-list-row', { hasText: 'without regard to its capability MSR' })
    .first()
    .waitFor();
  await picture(page, 'lint');
}

/** Choosing a field at VMREAD loads its number. */
async function completes({ page }) {
  await goTo(page, 'ept/ept.asm', 30, 1);
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.keyboard.type('vmread rax, GUEST_PHYS', { delay: 30 });
  const row = page.locator('.suggest-widget .monaco-list-row', { hasText: 'GUEST_PHYSICAL_ADDRESS' }).first();
  await row.waitFor();
  await page.keyboard.press('Escape');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Control+Z');
}

/** Values behind equ, and the structure in the outline. */
async function hints({ page }) {
  await openFile(page, 'ept/ept.asm', 20);
  await page.locator('.view-lines span', { hasText: '= ' }).first().waitFor();
}

export const tests = {
  'language: hover': hovers,
  'language: diagnostics': diagnoses,
  'language: completion': completes,
  'language: inlay hints': hints,
};
