// A hypervisor in C and its guest, at source level and back in time.
import {
  breakpointAt,
  collapse,
  debuggerStops,
  eventually,
  expand,
  hasFrame,
  inConsole,
  palette,
  picture,
  rows,
  startConfiguration,
  topFrame,
  valueShown,
} from './window.mjs';

/** Waits until the debug console has a line. */
const answers = (page, pattern) =>
  eventually(async () => {
    const lines = (await rows(page.locator('.repl'))).join('\n');
    return pattern.test(lines) ? true : `the debug console says "${lines}", not ${pattern}`;
  });

/** Break in the C handler, read a structure, step into the guest's C, back to the previous exit, who wrote a field of the VMCS. */
async function backInTime({ page, samples }) {
  await startConfiguration(page, 'tiny-hypervisor: C, guests by turns');
  await debuggerStops(page);
  const line = await breakpointAt(page, samples, 'tiny-hypervisor/exits.c', /uint32_t leaf = /);
  await page.keyboard.press('F5');
  await topFrame(page, new RegExp(`^handle_cpuid.*exits\\.c.*\\b${line}\\b`));
  await collapse(page, 'General registers');
  await expand(page, 'Locals');
  await expand(page, 'guest');
  await valueShown(page, 'rax', /\b0x1\b|\b1\b/); // guest64.c asks CPUID for leaf 1

  const vmresume = await breakpointAt(page, samples, 'tiny-hypervisor/vcpu.S', /^1: +vmresume$/);
  await page.keyboard.press('F5');
  await topFrame(page, new RegExp(`^vcpu_enter.*vcpu\\.S.*\\b${vmresume}\\b`));
  await page.keyboard.press('F11');
  await topFrame(page, /^cpuid.*vmx\.h/);
  await hasFrame(page, 'guest64_main');
  await hasFrame(page, 'entered by VMRESUME');

  await palette(page, 'Ringside: Back to the Previous VM Exit');
  await topFrame(page, /^vcpu_exited.*vcpu\.S/);
  await hasFrame(page, 'VM exit 2: CPUID');

  await inConsole(page, 'who GUEST_RIP');
  await answers(page, /The next step is the last that wrote GUEST_RIP\. It was 0x[0-9a-f]+ and becomes 0x[0-9a-f]+/);
  await topFrame(page, /^cpuid.*vmx\.h/);
  await hasFrame(page, 'guest64_main');
  await picture(page, 'who-wrote-this');
}

export const tests = { 'a struct, the guest’s C, back to the previous exit, and who wrote a VMCS field': backInTime };
