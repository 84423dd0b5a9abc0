// Ringside's views as a person uses them, each in light, dark and high contrast; none makes a request of the network.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  breakpointAt,
  chooseFromMenu,
  continueRun,
  debuggerStops,
  eventually,
  hasBreakpoint,
  inConsole,
  openFile,
  palette,
  picture,
  startConfiguration,
  themePicture,
  topFrame,
  valueShown,
  variableRow,
} from './window.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The page of a view, once it has an element. */
async function viewPage(page, id, ready = 'h1') {
  let found;
  await eventually(async () => {
    for (const frame of page.frames()) {
      const view = frame.locator(`[data-view="${id}"]`);
      if ((await view.count().catch(() => 0)) > 0 && (await view.locator(ready).count()) > 0) {
        found = frame;
        return true;
      }
    }
    return `the view ${id} does not show ${ready}`;
  });
  return found;
}

/** Opens a view by its command, alone in the lower half's place, and answers its page. */
async function openView(page, command, id, ready) {
  await palette(page, `Ringside: ${command}`);
  return viewPage(page, id, ready);
}

/** No violation of the accessibility rules that axe-core knows. */
async function accessible(frame, name) {
  await frame.evaluate(AXE);
  const { violations } = await frame.evaluate(() => globalThis.axe.run('#view'));
  const found = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map((node) => node.html)
        .slice(0, 3)
        .join(' ')}`,
  );
  assert.deepEqual(found, [], `${name} is not accessible`);
}

/** The policy of a page forbids every request but for its own script and style. */
async function offline(frame) {
  const refused = await frame.evaluate(async () => {
    const asked = fetch('https://example.org/').then(
      () => 'answered',
      () => 'refused',
    );
    const told = new Promise((resolve) =>
      document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), {
        once: true,
      }),
    );
    return [await asked, await told];
  });
  assert.deepEqual(refused, ['refused', 'connect-src']);
}

/** Themes, and the class that VS Code gives to pages under each; the last is the one that pictures are taken in. */
const THEMES = [
  ['Dark 2026', 'vscode-dark'],
  ['Dark High Contrast', 'vscode-high-contrast'],
  ['Light 2026', 'vscode-light'],
];

async function themed({ page, oneTheme }, frame, name) {
  if (oneTheme) return accessible(frame, name);
  for (const [theme, mark] of THEMES) {
    await palette(page, 'Preferences: Color Theme');
    const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: theme }).first();
    await eventually(async () => {
      await page.locator('.quick-input-widget input').first().fill(theme, { timeout: 5000 });
      await row.click({ timeout: 5000 });
      return true;
    });
    await frame.locator(`body.${mark}`).waitFor();
    await accessible(frame, `${name} in ${theme}`);
    await themePicture(page, `${name} ${theme}`);
  }
}

const closePanel = (page) => palette(page, 'View: Hide Panel').catch(() => page.keyboard.press('Escape'));

/** With the view as wide as all editors. */
async function wide(page, frame, title, act) {
  if (!process.env.RINGSIDE_PICTURES) return;
  const width = () => frame.evaluate(() => innerWidth);
  const before = await width();
  // The command is for the group that is active: that of the view's tab.
  await page.locator('.tab.active', { hasText: title }).first().click();
  await palette(page, 'View: Toggle Maximize Editor Group');
  await eventually(async () => (await width()) > before || 'the view is not wider');
  const isDrawn = () =>
    frame.evaluate(() => {
      const canvas = document.querySelector('canvas');
      return canvas === null || Math.abs(canvas.width - canvas.clientWidth * devicePixelRatio) < 2;
    });
  await eventually(async () => (await isDrawn()) || 'the picture is not drawn anew');
  await act();
  await palette(page, 'View: Toggle Maximize Editor Group');
}

async function vmcs(window) {
  const { page } = window;
  await openFile(page, 'hello-vmx/hello-vmx.asm');
  const early = await openView(page, 'Show VMCS', 'vmcs');
  await early.locator('#status', { hasText: 'No session is running' }).waitFor();
  await startConfiguration(page, 'hello-vmx');
  await debuggerStops(page);
  await closePanel(page);
  const frame = await viewPage(page, 'vmcs', '[data-field="GUEST_RIP"]');
  await frame.locator('#status', { hasText: 'a VM entry would pass every check' }).waitFor();
  await frame.locator('[data-field="GUEST_RIP"]', { hasText: 'guest_entry+0x2' }).first().waitFor();
  await frame.getByRole('button', { name: 'Pin GUEST_RIP' }).click();
  await frame.locator('[data-area="pinned"] [data-field="GUEST_RIP"]').waitFor();

  await inConsole(page, 'snapshot save before');
  await frame.locator('select option', { hasText: 'snapshot before' }).waitFor({ state: 'attached' });
  await closePanel(page);

  // An edit that VMWRITE takes and VM entry would not: the check is shown at its field.
  const search = frame.getByLabel('Search');
  await search.fill('GUEST_RFLAGS');
  const flags = frame.locator('[data-area="vmcs/guest"] [data-field="GUEST_RFLAGS"]');
  await flags.locator('button.value').click();
  await frame.getByLabel('New value of GUEST_RFLAGS').fill('0');
  await frame.getByLabel('New value of GUEST_RFLAGS').press('Enter');
  await flags.locator('.failure', { hasText: 'Fix' }).waitFor();
  await frame.locator('#status', { hasText: 'would fail 1 check' }).waitFor();
  await flags.locator('.before', { hasText: 'VM exit' }).waitFor();
  await search.fill('GUEST_R');
  await frame.locator('[data-area="vmcs/guest"] [data-field="GUEST_RSP"]').waitFor();
  await picture(page, 'vmcs');

  // Beside it what the snapshot has; the fields that are shown as code; an edit that VMWRITE refuses.
  await frame.getByLabel('Compare with').selectOption('before');
  await flags.locator('.in-snapshot', { hasText: '0x46' }).waitFor();
  await picture(page, 'vmcs-snapshot');
  await search.fill('GUEST_RFLAGS');
  await frame.getByRole('button', { name: 'Copy as code' }).click();
  await frame.locator('#status', { hasText: 'Copied' }).waitFor();
  const code = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(code, /mov +rax, 0x0\n +mov +edx, GUEST_RFLAGS\n +vmwrite rdx, rax/);
  await search.fill('GUEST_CS_SELECTOR');
  const selector = frame.locator('[data-area="vmcs/guest"] [data-field="GUEST_CS_SELECTOR"]');
  await selector.locator('button.value').click();
  await frame.getByLabel('New value of GUEST_CS_SELECTOR').fill('0x12345');
  await frame.getByLabel('New value of GUEST_CS_SELECTOR').press('Enter');
  await frame.locator('#alert', { hasText: 'holds 16 bits; 0x12345 does not fit' }).waitFor();
  await frame.getByLabel('New value of GUEST_CS_SELECTOR').press('Escape');
  await frame.getByLabel('Compare with').selectOption('');
  await search.fill('');
  await themed(window, frame, 'the VMCS view');
  await offline(frame);
}

/** The picture, the table and the bars of a run; the picture of another part of it; a filter; a file. */
async function exits(window) {
  const { page, samples } = window;
  await startConfiguration(page, 'tiny-hypervisor');
  await debuggerStops(page);
  const frame = await openView(page, 'Show VM Exits', 'exits', '[data-exit="1"]');
  await breakpointAt(page, samples, 'tiny-hypervisor/exits.c', /vm->waiting = true/);
  await continueRun(page);
  await topFrame(page, /^handle_hlt/);
  await closePanel(page);
  await frame.locator('#bars [data-reason="CPUID"]').waitFor();
  await frame.locator('#bars [data-reason="VMCALL"]').waitFor();
  await frame.locator('[data-exit="2"]', { hasText: 'guest64_main' }).waitFor();
  await wide(page, frame, 'VM Exits', () => picture(page, 'vm-exits'));
  await frame.getByLabel('Filter').fill('CPUID');
  await frame.locator('#status', { hasText: 'pass the filter' }).waitFor();
  await frame.locator('[data-exit="1"]').waitFor({ state: 'detached' });
  await frame.getByLabel('Filter').fill('exit.reason ==');
  await frame.locator('#alert', { hasText: /./ }).waitFor();
  await frame.getByLabel('Filter').fill('exit.number > 3');
  await frame.locator('[data-exit="4"]').waitFor();
  await frame.getByLabel('Filter').fill('');
  const hint = await frame.locator('#hint').textContent();
  await frame.locator('#timeline').press('+');
  await eventually(async () => (await frame.locator('#hint').textContent()) !== hint || 'the picture was not zoomed');
  await frame.getByRole('button', { name: 'Whole run' }).click();
  await frame.locator('#hint', { hasText: hint }).waitFor();
  await frame.locator('#timeline').press('Enter');
  await frame.locator('tr.chosen').waitFor();
  await frame.getByRole('button', { name: 'Export CSV' }).click();
  const name = page.locator('.quick-input-widget input').first();
  await name.waitFor();
  await name.press('Enter');
  await eventually(async () => {
    const lines = readFileSync(join(samples, 'vm-exits.csv'), 'utf8').split('\r\n');
    return /^2,0,\d+,10,CPUID/.test(lines[2] ?? '') || `the second exit is "${lines[2]}"`;
  });
  await themed(window, frame, 'the VM exits view');
  await offline(frame);
}

/** The exits of a run go to a file, which shows them when no session runs. */
async function savedRun(window) {
  const { page, samples } = window;
  await startConfiguration(page, 'tiny-hypervisor');
  await debuggerStops(page);
  await breakpointAt(page, samples, 'tiny-hypervisor/exits.c', /vm->waiting = true/);
  await continueRun(page);
  await topFrame(page, /^handle_hlt/);
  await closePanel(page);
  const frame = await openView(page, 'Show VM Exits', 'exits', '[data-exit="1"]');
  await frame.getByRole('button', { name: 'Save run' }).click();
  const name = page.locator('.quick-input-widget input').first();
  await name.waitFor();
  await name.press('Enter');
  await eventually(async () => existsSync(join(samples, 'run.vmtrace')) || 'run.vmtrace is not there');
  await page.keyboard.press('Shift+F5');
  await frame.locator('#status', { hasText: 'No session is running' }).waitFor();
  await openFile(page, 'run.vmtrace');
  const file = await viewPage(page, 'trace', '[data-exit="1"]');
  await file.locator('#status', { hasText: 'tiny-hypervisor' }).waitFor();
  await file.locator('[data-exit="1"]', { hasText: 'VMCALL' }).waitFor();
  await wide(page, file, 'run.vmtrace', () => picture(page, 'saved-run'));
  await file.getByLabel('Filter').fill('exit.reason == VMCALL');
  await file.locator('[data-exit="1"]').waitFor();
  await file.getByLabel('Filter').fill('rax == 1');
  await file.locator('#alert', { hasText: 'there is no machine' }).waitFor();
  await file.getByLabel('Filter').fill('');
  await themed(window, file, 'a saved run');
  await offline(file);
}

/** The way of the guest's address ends at the EPT entry that is not present. */
async function translation(window) {
  const { page } = window;
  await startConfiguration(page, 'ept');
  await debuggerStops(page);
  await closePanel(page);
  const frame = await openView(page, 'Show Address Translation', 'translation', '[data-entry="PML4E"]');
  await frame.getByRole('textbox', { name: 'Address' }).fill('gva:0x400128 write');
  await frame.getByRole('textbox', { name: 'Address' }).press('Enter');
  await frame.locator('[data-entry="EPT PDE"].failed').waitFor();
  await frame.locator('[data-stop]', { hasText: 'is not present' }).waitFor();
  await picture(page, 'address-translation');
  // The map of the EPT: the guest has 2 MiB; a click on them translates their first address.
  await frame.getByRole('button', { name: 'EPT', exact: true }).click();
  const range = frame.locator('[data-map="ept"] [data-from="0x0"]', { hasText: 'rwx' });
  await range.waitFor();
  await picture(page, 'address-space');
  await range.getByRole('button').click();
  await frame.locator('#way .result', { hasText: 'Host-physical address' }).waitFor();
  await frame.getByRole('textbox', { name: 'Address' }).fill('no_such_symbol');
  await frame.getByRole('textbox', { name: 'Address' }).press('Enter');
  await frame.locator('#alert', { hasText: 'no_such_symbol' }).waitFor();
  // The menu of a register in the Variables view.
  const address = frame.getByRole('textbox', { name: 'Address' });
  await valueShown(page, 'rsp', /0x/);
  await chooseFromMenu(
    page,
    variableRow(page, 'rsp'),
    'Translate Address',
    async () => (await address.inputValue()) === 'rsp',
  );
  await frame.locator('#way .result', { hasText: /^Physical address/ }).waitFor();
  await themed(window, frame, 'the address translation view');
  await offline(frame);
}

/** What the memory view shows of the host's stack: who points there, what a step changed, what wrote it. */
async function memory(window) {
  const { page } = window;
  await startConfiguration(page, 'hello-vmx');
  await debuggerStops(page);
  await closePanel(page);
  const frame = await openView(page, 'Show Memory', 'memory', '[data-cell]');
  const address = frame.getByRole('textbox', { name: 'Address' });
  const show = async (text) => {
    await address.fill(text);
    await address.press('Enter');
  };
  await frame.locator('#status', { hasText: 'Linear memory of the host, rsp is hva:' }).waitFor();
  await show('rsp - 0x50');
  await frame.locator('.cell.pointed[title*="rsp"]').waitFor();

  // The step pushes the guest's registers: they are marked, with what was there.
  await page.keyboard.press('F10');
  await frame.locator('.cell.changed').first().waitFor();
  await frame.locator('#status', { hasText: 'changed since the last stop' }).waitFor();
  await picture(page, 'memory');

  // The keys move the chosen cell and scroll at the ends; an edit is written, and read back by an expression.
  await frame.locator('[data-cell]').first().click();
  const first = await frame.locator('[aria-selected]').getAttribute('data-cell');
  await page.keyboard.press('ArrowUp');
  await frame.locator(`[data-cell="${first}"]:not([aria-selected])`).waitFor();
  await page.keyboard.press('ArrowDown');
  await frame.locator(`[data-cell="${first}"][aria-selected]`).waitFor();
  await page.keyboard.type('41');
  await page.keyboard.press('Enter');
  await frame.locator(`[data-cell="${first}"]`, { hasText: '41' }).waitFor();
  await frame.locator('[data-row] .characters', { hasText: /A/ }).first().waitFor();

  // Where nothing is mapped stands why; an expression that is none says so.
  await show('0x7ffffffff000');
  await frame.locator('.unreadable .notes', { hasText: 'is not mapped' }).first().waitFor();
  await show('no_such_symbol');
  await frame.locator('#alert', { hasText: 'no_such_symbol' }).waitFor();
  await frame.getByRole('button', { name: 'Back' }).click();

  // The fields of the VMCS have their names; an address in it is followed.
  await show('vmcs:0x10');
  await frame.getByLabel('Show as').selectOption('8');
  const field = frame.locator('.cell.pointed[title*="HOST_RIP"]');
  await show('HOST_RIP');
  await frame.locator('.notes', { hasText: 'HOST_RIP' }).first().waitFor();
  await show('vmcs:0x10');
  await frame.locator('#status', { hasText: 'Current VMCS' }).waitFor();
  await eventually(async () => {
    if ((await field.count()) === 0) await frame.getByRole('button', { name: 'Next page' }).click();
    return (await field.count()) > 0 || 'the VMCS has no HOST_RIP';
  });
  await field.click();
  await frame.locator('#chosen', { hasText: 'HOST_RIP is here' }).waitFor();
  await page.keyboard.press('Enter');
  await frame.locator('#status', { hasText: 'hva:HOST_RIP is' }).waitFor();
  await show('rsp');
  await frame.locator('[data-cell]').first().waitFor();
  await themed(window, frame, 'the memory view');
  await offline(frame);

  // The menu of a cell: a breakpoint on its writes; a button goes back to what wrote it.
  await frame.locator('.cell.changed').first().click();
  await chooseFromMenu(page, frame.locator('.cell.changed').first(), 'Break on Write', () => true);
  await hasBreakpoint(page, 'write:qword[hva:');
  await frame.getByRole('button', { name: 'Who wrote this?' }).click();
  await topFrame(page, /^host_entry(\+0x[0-9a-f]+)? .*hello-vmx\.asm.*\b31\b/);
}

/** The processor is in the host after a VM exit, and in the guest after a VM entry. */
async function machine(window) {
  const { page } = window;
  await startConfiguration(page, 'tiny-hypervisor');
  await debuggerStops(page);
  await closePanel(page);
  const frame = await openView(page, 'Show Machine', 'machine', '[data-processor="CPU 0"]');
  await frame.locator('.side.runs', { hasText: 'VMX root operation' }).locator('.ring.here').waitFor();
  await frame.locator('[data-transition="VM exit"]', { hasText: 'VMCALL' }).waitFor();
  await frame.locator('table', { hasText: '0x500' }).waitFor();
  await page.locator('.statusbar-item', { hasText: 'ring 0, VMX root operation' }).waitFor();
  await picture(page, 'machine');
  const apic = frame.locator('[data-part="CPU 0 local APIC"]');
  await apic.locator('[data-fact="mode"]', { hasText: 'xAPIC' }).waitFor();
  await apic.scrollIntoViewIfNeeded();
  await picture(page, 'local-apic');
  await themed(window, frame, 'the machine view');
  await offline(frame);
}

const VIEWS = [
  ['Show VMCS', 'vmcs', 'there is no current VMCS yet'],
  ['Show VM Exits', 'exits', 'there was no VM exit yet'],
  ['Show Address Translation', 'translation', undefined, '#way .result'],
  ['Show Memory', 'memory', 'Linear memory of the host', '[data-cell]'],
  ['Show Machine', 'machine', 'instructions', '[data-part="CPU 0 local APIC"]'],
];

/** Without a session, while the machine runs, before there is a VMCS; with another session beside; after the window was loaded anew. */
async function states({ page, samples }) {
  writeFileSync(join(samples, 'spin.asm'), '        bits    64\nspin:   jmp     spin\n');
  await openFile(page, 'spin.asm');
  const frames = new Map();
  for (const [command, id] of VIEWS) {
    const frame = await openView(page, command, id, 'h1');
    await frame.locator('#status', { hasText: 'No session is running' }).waitFor();
    frames.set(id, frame);
  }
  const shows = (id, text) => frames.get(id).locator('#status', { hasText: text }).waitFor({ state: 'attached' });
  await openFile(page, 'spin.asm');
  await palette(page, 'Ringside: Debug Hypervisor');
  for (const [, id] of VIEWS) await shows(id, 'machine is running');
  await page.locator('.action-label.codicon-debug-pause').first().click();
  await topFrame(page, /^spin .*spin\.asm/);
  for (const [, id, text, ready] of VIEWS) {
    if (text !== undefined) await shows(id, text);
    if (ready !== undefined) await frames.get(id).locator(ready).first().waitFor({ state: 'attached' });
  }

  // Views follow the session that is chosen in the call stack.
  const chooseSession = (name) =>
    page
      .locator('.debug-call-stack .monaco-list-row .session', { hasText: name })
      .first()
      .click({ position: { x: 40, y: 8 } });
  await startConfiguration(page, 'hello-vmx');
  await page.locator('.debug-call-stack .monaco-list-row', { hasText: 'VM Exit: CPUID' }).first().waitFor();
  await chooseSession('hello-vmx');
  await shows('vmcs', 'hello-vmx: the first VM exits: current VMCS at');
  await shows('exits', 'hello-vmx: the first VM exits: 1 VM exit in');
  await chooseSession('spin.asm');
  await shows('vmcs', 'there is no current VMCS yet');
  await shows('memory', 'spin.asm');

  // Views that were open open again.
  await page.reload({ waitUntil: 'domcontentloaded' });
  await page.locator('.monaco-workbench').waitFor();
  const again = await viewPage(page, 'machine', '#status');
  await again.locator('#status', { hasText: 'No session is running' }).waitFor();
}

/** Above a line that exits stands how often it did; beside the lines that ran stand the registers that they name. */
async function editorMarks({ page }) {
  await startConfiguration(page, 'hello-vmx');
  await debuggerStops(page);
  await closePanel(page);
  await page.locator('.editor-instance', { hasText: 'vmlaunch' }).first().waitFor();
  await openFile(page, 'hello-vmx/hello-vmx.asm', 97);
  await page.locator('.codelens-decoration', { hasText: 'CPUID: 1 VM exit' }).first().waitFor();
  await page.locator('.codelens-decoration', { hasText: 'guest_entry: 1 VM exit' }).first().waitFor();
  await page.keyboard.press('Shift+F11');
  await topFrame(page, /^guest_entry/);
  await page
    .locator('.view-line', { hasText: /eax\s=\s0x/ })
    .first()
    .waitFor();
  await picture(page, 'editor-marks');
}

export const tests = {
  'the VMCS view': vmcs,
  'the VM exits view': exits,
  'a saved run': savedRun,
  'the address translation view': translation,
  'the memory view': memory,
  'the machine view': machine,
  'the states of the views': states,
  'marks in the editor': editorMarks,
};
