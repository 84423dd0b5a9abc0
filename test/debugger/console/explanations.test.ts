// The explanations as commands of the debug console, on the toy machine: what they answer when there is nothing to explain, and
// mistakes. What they say of a real machine is tested in test/debugger/explanations and test/debugger/why.

import { expect, test } from 'vitest';
import { commandLine, runCommand } from '../../../src/debugger/console/console.ts';
import { toySession } from '../toy-program.ts';

async function answer(text: string): Promise<string> {
  const { session } = toySession();
  const line = commandLine(text);
  if (line === undefined) throw new Error(`"${text}" is no command`);
  const result = await runCommand(line, session, session.context());
  return 'error' in result ? `error: ${result.error}` : result.text;
}

test.each([
  ['audit', /^There is no current VMCS/],
  ['stats', /^There was no VM exit yet\.$/],
  ['stats xml', /^error: "xml" is none of all, csv, json\.\nUsage: stats/],
  ['stats json', /"exits": 0/],
  ['exits', /^There was no VM exit yet\.$/],
  ['walk', /^error: An address is missing.*\nUsage: walk ADDRESS/],
  ['walk nowhere', /^error: .*nowhere/],
  ['why', /^error: There was no VM exit yet/],
  ['why last', /^error: The machine did not stop after a step/],
  [
    'why 0x2001',
    /^0x2001: cpuid\nVM exit: CPUID \(10\)\nCPUID in VMX non-root operation exits whatever the controls say\.$/,
  ],
])('%s', async (text, expected) => {
  expect(await answer(text)).toMatch(expected);
});
