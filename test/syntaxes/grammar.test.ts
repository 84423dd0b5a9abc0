// The grammars colour what they should: assertions in comments of test sources (vscode-tmgrammar-test), and the listing by hand.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';
import { mnemonics } from '../../src/asm/encoder/forms.ts';
import { REGISTERS } from '../../src/asm/registers.ts';
import { ROOT } from '../lsp/programs.ts';

const run = promisify(execFile);
const TOOL = join(ROOT, 'node_modules/vscode-tmgrammar-test/dist/unit.js');
const GRAMMARS = ['nasm', 'gas', 'listing'].flatMap((name) => ['-g', `syntaxes/${name}.tmLanguage.json`]);

describe('grammars', () => {
  it.each(['nasm.test.asm', 'gas.test.S', 'listing.test.lst'])('%s', async (name) => {
    const { stdout } = await run(process.execPath, [TOOL, ...GRAMMARS, `test/syntaxes/${name}`], { cwd: ROOT }).catch(
      (problem: { stdout: string; stderr: string }) => ({ stdout: `FAILED\n${problem.stdout}${problem.stderr}` }),
    );
    expect(stdout).not.toContain('FAILED');
  });

  it('knows every mnemonic and register that the assembler knows, but for those of SIMD comparisons', () => {
    const grammar = JSON.parse(readFileSync(join(ROOT, 'syntaxes/nasm.tmLanguage.json'), 'utf8')) as {
      repository: Record<string, { match?: string }>;
    };
    const words = new Set(
      Object.values(grammar.repository).flatMap(
        (rule) => /\(\?:([\w|]+)\)/.exec(rule.match ?? '')?.[1]?.split('|') ?? [],
      ),
    );
    const implied =
      /^v?p?(cmp|com)|^v?pclmul|312|123[ps]|321|^(iaad|fwait|icebp|int01|int03|smi|ud2[ab]|ret[nf]?[wdq]|iretw|pop[af]w|push[af]w|xlat|movabs|reservednop|undoc)/;
    const missing = mnemonics().filter((name) => !words.has(name) && !implied.test(name));
    expect(missing).toEqual([]);
    expect([...REGISTERS.keys()].filter((name) => !words.has(name) && !/^(cr|dr|tr|tmm)\d+$/.test(name))).toEqual([]);
  });

  it('matches the listing that the assembler writes', () => {
    const { listing } = assemble('x.asm', 'bits 64\nstart: mov rax, 1\n times 12 nop\nsection .bss\nx: resb 4\n');
    for (const line of listing()
      .split('\n')
      .filter((l) => /[0-9A-F]{8} /.test(l)))
      expect(line).toMatch(/^(\s*\d+)?\s+[0-9A-F]{8}\s\s?([0-9A-F]{2}|<res)/);
  });
});
