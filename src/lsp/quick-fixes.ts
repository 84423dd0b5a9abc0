// Quick fixes: what a diagnostic's mistake can be turned into.
import type { CodeAction, Diagnostic, Range, TextEdit } from 'vscode-languageserver';
import { editDistance } from '../asm/edit-distance.ts';
import { closest } from '../asm/encoder/suggestions.ts';
import { MSR_LIST } from '../spec/msrs.ts';
import { linesOfFile } from './comments.ts';
import { factByName } from './names.ts';
import { outsideUri } from './place.ts';
import { type Program, entitiesOf } from './program.ts';

export function quickFixes(program: Program, file: number, diagnostics: readonly Diagnostic[]): CodeAction[] {
  const uri = outsideUri(program.root, program.assembly.files[file]?.path ?? program.root);
  return diagnostics.flatMap((diagnostic) => {
    const fix = FIXES[String(diagnostic.code)];
    if (fix === undefined || diagnostic.source !== 'ringside') return [];
    const line = linesOfFile(program, file)[diagnostic.range.start.line] ?? '';
    const text = line.slice(diagnostic.range.start.character, diagnostic.range.end.character);
    const choices = fix({ program, file, diagnostic, message: String(diagnostic.message), line, text });
    return choices.map(
      (choice): CodeAction => ({
        title: choice.title,
        kind: 'quickfix',
        diagnostics: [diagnostic],
        isPreferred: choice.preferred ?? choices.length === 1,
        edit: { changes: { [uri]: [...choice.edits] } },
      }),
    );
  });
}

interface Case {
  readonly program: Program;
  readonly file: number;
  readonly diagnostic: Diagnostic;
  readonly message: string;
  readonly line: string;
  /** What the diagnostic underlines. */
  readonly text: string;
}

interface Choice {
  readonly title: string;
  readonly edits: readonly TextEdit[];
  readonly preferred?: boolean;
}

type Fix = (c: Case) => readonly Choice[];

const replace = (c: Case, newText: string): TextEdit => ({ range: c.diagnostic.range, newText });
const insertAt = (line: number, character: number, newText: string): TextEdit => {
  const place = { line, character };
  return { range: { start: place, end: place }, newText };
};

/** Names of the program that at most two inserted, left out or changed letters make of this one. */
function similar(program: Program, name: string): string[] {
  const lower = name.toLowerCase();
  const found: { name: string; far: number }[] = [];
  for (const entity of entitiesOf(program).entities) {
    if (entity.definitions.length === 0 || entity.name.startsWith('..@')) continue;
    const own = name.startsWith('.') ? entity.name.slice(entity.name.lastIndexOf('.')) : entity.name;
    if (Math.abs(own.length - lower.length) > 2) continue;
    const far = editDistance(own.toLowerCase(), lower);
    if (far <= (name.length < 4 ? 1 : 2) && own !== name) found.push({ name: own, far });
  }
  return [...new Set(found.sort((a, b) => a.far - b.far).map((f) => f.name))].slice(0, 3);
}

const SUGGESTED = /did you mean (?:the instruction )?"([^"]+)"/;

/** Below the last %include or directive of the head, where a constant can be defined. */
function headLine(program: Program, file: number): number {
  const lines = linesOfFile(program, file);
  let last = 0;
  lines.forEach((line, i) => {
    if (/^\s*(%include|bits\b|default\b|org\b)/i.test(line)) last = i + 1;
  });
  return last;
}

const FIXES: Readonly<Record<string, Fix>> = {
  'undefined-symbol': (c) => {
    const names = [...new Set([SUGGESTED.exec(c.message)?.[1], ...similar(c.program, c.text)])];
    const choices: Choice[] = names
      .filter((name): name is string => name !== undefined)
      .map((name) => ({ title: `Change to "${name}"`, edits: [replace(c, name)] }));
    const fact = factByName(c.text);
    const value =
      fact?.kind === 'vmcs'
        ? fact.field.encoding + (fact.high ? 1 : 0)
        : fact?.kind === 'msr'
          ? MSR_LIST.find((m) => m.name === fact.msr.name)!.index
          : fact?.kind === 'exit-reason'
            ? fact.reason.reason
            : undefined;
    if (value !== undefined) {
      const line = headLine(c.program, c.file);
      const text = `${c.text.padEnd(23)} equ 0x${value.toString(16).toUpperCase()}\n`;
      choices.unshift({
        title: `Define "${c.text}" as 0x${value.toString(16).toUpperCase()}`,
        edits: [insertAt(line, 0, text)],
      });
    }
    return choices;
  },
  'unknown-instruction': (c) => {
    const name = SUGGESTED.exec(c.message)?.[1] ?? closest(c.text.toLowerCase());
    const macros = [...entitiesOf(c.program).macros.values()].filter(
      (m) => m.kind === 'macro' && editDistance(m.name.toLowerCase(), c.text.toLowerCase()) <= 2,
    );
    const names = [...(name === undefined ? [] : [name]), ...macros.map((m) => m.name)];
    return names.map((text) => ({ title: `Change to "${text}"`, edits: [replace(c, text)] }));
  },
  'orphan-label': (c) => {
    const name = SUGGESTED.exec(c.message)?.[1];
    const end = c.diagnostic.range.end;
    return [
      ...(name === undefined ? [] : [{ title: `Change to the instruction "${name}"`, edits: [replace(c, name)] }]),
      { title: `Make "${c.text}" a label with a colon`, edits: [insertAt(end.line, end.character, ':')] },
    ];
  },
  'ptr-keyword': (c) => {
    const { start, end } = c.diagnostic.range;
    const range: Range = {
      start,
      end: { line: end.line, character: end.character + (c.line[end.character] === ' ' ? 1 : 0) },
    };
    return [{ title: 'Remove "ptr"', edits: [{ range, newText: '' }] }];
  },
  'size-missing': (c) => {
    const bracket = c.line.indexOf('[', 0);
    if (bracket < 0) return [];
    return ['byte', 'word', 'dword', 'qword'].map((size) => ({
      title: `Make the memory operand a ${size}`,
      edits: [insertAt(c.diagnostic.range.start.line, bracket, `${size} `)],
    }));
  },
  'segment-outside': (c) => {
    const match = /\b([c-gs]s)\s*:\s*\[/i.exec(c.line);
    if (!match) return [];
    const line = c.diagnostic.range.start.line;
    const range: Range = {
      start: { line, character: match.index },
      end: { line, character: match.index + match[0].length },
    };
    return [{ title: `Write [${match[1]}:…]`, edits: [{ range, newText: `[${match[1]}:` }] }];
  },
  'jump-range': (c) => {
    const match = /\bshort\s+/i.exec(c.line);
    if (!match) return [];
    const line = c.diagnostic.range.start.line;
    const range: Range = {
      start: { line, character: match.index },
      end: { line, character: match.index + match[0].length },
    };
    return [{ title: 'Remove "short"', edits: [{ range, newText: '' }] }];
  },
  'end-missing': (c) => {
    const word = /"(%[a-z]+)"/i.exec(c.message)?.[1]?.toLowerCase() ?? '%if';
    const end = word.includes('rep') ? '%endrep' : word.includes('macro') ? '%endmacro' : '%endif';
    const lines = linesOfFile(c.program, c.file);
    const last = lines.length - 1;
    const newline = lines[last] === '' ? '' : '\n';
    return [{ title: `Add ${end} at the end`, edits: [insertAt(last, lines[last]!.length, `${newline}${end}\n`)] }];
  },
  'bracket-unclosed': (c) => {
    const code = c.line.replace(/\s*(;.*)?$/, '');
    return [{ title: 'Add "]"', edits: [insertAt(c.diagnostic.range.start.line, code.length, ']')] }];
  },
  'extern-unsupported': (c) => [{ title: 'Remove this line', edits: [{ range: wholeLine(c), newText: '' }] }],
  'not-in-mode': () => [{ title: 'Add "bits 64" at the top', edits: [insertAt(0, 0, '        bits    64\n')] }],
  'register-only-in-64': () => [{ title: 'Add "bits 64" at the top', edits: [insertAt(0, 0, '        bits    64\n')] }],
  'rel-outside-64': () => [{ title: 'Add "bits 64" at the top', edits: [insertAt(0, 0, '        bits    64\n')] }],
  'unchecked-result': checkFlags,
  'unchecked-access': checkFlags,
  'resume-before-launch': (c) =>
    !/^vmresume$/i.test(c.text)
      ? []
      : [{ title: 'Launch the VMCS: VMLAUNCH', edits: [replace(c, inCaseOf(c.text, 'vmlaunch'))] }],
  'load-before-clear': (c) => {
    const operand = /^\s*(?:[\w.$@?]+:\s*)?vmptrld\s+([^;]*\])/i.exec(c.line)?.[1];
    if (operand === undefined) return [];
    const line = c.diagnostic.range.start.line;
    const column = ' '.repeat(c.diagnostic.range.start.character);
    const operands = /vmptrld(\s+)/i.exec(c.line)![1]!;
    const text = `${column}${inCaseOf(c.text, 'vmclear')}${operands}${operand}\n${column}${jump('jbe', handlerOf(c))}\n`;
    return [{ title: `Insert "vmclear ${operand}" before it`, edits: [insertAt(line, 0, text)] }];
  },
  'host-rip': (c) => {
    const label = labelLike(c, /^(host_?(entry|rip|exit)|vm_?exit\w*|exit_?(handler|entry))$/i);
    return label === undefined ? [] : [writeField(c, 'HOST_RIP', 0x6c16, 'lea', `[rel ${label}]`)];
  },
  'host-rsp': (c) => {
    const label = labelLike(c, /^host_?(stack|rsp)\w*$/i);
    return label === undefined
      ? [writeField(c, 'HOST_RSP', 0x6c14, 'mov', 'rsp')]
      : [writeField(c, 'HOST_RSP', 0x6c14, 'lea', `[rel ${label}]`)];
  },
  'guest-rip': (c) => {
    const label = labelLike(c, /^guest(_?(entry|start|code|rip))?$/i);
    return label === undefined ? [] : [writeField(c, 'GUEST_RIP', 0x681e, 'lea', `[rel ${label}]`)];
  },
  'link-pointer': (c) => [writeField(c, 'VMCS_LINK_POINTER', 0x2800, 'mov', '-1')],
};

const inCaseOf = (typed: string, name: string): string => (/^[A-Z]+$/.test(typed) ? name.toUpperCase() : name);

const jump = (mnemonic: string, target: string): string => `${mnemonic.padEnd(7)} ${target}`;

const labelLike = (c: Case, pattern: RegExp): string | undefined =>
  entitiesOf(c.program).entities.find((e) => e.kind === 'label' && e.definitions.length > 0 && pattern.test(e.name))
    ?.name;

const handlerOf = (c: Case): string => labelLike(c, /^[^.]*(fail|error)[^.]*$/i) ?? 'vmx_failed';

/** JBE, or JC and JZ, behind the instruction. */
function checkFlags(c: Case): readonly Choice[] {
  const line = c.diagnostic.range.start.line;
  const indent = ' '.repeat(/^\s*(?:[\w.$@?]+:\s*)?/.exec(c.line)![0].length) || '        ';
  const handler = handlerOf(c);
  const after = (text: string): TextEdit => insertAt(line, c.line.length, text);
  return [
    { title: `Add "jbe ${handler}"`, edits: [after(`\n${indent}${jump('jbe', handler)}`)], preferred: true },
    {
      title: `Add "jc ${handler}" and "jz ${handler}"`,
      edits: [after(`\n${indent}${jump('jc', handler)}\n${indent}${jump('jz', handler)}`)],
    },
  ];
}

/** A VMWRITE above the VM entry. */
function writeField(c: Case, field: string, encoding: number, load: string, value: string): Choice {
  const known = entitiesOf(c.program).byName.has(field) || entitiesOf(c.program).macros.has(field);
  const number = known ? field : `0x${encoding.toString(16).toUpperCase()}`;
  const column = ' '.repeat(c.diagnostic.range.start.character);
  const lines = [
    jump('mov', `edx, ${number}`),
    ...(value === 'rsp' ? [] : [jump(load, `rax, ${value}`)]),
    jump('vmwrite', `rdx, ${value === 'rsp' ? 'rsp' : 'rax'}`),
    jump('jbe', handlerOf(c)),
  ];
  return {
    title: `Write ${field}: ${value}`,
    edits: [insertAt(c.diagnostic.range.start.line, 0, lines.map((text) => `${column}${text}\n`).join(''))],
  };
}

function wholeLine(c: Case): Range {
  const { line } = c.diagnostic.range.start;
  return { start: { line, character: 0 }, end: { line: line + 1, character: 0 } };
}
