// Debug sessions on the samples as a person runs them: each test starts its own.
import {
  breakpointAt,
  collapse,
  continueRun,
  debuggerStops,
  eventually,
  expand,
  filterCondition,
  hasFrame,
  makeRoom,
  openFile,
  picture,
  rows,
  stack,
  startConfiguration,
  terminalText,
  toggleFilter,
  topFrame,
  valueShown,
  variableRow,
  whyStopped,
} from './window.mjs';

const HELLO = 'hello-vmx/hello-vmx.asm';

/** Runs a session to its first stop, then what the test does. */
function session(configuration, body) {
  return async (window) => {
    await startConfiguration(window.page, configuration);
    await debuggerStops(window.page);
    await body(window);
  };
}

/** F5 with nothing chosen debugs the first configuration: hello-vmx. */
async function firstExit(window) {
  const { page } = window;
  await openFile(page, HELLO);
  await page.keyboard.press('F5');
  await debuggerStops(page);
  await topFrame(page, /^host_entry .*hello-vmx\.asm/);
  await hasFrame(page, 'VM exit 1: CPUID');
  await hasFrame(page, 'guest_entry+0x2');
  await whyStopped(page, 'VM exit: CPUID');
  await whyStopped(page, 'CPUID leaf 0x0');
  await whyStopped(page, 'guest_entry+0x2, hello-vmx.asm:97');

  await makeRoom(page);
  await collapse(page, 'General registers');
  for (const scope of ['Guest-state area', 'Host-state area', 'Control fields', 'Exit information'])
    await variableRow(page, scope).waitFor();
  await expand(page, 'Exit information');
  await variableRow(page, 'EXIT_REASON').waitFor();
  await picture(page, 'first-exit');
  await valueShown(page, 'EXIT_REASON', /0xa \(CPUID\)/);
  await valueShown(page, 'VM_EXIT_INSTRUCTION_LENGTH', /2/);
  await valueShown(page, 'EXIT_QUALIFICATION', /0x0/);
  await collapse(page, 'Exit information');
  await expand(page, 'Control fields');
  await valueShown(page, 'PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS', /HLT exiting/);
}

/** Out of the handler is the guest; over a guest's VMCALL is its next instruction, and the handler has run. */
async function stepOver({ page }) {
  await topFrame(page, /^host_entry .*hello-vmx\.asm/);
  await page.keyboard.press('Shift+F11');
  await topFrame(page, /^guest_entry\+0x4 .*:98|^guest_entry\+0x4 .*hello-vmx\.asm 98/);
  for (const line of [99, 100, 101, 102, 103]) {
    await page.keyboard.press('F10');
    await topFrame(page, new RegExp(`^guest_entry.*\\b${line}\\b`));
  }
  await page.keyboard.press('F10');
  await topFrame(page, /^guest_entry.*\b104\b/);
  await terminalText(page, 'VM exit: VMCALL, the guest says: HelloFromVMX');
}

/** In at VMRESUME is the guest's next instruction; in at its VMCALL is the handler. */
async function stepIn({ page, samples }) {
  const vmresume = await breakpointAt(page, samples, HELLO, /^ +vmresume$/);
  await page.keyboard.press('F5');
  await topFrame(page, new RegExp(`^resume.*\\b${vmresume}\\b`));
  await page.keyboard.press('F11');
  await topFrame(page, /^guest_entry\+0x4/);
  await hasFrame(page, 'entered by VMRESUME');
  await picture(page, 'step-into-the-guest');
}

/** In at a guest's CPUID is the first instruction of the exit handler. */
async function stepInFromGuest(window) {
  const { page, samples } = window;
  const cpuid = await breakpointAt(page, samples, HELLO, /^ +cpuid +; the vendor/);
  await startConfiguration(page, 'hello-vmx');
  await topFrame(page, new RegExp(`^guest_entry\\+0x2.*\\b${cpuid}\\b`));
  await hasFrame(page, 'entered by VMLAUNCH');
  await page.keyboard.press('F11');
  await topFrame(page, /^host_entry/);
  await hasFrame(page, 'VM exit 1: CPUID');
}

/** Of three VM exits the filter stops at the one that its condition names. */
async function reasonFilter({ page }) {
  await filterCondition(page, 'VM exits by reason', 'VMCALL if rax == 1');
  await toggleFilter(page, 'VM exits by reason', true);
  await continueRun(page);
  await hasFrame(page, 'VM exit 2: VMCALL');
  await whyStopped(page, 'VMCALL with RAX 0x1');
  await picture(page, 'breakpoint-on-a-reason');
  await toggleFilter(page, 'VM exits by reason', false);
}

/** A failed VM entry names each field that is wrong, and what would be right. */
async function brokenEntry({ page }) {
  await whyStopped(page, 'VMLAUNCH failed: 3 checks fail');
  for (const field of ['Primary processor-based VM-execution controls', 'Host TR selector', 'Guest RFLAGS'])
    await whyStopped(page, field);
  await topFrame(page, /broken-entry\.asm/);
}

async function eptViolation({ page }) {
  await whyStopped(page, 'VM exit: EPT violation');
  await whyStopped(page, '0x400128');
  await collapse(page, 'General registers');
  await expand(page, 'Exit information');
  await valueShown(page, 'EXIT_QUALIFICATION', /write/i);
  await valueShown(page, 'GUEST_PHYSICAL_ADDRESS', /0x400128/);
}

/** A hypervisor in C: both sides have source lines, and stepping goes by them. */
async function tinyHypervisor({ page, samples }) {
  await topFrame(page, /^vcpu_e.*vcpu\.S/);
  await hasFrame(page, 'VM exit 1: VMCALL');
  await hasFrame(page, 'guest64.c');
  const line = await breakpointAt(page, samples, 'tiny-hypervisor/exits.c', /uint32_t leaf = /);
  await page.keyboard.press('F5');
  await topFrame(page, new RegExp(`^handle_cpuid.*exits\\.c.*\\b${line}\\b`));
  await hasFrame(page, 'handle_exit');
  await hasFrame(page, 'VM exit 2: CPUID');
  await hasFrame(page, 'guest64_main');
  await page.keyboard.press('F10');
  await topFrame(page, new RegExp(`^handle_cpuid.*\\b${line + 1}\\b`));
  await terminalText(page, 'guest 1: hello from 64-bit mode in VMX non-root operation');
}

/** COM1 of a session is a terminal; it says how the program ended. */
async function serialConsole({ page }) {
  await terminalText(page, 'hello-vmx: entering the guest');
  await continueRun(page);
  await terminalText(page, 'hello-vmx: 3 VM exits');
  await terminalText(page, '[session ended]');
  await eventually(async () => {
    const frames = await rows(stack(page));
    return frames.length === 0 ? true : `the call stack still has ${frames.join(', ')}`;
  });
}

export const tests = {
  'F5 stops at the first VM exit, with both sides and the VMCS decoded': firstExit,
  'stepping over the handler comes back to the guest': session('hello-vmx', stepOver),
  'stepping in at VMRESUME enters the guest': session('hello-vmx', stepIn),
  'stepping in at a guest’s CPUID enters the exit handler': stepInFromGuest,
  'a condition on VM exits by reason': session('hello-vmx', reasonFilter),
  'a failed VM entry names its three mistakes': session('broken-entry', brokenEntry),
  'an EPT violation is told in words': session('ept', eptViolation),
  'a hypervisor in C has source lines on both sides': session('tiny-hypervisor', tinyHypervisor),
  'COM1 is a terminal': session('hello-vmx', serialConsole),
};
