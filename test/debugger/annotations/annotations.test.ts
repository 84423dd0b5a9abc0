import { describe, expect, it } from 'vitest';
import { annotationsOf } from '../../../src/debugger/annotations/annotations.ts';
import { commentsOf, languageOf } from '../../../src/debugger/annotations/comments.ts';
import { closest } from '../../../src/debugger/closest.ts';

describe('comments', () => {
  it('of assembly: from a semicolon outside quotes', () => {
    const source = `mov al, ';' ; one\ndb "a;b", \`\\\`;\` ; two\r\n;three\nnop`;
    expect(commentsOf(source, 'assembly')).toEqual([
      { line: 1, column: 14, text: ' one' },
      { line: 2, column: 18, text: ' two' },
      { line: 3, column: 2, text: 'three' },
    ]);
  });

  it('of C: both kinds, outside strings and characters, a line each', () => {
    const source = `int a; // one\nchar *b = "// no /* no"; /* two */ char c = '"'; // three\n/* four\n * five */ int d;\nfn f<'a>(x: &'a str) {} // six`;
    expect(commentsOf(source, 'c').map(({ line, column, text }) => [line, column, text])).toEqual([
      [1, 10, ' one'],
      [2, 28, ' two '],
      [2, 52, ' three'],
      [3, 3, ' four'],
      [4, 1, ' * five '],
      [5, 27, ' six'],
    ]);
  });

  it.each([
    ['a/b.asm', 'assembly'],
    ['B.INC', 'assembly'],
    ['x.c', 'c'],
    ['x.S', 'c'],
    ['x.rs', 'c'],
    ['x.txt', undefined],
  ])('%s is %s', (path, language) => expect(languageOf(path)).toBe(language));
});

describe('annotations', () => {
  const read = (text: string) => annotationsOf(text, 'assembly');

  it('asserts, logs and expected exits, with groups', () => {
    const { annotations, problems } = read(
      [
        'nop ; @assert rax == 1 && [rsp] != 0',
        '; @log[irq] vector {al} of {{all}}',
        ' cpuid ;@expect-exit cpuid if eax == 1',
        ' hlt   ; @expect-exit HLT',
      ].join('\n'),
    );
    expect(problems).toEqual([]);
    expect(annotations).toMatchObject([
      { kind: 'assert', line: 1, column: 7, group: '', text: 'rax == 1 && [rsp] != 0' },
      {
        kind: 'log',
        line: 2,
        group: 'irq',
        pieces: [{ text: 'vector ' }, { expression: 'al' }, { text: ' of {all}' }],
      },
      { kind: 'expect-exit', line: 3, reason: 10 },
      { kind: 'expect-exit', line: 4, reason: 12, condition: undefined },
    ]);
  });

  it.each([
    ['; @assert', /needs an expression/],
    ['; @assert rax ==', /column/],
    ['; @asert rax', /"@assert" is/],
    ['; @log {rax', /has no }/],
    ['; @expect-exit', /needs an exit reason/],
    ['; @expect-exit CPUDI', /is CPUID meant\?/],
    ['; @expect-exit HLT if', /needs an exit reason|exit reason/],
    ['; @expect-exit HLT if rax +', /Condition/],
  ])('%s: a problem that says what to do', (text, message) => {
    const { annotations, problems } = read(text);
    expect(annotations).toEqual([]);
    expect(problems).toEqual([{ line: 1, column: 3, message: expect.stringMatching(message) }]);
  });

  it.each(['; @author somebody', '; mail me@assert.example', '; see @param', '; an @assert rax in a sentence'])(
    '%s is a comment as any other',
    (text) => expect(read(text)).toEqual({ annotations: [], problems: [] }),
  );
});

describe('closest', () => {
  it.each([
    ['CPUDI', ['CPUID', 'HLT'], 'CPUID'],
    ['kitten', ['sitting', 'mitten'], 'mitten'],
    ['xyz', ['abcdef'], undefined],
  ])('%s among %j: %s', (word, candidates, expected) => expect(closest(word, candidates, 3)).toBe(expected));
});
