// The extension as it runs in a browser: in VS Code's extension host for workers, with the machine in a worker of its own and no process behind it.
// The tests are those of the desktop that need nothing else.
import { tests as firstSteps } from './first-steps.mjs';
import { tests as fixes } from './fixes.mjs';
import { tests as language } from './language.mjs';
import { runTests } from './run.mjs';
import { tests as sessions } from './sessions.mjs';
import { tests as views } from './views.mjs';

const NAMES = [
  'F5 stops at the first VM exit, with both sides and the VMCS decoded',
  'stepping over the handler comes back to the guest',
  'a failed VM entry names its three mistakes',
  'a hypervisor in C has source lines on both sides',
  'a saved run',
  'the VMCS view',
  'the VM exits view',
  'the address translation view',
  'the machine view',
  'the memory view',
  'marks in the editor',
  'language: hover',
  'language: diagnostics',
  'language: completion',
  'language: inlay hints',
  'language: a quick fix',
  'first steps: the Testing view grades a lab',
  'first steps: a label is a test that can be run and debugged',
];

const tests = { ...sessions, ...views, ...language, ...fixes, ...firstSteps };

const chosen = Object.fromEntries(
  NAMES.map((name) => {
    if (!(name in tests)) throw new Error(`there is no test "${name}"`);
    return [name, tests[name]];
  }),
);
await runTests('a VS Code whose extension host is a worker', chosen, {
  oneTheme: true,
  settings: { 'remote.extensionKind': { 'ringside.ringside': ['web'] } },
});
