// Time travel as a client sees it: capabilities, requests, stopped events, errors that say what to do.
import { describe, expect, test } from 'vitest';
import { readLaunch } from '../../src/dap/launch.ts';
import { CAPABILITIES } from '../../src/dap/requests/lifecycle.ts';

describe('launch.json: history', () => {
  test.each([
    [undefined, 512],
    [true, 512],
    [false, 0],
    [{}, 512],
    [{ limit: 64 }, 64],
  ])('%j is %i MiB', (history, mebibytes) => {
    expect(readLaunch({ program: 'a.asm', history }).historyLimit).toBe(mebibytes * 1024 * 1024);
  });

  test.each([[{ limit: 1 }], [{ limit: 'much' }], [7], ['off'], [{ limit: 16.5 }]])(
    '%j is refused by name',
    (history) => {
      expect(() => readLaunch({ program: 'a.asm', history })).toThrow(/"history".*expected false, or .*"limit"/);
    },
  );
});

test('a client is told that the machine goes back', () => {
  expect(CAPABILITIES).toMatchObject({ supportsStepBack: true, supportsRestartFrame: true });
});
