// launch.json's choice of a processor.
import { describe, expect, test } from 'vitest';
import { readLaunch } from '../../src/dap/launch.ts';

const program = 'a.asm';

describe('the processor in launch.json', () => {
  test('is the recent server when nothing is said', () => {
    expect(readLaunch({ program }).profile.name).toBe('recent-server');
  });

  test('is a profile without capabilities', () => {
    const { profile } = readLaunch({ program, profile: 'haswell', without: ['unrestricted guest'] });
    expect(profile.name).toBe('haswell');
    expect(profile.controls.secondary).not.toContain('unrestricted guest');
  });

  test.each([
    [{ profile: 'z80' }, 'no-such-capability', 'penryn'],
    [{ without: ['enable EPTs'] }, 'no-such-capability', '"enable EPT"'],
    [{ profile: 7 }, 'bad-launch-value', 'the name of a processor'],
    [{ without: 'enable EPT' }, 'bad-launch-value', 'a list of capabilities'],
  ])('%o is a named error', (values, code, text) => {
    expect(() => readLaunch({ program, ...values })).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });
});
