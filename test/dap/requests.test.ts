import { describe, expect, test } from 'vitest';
import { launchedToy, lineOf, PATH, toyAdapter, type ToyAdapter } from './toy-adapter.ts';

interface Row {
  readonly name: string;
  readonly value: string;
  readonly variablesReference: number;
  readonly memoryReference?: string;
  readonly evaluateName?: string;
  readonly presentationHint?: { readonly attributes?: readonly string[] };
}

const THREAD = { threadId: 1 };

async function stack(
  toy: ToyAdapter,
): Promise<
  { id: number; name: string; line: number; presentationHint?: string; instructionPointerReference?: string }[]
> {
  return (await toy.request('stackTrace', THREAD)).stackFrames as never;
}

async function scope(toy: ToyAdapter, name: string): Promise<Row[]> {
  const [top] = await stack(toy);
  const scopes = (await toy.request('scopes', { frameId: top?.id })).scopes as {
    name: string;
    variablesReference: number;
  }[];
  const found = scopes.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no scope ${name} in ${scopes.map((candidate) => candidate.name)}`);
  return children(toy, found.variablesReference);
}

async function children(toy: ToyAdapter, variablesReference: number): Promise<Row[]> {
  return (await toy.request('variables', { variablesReference })).variables as Row[];
}

async function evaluate(toy: ToyAdapter, expression: string, context = 'watch'): Promise<string> {
  return (await toy.request('evaluate', { expression, context })).result as string;
}

describe('F5 and what follows', () => {
  test('stops at the first VM exit', async () => {
    const toy = await launchedToy();
    expect(toy.first).toMatchObject({ reason: 'exception', description: 'VM exit: CPUID', threadId: 1 });
    const info = await toy.request('exceptionInfo', THREAD);
    expect(info.exceptionId).toBe('VM exit: CPUID');
    expect(info.description).toContain('CPUID leaf 0x1, subleaf 0x0');
    expect(info.description).toContain('Guest RIP: 0x2001 (guest+0x1, toy.asm:');
    expect((await stack(toy)).map(({ name, line, presentationHint }) => [name, line, presentationHint])).toEqual([
      ['handler', lineOf('nop', 3), undefined],
      ['VM exit 1: CPUID', 0, 'label'],
      ['guest+0x1', lineOf('cpuid', 1), undefined],
    ]);
    const threads = await toy.request('threads');
    expect(threads.threads).toEqual([{ id: 1, name: 'CPU 0 — VMX root' }]);
  });

  test('reads the VMCS, steps into the guest and into the handler', async () => {
    const toy = await launchedToy();
    const exit = await scope(toy, 'Exit information');
    expect(exit.find((row) => row.name === 'EXIT_REASON')?.value).toBe('0xa (CPUID)');
    const guest = await scope(toy, 'Guest-state area');
    expect(guest.find((row) => row.name === 'GUEST_RIP')).toMatchObject({
      value: '0x2001 (guest+0x1)',
      memoryReference: 'gva:0x2001',
    });
    await toy.request('setBreakpoints', { source: { path: PATH }, breakpoints: [{ line: lineOf('vmresume') }] });
    expect(await toy.toStop('continue', THREAD)).toMatchObject({ reason: 'breakpoint' });
    expect(await toy.toStop('stepIn', THREAD)).toMatchObject({ reason: 'step' });
    expect((await stack(toy)).map(({ name, line }) => [name, line])).toEqual([
      ['guest+0x3', lineOf('inc rax', 2)],
      ['entered by VMRESUME', 0],
      ['handler+0x6', lineOf('vmresume')],
    ]);
    await toy.toStop('next', THREAD);
    await toy.toStop('stepIn', THREAD);
    expect((await stack(toy)).map(({ name }) => name)).toEqual([
      'guest_function',
      'guest+0xb',
      'entered by VMRESUME',
      'handler+0x6',
    ]);
    await toy.toStop('stepIn', THREAD);
    expect((await stack(toy))[0]?.name).toBe('handler');
  });

  test('an exit filter by reason with a condition', async () => {
    const toy = await launchedToy();
    const answer = await toy.request('setExceptionBreakpoints', {
      filters: [],
      filterOptions: [{ filterId: 'by-reason', condition: 'exit.reason == VMCALL && hits >= 2' }],
    });
    expect(answer.breakpoints).toEqual([{ verified: true }]);
    expect(await toy.toStop('continue', THREAD)).toMatchObject({ description: 'VM exit: VMCALL' });
    expect(await evaluate(toy, 'exits')).toBe('0x7');
  });

  test('stopOnEntry', async () => {
    const toy = await launchedToy({ stopOnEntry: true, stopOnFirstVmExit: false });
    expect(toy.first).toMatchObject({ reason: 'entry' });
    expect((await stack(toy)).map(({ name }) => name)).toEqual(['_start']);
  });
});

describe('variables', () => {
  test('registers are hexadecimal, flags are named, references lead to memory', async () => {
    const toy = await launchedToy();
    const general = await scope(toy, 'General registers');
    expect(general.find((row) => row.name === 'rip')).toMatchObject({
      value: '0x1100 (handler)',
      memoryReference: 'hva:0x1100',
    });
    const flags = general.find((row) => row.name === 'rflags');
    const bits = await children(toy, flags?.variablesReference ?? 0);
    expect(bits.find((bit) => bit.name === 'ZF')?.value).toBe('0');
  });

  test('a register can be changed, and the change is marked', async () => {
    const toy = await launchedToy();
    const [top] = await stack(toy);
    const scopes = (await toy.request('scopes', { frameId: top?.id })).scopes as {
      name: string;
      variablesReference: number;
    }[];
    const reference = scopes[0]?.variablesReference ?? 0;
    await children(toy, reference);
    const changed = await toy.request('setVariable', {
      variablesReference: reference,
      name: 'rbx',
      value: 'rax + 0x40',
    });
    expect(changed.value).toBe('0x41');
    expect(toy.toy().readRegister('rbx')).toBe(0x41n);
    await toy.toStop('next', THREAD);
    const after = await children(toy, reference);
    expect(after.find((row) => row.name === 'rip')?.presentationHint?.attributes).toContain('changed');
    expect(after.find((row) => row.name === 'rcx')?.presentationHint?.attributes ?? []).not.toContain('changed');
  });

  test('one bit of a control word can be changed', async () => {
    const toy = await launchedToy();
    const controls = await scope(toy, 'Control fields');
    const pin = controls.find((row) => row.name === 'PIN_BASED_VM_EXECUTION_CONTROLS');
    await toy.request('setVariable', { variablesReference: pin?.variablesReference, name: 'NMI exiting', value: '1' });
    expect(toy.toy().readVmcs(0x4000)).toBe(0x1en);
    const refused = await toy.raw('setVariable', {
      variablesReference: pin?.variablesReference,
      name: 'NMI exiting',
      value: '2',
    });
    expect(refused).toMatchObject({ success: false, message: expect.stringContaining('largest value is 0x1') });
  });

  test('exit information cannot be changed', async () => {
    const toy = await launchedToy();
    const exit = await scope(toy, 'Exit information');
    expect(exit.find((row) => row.name === 'EXIT_REASON')?.presentationHint?.attributes).toContain('readOnly');
  });

  test('references stay the same from stop to stop', async () => {
    const toy = await launchedToy();
    const references = async (): Promise<unknown> => {
      const [top] = await stack(toy);
      return ((await toy.request('scopes', { frameId: top?.id })).scopes as { variablesReference: number }[]).map(
        (row) => row.variablesReference,
      );
    };
    const before = await references();
    await toy.toStop('next', THREAD);
    expect(await references()).toEqual(before);
  });

  test('the frame of the other side shows the other side', async () => {
    const toy = await launchedToy();
    const guest = (await stack(toy))[2];
    const scopes = (await toy.request('scopes', { frameId: guest?.id })).scopes as {
      name: string;
      variablesReference: number;
    }[];
    const general = await children(toy, scopes[0]?.variablesReference ?? 0);
    expect(general.find((row) => row.name === 'rip')).toMatchObject({
      value: '0x2001 (guest+0x1)',
      evaluateName: 'guest.rip',
    });
    const result = await toy.request('evaluate', { expression: 'rip', frameId: guest?.id, context: 'watch' });
    expect(result.result).toBe('0x2001');
  });
});

describe('evaluate', () => {
  test.each([
    ['rip', '0x1100'],
    ['guest.rip', '0x2001'],
    ['GUEST_CR0.PG', '0x1'],
    ['exit.reason', '0xa (CPUID)'],
    ['exit.reason == CPUID', '1'],
    ['handler + 1', '0x1101'],
    ['byte[handler]', '0x90'],
    ['dword[gpa:0x1100]', '0x151ae890'],
    ['rax,d', '1'],
    ['-1', '-1 (0xffffffffffffffff)'],
  ])('%s is %s', async (expression, result) => {
    const toy = await launchedToy();
    if (expression === 'dword[gpa:0x1100]') toy.toy().memory.set([0x90, 0xe8, 0x1a, 0x15], 0x1100);
    expect(await evaluate(toy, expression)).toBe(result);
  });

  test('the debug console assigns; a watch does not', async () => {
    const toy = await launchedToy();
    expect(await evaluate(toy, 'rbx = 0x1234', 'repl')).toBe('0x1234');
    expect(await toy.raw('evaluate', { expression: 'rbx = 1', context: 'watch' })).toMatchObject({ success: false });
    expect(toy.toy().readRegister('rbx')).toBe(0x1234n);
    await toy.request('setExpression', { expression: 'GUEST_RIP', value: 'guest + 3' });
    expect(await evaluate(toy, 'GUEST_RIP')).toBe('0x2003');
  });

  test('explain and help', async () => {
    const toy = await launchedToy();
    expect(await evaluate(toy, 'explain', 'repl')).toContain('VM exit: CPUID');
    expect(await evaluate(toy, 'help', 'repl')).toContain('qword[rsp]');
  });

  test('an error says where', async () => {
    const toy = await launchedToy();
    expect(await toy.raw('evaluate', { expression: 'rax + nobody', context: 'watch' })).toMatchObject({
      success: false,
      message: expect.stringMatching(/`nobody` is not .* \(at column 7\)/),
    });
  });

  test('completions', async () => {
    const toy = await launchedToy();
    const { targets } = (await toy.request('completions', { text: 'rax + GUEST_R', column: 14 })) as {
      targets: { label: string; start: number }[];
    };
    expect(targets.map((target) => target.label)).toEqual(
      expect.arrayContaining(['GUEST_RIP', 'GUEST_RSP', 'GUEST_RFLAGS']),
    );
    expect(targets[0]?.start).toBe(6);
  });
});

describe('memory and disassembly', () => {
  test('reads and writes', async () => {
    const toy = await launchedToy();
    const read = await toy.request('readMemory', { memoryReference: 'hva:0x1100', count: 4 });
    expect(Buffer.from(read.data as string, 'base64').toString('hex')).toBe('90e81a00');
    await toy.request('writeMemory', { memoryReference: 'gpa:0x3000', data: Buffer.from('abc').toString('base64') });
    expect(toy.toy().memory.subarray(0x3000, 0x3003)).toEqual(new Uint8Array([97, 98, 99]));
    const beyond = await toy.request('readMemory', { memoryReference: '0x1fffe', count: 0x1004 });
    expect(beyond).toMatchObject({ unreadableBytes: 0x1002 });
    expect(await toy.raw('writeMemory', { memoryReference: '0x1fffe', data: 'AAAAAA==' })).toMatchObject({
      success: false,
      message: expect.stringContaining('not present'),
    });
  });

  test('disassembles forwards and backwards, with symbols and lines', async () => {
    const toy = await launchedToy();
    const { instructions } = (await toy.request('disassemble', {
      memoryReference: '0x1101',
      instructionOffset: -1,
      instructionCount: 4,
      resolveSymbols: true,
    })) as { instructions: { address: string; instruction: string; symbol?: string; line?: number }[] };
    expect(instructions.map((row) => [row.address, row.instruction.replaceAll(/\s+/g, ' '), row.symbol])).toEqual([
      ['0x1100', 'nop', 'handler'],
      ['0x1101', 'call 0x1120 ; skip', undefined],
      ['0x1106', 'vmresume', undefined],
      ['0x1109', 'add [rax], al', undefined],
    ]);
    expect(instructions[0]?.line).toBe(lineOf('nop', 3));
  });

  test('always answers as many rows as were asked for', async () => {
    const toy = await launchedToy();
    for (const [memoryReference, instructionOffset, instructionCount] of [
      ['0x0', -50, 100],
      ['0x1fff0', -10, 60],
      ['0x99999999', -5, 10],
      ['0x1100', 20, 5],
    ] as const) {
      const { instructions } = await toy.request('disassemble', {
        memoryReference,
        instructionOffset,
        instructionCount,
      });
      expect(instructions).toHaveLength(instructionCount);
    }
  });
});

describe('breakpoints', () => {
  test('lines, functions, instructions', async () => {
    const toy = await launchedToy();
    const lines = await toy.request('setBreakpoints', {
      source: { path: PATH },
      breakpoints: [{ line: lineOf('handler:') }, { line: 1000 }],
    });
    expect(lines.breakpoints).toMatchObject([{ verified: true, line: lineOf('nop', 3) }, { verified: false }]);
    const functions = await toy.request('setFunctionBreakpoints', {
      breakpoints: [{ name: 'guest_function' }, { name: 'none' }],
    });
    expect(functions.breakpoints).toMatchObject([{ verified: true, line: lineOf('cpuid', 2) }, { verified: false }]);
    const instructions = await toy.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x2000', offset: 3 }, { instructionReference: 'gpa:0' }],
    });
    expect(instructions.breakpoints).toMatchObject([
      { verified: true, line: lineOf('inc rax', 2) },
      { verified: false },
    ]);
    expect(await toy.toStop('continue', THREAD)).toMatchObject({ reason: 'instruction breakpoint' });
    expect(await toy.toStop('continue', THREAD)).toMatchObject({ reason: 'function breakpoint' });
    expect(await toy.toStop('continue', THREAD)).toMatchObject({ reason: 'breakpoint' });
  });

  test('a logpoint becomes output', async () => {
    const toy = await launchedToy();
    await toy.request('setBreakpoints', {
      source: { path: PATH },
      breakpoints: [{ line: lineOf('vmcall'), logMessage: 'rax is {rax}' }],
    });
    await toy.request('setExceptionBreakpoints', { filters: ['exit-idle'] });
    await toy.toStop('continue', THREAD);
    const logs = toy.messages.filter((message) => message.event === 'output').map((message) => message.body);
    expect(logs).toContainEqual(expect.objectContaining({ output: 'rax is 0x2\n', line: lineOf('vmcall') }));
  });

  test('locations', async () => {
    const toy = await launchedToy();
    const { breakpoints } = await toy.request('breakpointLocations', {
      source: { path: PATH },
      line: lineOf('guest:'),
      endLine: lineOf('inc rax', 2),
    });
    expect((breakpoints as { line: number }[]).map((row) => row.line)).toEqual([
      lineOf('nop', 4),
      lineOf('cpuid'),
      lineOf('inc rax', 2),
    ]);
  });

  test('restart keeps them', async () => {
    const toy = await launchedToy({ stopOnFirstVmExit: false, stopOnEntry: true });
    await toy.request('setFunctionBreakpoints', { breakpoints: [{ name: 'nowhere' }] });
    const set = await toy.request('setFunctionBreakpoints', { breakpoints: [{ name: 'guest' }] });
    const [{ id }] = set.breakpoints as [{ id: number }];
    expect(await toy.toStop('continue', THREAD)).toMatchObject({ hitBreakpointIds: [id] });
    expect(toy.toy().entryCount()).toBe(1);
    expect(await toy.toStop('restart', {})).toMatchObject({ reason: 'entry' });
    expect(toy.toy().entryCount()).toBe(0);
    expect(await toy.toStop('continue', THREAD)).toMatchObject({
      reason: 'function breakpoint',
      hitBreakpointIds: [id],
    });
  });
});

test('breakpoints that are set while the machine runs', async () => {
  const toy = await launchedToy();
  await toy.request('continue', THREAD);
  expect(await toy.toStop('setFunctionBreakpoints', { breakpoints: [{ name: 'guest_function' }] })).toMatchObject({
    reason: 'function breakpoint',
  });
  await toy.request('setFunctionBreakpoints', { breakpoints: [] });
  await toy.request('continue', THREAD);
  expect(await toy.toStop('setExceptionBreakpoints', { filters: ['exit-idle'] })).toMatchObject({
    description: 'VM exit: HLT',
  });
});

describe('sources and modules', () => {
  test('are those of the program', async () => {
    const toy = await launchedToy();
    expect(await toy.request('loadedSources')).toEqual({ sources: [{ name: 'toy.asm', path: PATH }] });
    expect(await toy.request('modules')).toMatchObject({
      modules: [{ name: 'toy.asm', addressRange: '0x1000 to 0x2023' }],
    });
  });
});

describe('clients count and name as they like', () => {
  test('lines from 0, URIs', async () => {
    const toy = toyAdapter();
    await toy.request('initialize', { linesStartAt1: false, columnsStartAt1: false, pathFormat: 'uri' });
    const initialized = toy.event('initialized');
    await toy.request('launch', { program: PATH, stopOnEntry: true });
    await initialized;
    const answer = await toy.request('setBreakpoints', {
      source: { path: `file://${PATH}` },
      breakpoints: [{ line: lineOf('vmcall') - 1 }],
    });
    expect(answer.breakpoints).toMatchObject([
      { verified: true, line: lineOf('vmcall') - 1, source: { path: `file://${PATH}` } },
    ]);
  });
});

describe('ending', () => {
  test('terminate', async () => {
    const toy = await launchedToy();
    const terminated = toy.event('terminated');
    await toy.request('terminate');
    await terminated;
    expect(await toy.raw('continue', THREAD)).toMatchObject({ success: false });
    await toy.request('disconnect');
  });

  test('pause while it runs', async () => {
    const toy = await launchedToy();
    await toy.request('continue', THREAD);
    expect(await toy.raw('stackTrace', THREAD)).toMatchObject({
      success: false,
      message: expect.stringContaining('running'),
    });
    expect(await toy.toStop('pause', THREAD)).toMatchObject({ reason: 'pause' });
  });
});

describe('for the language server', () => {
  test('names registers, and VM exits by their source lines', async () => {
    const toy = await launchedToy();
    const state = await toy.request('ringside/language', {});
    expect(Object.keys(state.registers as object)).toContain('rip');
    expect(Array.isArray(state.exits)).toBe(true);
  });
});
