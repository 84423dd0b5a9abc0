import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/debugger/console/commands.ts';
import { commandLine } from '../../../src/debugger/console/console.ts';
import { splitWords, takeFlags, unquote } from '../../../src/debugger/console/words.ts';
import { launchedToy } from '../../dap/toy-adapter.ts';

describe('what is a command', () => {
  test.each([
    ['help', 'help', ''],
    ['  HELP  explain', 'help', '  explain'],
    ['explain -help', 'explain', ' -help'],
    ['help (x)', 'help', ' (x)'],
    ['help /a/b', 'help', ' /a/b'],
    ['help *x', 'help', ' *x'],
  ])('%s', (line, name, rest) => {
    const found = commandLine(line);
    expect([found?.command.name, found?.rest]).toEqual([name, rest]);
  });

  test.each([
    'rax',
    'help = 1',
    'help + 1',
    'help- 1',
    'help,d',
    'helpless',
    'help.x',
    'help_me',
    '(help)',
    'help == 2',
    '',
  ])('an expression: %s', (line) => {
    expect(commandLine(line)).toBeUndefined();
  });
});

test.each([
  ['a  b', ['a', 'b']],
  ['qword[rax + 8] if (a b)', ['qword[rax + 8]', 'if', '(a b)']],
  ['"a b" c', ['"a b"', 'c']],
  ["'a [b' c", ["'a [b'", 'c']],
  ['"open end', ['"open end']],
  ['', []],
])('words of %s', (text, words) => {
  expect(splitWords(text)).toEqual(words);
});

test('flags are taken out wherever they stand', () => {
  const { flags, rest } = takeFlags(['a', '-f', 'b', '-x'], ['-f', '-g']);
  expect([[...flags], rest]).toEqual([['-f'], ['a', 'b', '-x']]);
});

test.each([
  ['"a b"', 'a b'],
  ["'a'", 'a'],
  ['"', '"'],
  ['a', 'a'],
])('unquote %s', (word, text) => {
  expect(unquote(word)).toBe(text);
});

describe('every command', () => {
  test.each(COMMANDS.map((command) => [command.name, command] as const))('%s', async (name, command) => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(command.usage.split(' ')[0]).toBe(name);
    expect(command.summary).not.toMatch(/\.$|\n/);
    const toy = await launchedToy();
    const { result } = await toy.request('evaluate', { expression: `${name} -help`, context: 'repl' });
    expect(result).toContain(`${command.usage}: ${command.summary}.`);
  });

  test('has a name of its own', () => {
    const names = COMMANDS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('in a session', () => {
  const labels = async (text: string): Promise<string[]> => {
    const toy = await launchedToy();
    const { targets } = await toy.request('completions', { text, column: text.length + 1 });
    return (targets as { label: string }[]).map(({ label }) => label);
  };

  test('help lists the commands', async () => {
    const toy = await launchedToy();
    const { result } = await toy.request('evaluate', { expression: 'help', context: 'repl' });
    const lines = String(result)
      .split('\n')
      .map((line: string) => line.replace(/^ {2}(\S+) +/, '$1: '));
    for (const { name, summary } of COMMANDS) expect(lines).toContain(`${name}: ${summary}`);
  });

  test('a mistake is answered with the usage', async () => {
    const toy = await launchedToy();
    const answer = await toy.raw('evaluate', { expression: 'help nonsense', context: 'repl' });
    expect(answer).toMatchObject({
      success: false,
      message: 'There is no command "nonsense"; help alone lists all of them.\nUsage: help [COMMAND]',
    });
  });

  test('completion of names, of arguments and of -help', async () => {
    expect(await labels('expl')).toContain('explain');
    expect(await labels('help exp')).toEqual(['explain']);
    expect(await labels('explain -')).toEqual(['-help']);
    expect(await labels('r')).toContain('rax');
  });
});
