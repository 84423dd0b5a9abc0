import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runSuite } from '../debugger/tests/suite.ts';
import { fileReader } from '../program/toolchain.ts';

const LABS = join(import.meta.dirname, '../../samples/labs');
const names = readdirSync(LABS).filter((name) => /^\d\d-/.test(name));

describe('labs', () => {
  it('there are ten, each with a solution', () => {
    expect(names).toHaveLength(10);
    expect(readdirSync(join(LABS, 'solutions'))).toEqual(names.map((name) => `${name}.asm`));
  });

  describe.each(names)('%s', (name) => {
    const grade = (defines: Record<string, string>) =>
      runSuite(join(LABS, name, 'test.asm'), { load: { defines }, readFile: fileReader, limit: 1_000_000 });

    it('its solution is right', async () => {
      const [result] = await grade({ LAB: `"../solutions/${name}.asm"` });
      expect(result!.failures).toEqual([]);
    });

    it('as it is given out, it is not', async () => {
      const [result] = await grade({});
      expect(result!.failures).not.toEqual([]);
    });
  });
});
