// Commands of the debug console on the real machine: registers, memory, search, disassembly, breakpoints, injection, traces, cancelling.
import { describe, expect, test } from 'vitest';
import { createScheduler } from '../../src/debugger/scheduler.ts';
import { launchedMachine, type MachineAdapter, whyNoBundle } from './machine-adapter.ts';
import { PATH, toyAdapter } from './toy-adapter.ts';

const skip = whyNoBundle();

/** Memory and registers that are known: 12 bytes of text, RAX and RBX. */
const TEXT = `bits 64
org 0x100000
        mov rax, 0x1122334455667788
        mov rbx, text
        nop
text:   db 'Hello world!', 0
        db 'H', 0, 'i', 0
`;

async function refused(adapter: MachineAdapter, line: string): Promise<string> {
  const answer = await adapter.raw('evaluate', { expression: line, context: 'repl' });
  expect(answer.success).toBe(false);
  return answer.message ?? '';
}

async function known(): Promise<MachineAdapter> {
  const adapter = await launchedMachine({}, TEXT);
  for (let i = 0; i < 2; i++) await adapter.toStop('next', { threadId: 1, granularity: 'instruction' });
  return adapter;
}

describe.skipIf(skip !== undefined)('reading', () => {
  test('regs', async () => {
    const adapter = await known();
    const text = await adapter.say('regs');
    expect(text).toContain('rax 0x1122334455667788  rbx 0x0000000000100015');
    expect(text).toContain('rip 0x0000000000100014');
    const all = await adapter.say('regs all');
    expect(all).toMatch(/^cs {3}0x0008 {2}base 0x0000000000000000/m);
    expect(all).toMatch(/^cr0 0x[0-9a-f]+ \(.*PG.*\)$/m);
    expect(await adapter.say('regs msrs')).toMatch(/^IA32_EFER +0x500$/m);
    expect(await refused(adapter, 'regs guest')).toContain('There is no current VMCS');
    expect(await refused(adapter, 'regs everything')).toContain(
      '"everything" is not one of guest, host, all, msrs.\nUsage: regs',
    );
  });

  test.each([
    ['dump text 13', 'hva:0x100015  48 65 6c 6c 6f 20 77 6f 72 6c 64 21 00           Hello world!.'],
    ['mem hpa:0x100015 4 dword', 'hpa:0x100015  6c6c6548                             Hell'],
    ['dump (rbx + 6) 5', 'hva:0x10001b  77 6f 72 6c 64                                   world'],
  ])('%s', async (command, expected) => {
    expect(await (await known()).say(command)).toBe(expected);
  });

  test('dump says where memory ends, and what is wrong', async () => {
    const adapter = await known();
    expect(await adapter.say('dump hpa:0xfffffc 8')).toMatch(
      /^hpa:0xfffffc {2}00 00 00 00 .*\nhpa:0x1000000 cannot be read/,
    );
    expect(await refused(adapter, 'dump')).toContain('Give an address.\nUsage: dump ADDRESS');
    expect(await refused(adapter, 'dump nowhere')).toContain('"nowhere" is no address');
    expect(await refused(adapter, 'dump rsp 0')).toContain('The length is from 1 to 65536');
    expect(await refused(adapter, 'dump rsp 1 2')).toContain('one word too many');
  });

  test.each([
    ['search "world"', 'hpa:0x10001b'],
    ['search text world', 'hpa:0x10001b'],
    ['search text "world" text', 'hva:0x10001b'],
    ['search {77 6f ?? 6c}', 'hpa:0x10001b'],
    ['search 77 6f ?? 6c text', 'hva:0x10001b'],
    ['search bytes 77 6f ?? 6c gpa:0x100000', 'gpa:0x10001b'],
    ['search u"Hi"', 'hpa:0x100022'],
    ['search dword:0x6c6c6548 text 0x100', 'hva:0x100015'],
    ['search dword 0x6c6c6548 text 0x100', 'hva:0x100015'],
    ['search qword:rax gpa:0x100000 0x100', 'gpa:0x100002'],
    ['search "nowhere to be found" text 16', undefined],
  ])('%s', async (command, expected) => {
    const adapter = await known();
    const found = await adapter.say(command);
    // What is there stands beside the place.
    expect(found).toBe(expected === undefined ? 'Not found.' : await adapter.say(`dump ${expected} 16`));
  });

  test.each([
    ['serch "a"', 'Is the command "search" meant?'],
    ['helpp', 'Is the command "help" meant?'],
    ['rax,z', '"z" is not a notation; x (hexadecimal), d (decimal)'],
    ['search', 'Say what to look for.'],
    ['search {xx}', 'is not a list of bytes'],
    ['search word', '"word" is neither'],
    ['search "" text', 'The text is empty.'],
    ['search "a" hpa:0x1000000', 'is beyond the RAM'],
  ])('%s is a mistake', async (command, expected) => {
    expect(await refused(await known(), command)).toContain(expected);
  });

  test('disasm marks where it stands and what has a breakpoint', async () => {
    const adapter = await known();
    await adapter.say('break 0x10000a');
    expect((await adapter.say('disasm 0x10000a 2')).split('\n')).toEqual([
      ' *0x10000a  48 bb 15 00 10 00 00 00 00 00   mov rbx, 0x100015',
      '→ 0x100014  90                              nop',
    ]);
    expect(await refused(adapter, 'disasm text 1 48')).toContain('The mode is 16, 32 or 64');
  });
});

describe.skipIf(skip !== undefined)('break', () => {
  test('sets, lists and removes', async () => {
    const adapter = await launchedMachine();
    expect(await adapter.say('break')).toBe('There are no breakpoints.');
    expect(await adapter.say('break exit:CPUID if rax == 0x40000000')).toMatch(/^\d+ {2}event {2}VM exit CPUID$/);
    expect(await adapter.say('break guest_function @guest hits >= 1 log "function: {rax}, if log"')).toMatch(
      /^\d+ {2}function {2}0x[0-9a-f]+ \(guest_function, /,
    );
    expect(await adapter.go()).toMatchObject({ description: 'VM exit: CPUID' });
    expect(await adapter.say('exits,d')).toBe('2');
    expect((await adapter.say('break')).split('\n')).toHaveLength(2);
    const first = /^(\d+)/.exec(await adapter.say('break'))?.[1];
    expect(await adapter.say(`break delete ${first}`)).toBe('Removed.');
    expect(await adapter.go()).toBeUndefined();
    const outputs = adapter.messages.filter(({ event }) => event === 'output').map(({ body }) => body?.output);
    expect(outputs).toContain('function: 0x40000000, if log\n');
  });

  test.each([
    ['break nowhere', 'has no function or label "nowhere"'],
    ['break exit:NONE', 'is not an exit reason'],
    ['break guest if rax ==', 'Condition:'],
    ['break guest log rax', 'stands in double quotes'],
    ['break guest hits often', 'is not a hit count'],
    ['break delete 99', 'has set no breakpoint 99'],
  ])('%s is a mistake and sets nothing', async (command, expected) => {
    const adapter = await launchedMachine();
    expect(await refused(adapter, command)).toContain(expected);
    expect(await adapter.say('break')).toBe('There are no breakpoints.');
  });

  test('completion', async () => {
    const adapter = await launchedMachine();
    const labels = async (text: string): Promise<string[]> => {
      const { targets } = await adapter.request('completions', { text, column: text.length + 1 });
      return (targets as { label: string }[]).map(({ label }) => label);
    };
    expect(await labels('break po')).toContain('port:');
    expect(await labels('break exit:CPU')).toEqual(['exit:CPUID']);
    expect(await labels('dump gpa:rs')).toEqual(expect.arrayContaining(['gpa:rsp', 'gpa:rsi']));
    expect(await labels('inject #P')).toContain('#PF');
  });
});

describe.skipIf(skip !== undefined)('inject', () => {
  test('an exception in a guest that does not handle it: the triple fault exits', async () => {
    const adapter = await launchedMachine();
    await adapter.say('break guest');
    await adapter.say('break exit:any');
    await adapter.go();
    expect(await adapter.say('inject #GP 0x18')).toBe('#GP, error code 0x18, happens before the next instruction.');
    expect(await refused(adapter, 'inject #GP')).toContain('#GP waits to be delivered already');
    expect(await adapter.go()).toMatchObject({ description: 'VM exit: Triple fault' });
  });

  test('an interrupt waits for RFLAGS.IF and reaches its handler without a device', async () => {
    const text = `bits 64
org 0x100000
        lidt [register]
        mov rax, handler
        mov [idt + 0x50 * 16], ax
        mov word [idt + 0x50 * 16 + 2], cs
        mov word [idt + 0x50 * 16 + 4], 0x8e00
        shr rax, 16
        mov [idt + 0x50 * 16 + 6], ax
ready:  nop
        nop
        sti
        nop
        nop
here:   jmp here
handler:
        jmp handler
register: dw 0xfff
        dq idt
        align 16
idt:    times 0x1000 db 0
`;
    const adapter = await launchedMachine({}, text);
    await adapter.say('break ready');
    await adapter.go();
    expect(await adapter.say('inject interrupt 0x50')).toContain('Interrupt 80 happens');
    await adapter.say('break handler');
    await adapter.go();
    // Blocking by STI ends with the first NOP after it: the second is the interrupted one.
    const [pushed] = adapter.machine().peekLinear('root', adapter.machine().readRegister('rsp') ?? 0n, 1);
    expect(pushed).toBe(Number((await symbol(adapter, 'here')) - 1n) & 0xff);
  });

  test.each([
    ['inject', 'Say which event.'],
    ['inject #ZZ', 'is neither an exception, nor interrupt or nmi'],
    ['inject interrupt', 'Give the vector'],
    ['inject interrupt 5', 'from 16 to 255'],
    ['inject #UD 1', 'has no error code'],
    ['inject 15', 'Vector 15 is not an exception'],
    ['inject 0x50', "Vector 80 is not an exception's; an interrupt is injected with: inject interrupt 0x50"],
  ])('%s is a mistake', async (command, expected) => {
    expect(await refused(await launchedMachine(), command)).toContain(expected);
  });
});

/** The text of a file that the adapter wrote. */
function written(adapter: MachineAdapter, path: string): string {
  return String(adapter.files.get(path) ?? '');
}

async function symbol(adapter: MachineAdapter, name: string): Promise<bigint> {
  return BigInt((await adapter.say(name)).split(' ')[0] ?? '0');
}

describe.skipIf(skip !== undefined)('trace', () => {
  test('exits and entries until it is stopped', async () => {
    const adapter = await launchedMachine();
    expect(await adapter.say('trace /out/exits.txt')).toContain('go to /out/exits.txt');
    await adapter.say('break exit:HLT');
    await adapter.go();
    expect(await adapter.say('trace stop')).toBe('8 lines written to /out/exits.txt.');
    const lines = written(adapter, '/out/exits.txt').trim().split('\n');
    // The guest's CPUID, CPUID, VMCALL and HLT, each with the VM entry before it.
    expect(lines.map((text) => /^(\w+) .*@ +\d+ {2}(\w+)/.exec(text)?.slice(1).join(' '))).toEqual([
      'entry VMLAUNCH',
      'exit CPUID',
      'entry VMRESUME',
      'exit CPUID',
      'entry VMRESUME',
      'exit VMCALL',
      'entry VMRESUME',
      'exit HLT',
    ]);
  });

  test('instructions', async () => {
    const adapter = await launchedMachine({}, TEXT);
    expect(await adapter.say('trace /out/steps.txt 3')).toBe('3 lines written to /out/steps.txt.');
    expect(
      written(adapter, '/out/steps.txt')
        .split('\n')
        .map((text) => text.trim().replace(/\s+/g, ' ')),
    ).toEqual([
      'root 0 0x100000 mov rax, 0x1122334455667788',
      'root 1 0x10000a mov rbx, 0x100015',
      'root 2 0x100014 nop',
      '',
    ]);
    expect(await adapter.say('rip')).toContain('0x100015');
  });

  test.each([
    ['trace stop', 'Nothing is traced.'],
    ['trace /nowhere/x', '/nowhere/x cannot be written: there is no such folder'],
    ['trace /out/x 0', 'The count is from 1'],
  ])('%s is a mistake', async (command, expected) => {
    expect(await refused(await launchedMachine(), command)).toContain(expected);
  });
});

describe.skipIf(skip !== undefined)('long work', () => {
  test('is cancelled by its request, while it is done', async () => {
    const adapter = await launchedMachine({}, 'bits 64\norg 0x100000\nagain: jmp again\n');
    const before = adapter.messages.length;
    const work = adapter.raw('evaluate', { expression: 'trace /out/long.txt 1000000', context: 'repl' });
    const started = adapter.event('progressStart');
    const { body } = await started;
    expect(body).toMatchObject({ cancellable: true, title: 'Tracing 1000000 steps' });
    const cancel = adapter.raw('cancel', { progressId: body?.progressId });
    expect(await cancel).toMatchObject({ success: true });
    expect(await work).toMatchObject({ success: true, body: { result: expect.stringContaining('Cancelled.') } });
    const ends = adapter.messages.slice(before).filter(({ event }) => event === 'progressEnd');
    expect(ends).toHaveLength(1);
  });

  test('loading a program shows how far it is, and can be cancelled', async () => {
    // A clock on which every look at it takes a while.
    let time = 0;
    const scheduler = { ...createScheduler(), now: () => (time += 300) };
    const adapter = toyAdapter(undefined, { scheduler });
    const images = ['a', 'b', 'c', 'd'].map((name) => `/images/${name}.asm`);
    for (const path of images) adapter.files.set(path, 'bits 64\nnop\n');
    await adapter.request('initialize', { adapterID: 'ringside', supportsProgressReporting: true });
    const launch = { program: PATH, stopOnEntry: true, images };
    const first = adapter.raw('launch', launch);
    const { body } = await adapter.event('progressStart');
    expect(body).toMatchObject({ title: 'Loading toy.asm', cancellable: true });
    await adapter.request('cancel', { progressId: body?.progressId });
    expect(await first).toMatchObject({ success: false, message: expect.stringMatching(/^cancelled/) });
    expect(adapter.messages.filter(({ event }) => event === 'progressEnd')).toHaveLength(1);
    // Nothing of it is left: the next launch is the first.
    const before = adapter.messages.length;
    expect(await adapter.raw('launch', launch)).toMatchObject({ success: true });
    const told = adapter.messages
      .slice(before)
      .flatMap(({ event, body: shown }) => (event?.startsWith('progress') === true ? [shown?.percentage] : []));
    const parts = told.slice(0, -1) as number[];
    expect(parts.length).toBeGreaterThan(3);
    expect(parts).toEqual(parts.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBeUndefined();
    adapter.adapter.dispose();
  });

  test('a request that waits is taken back', async () => {
    const adapter = await launchedMachine();
    const first = adapter.raw('evaluate', { expression: 'search "no such text anywhere"', context: 'repl' });
    const second = adapter.raw('evaluate', { expression: 'rax', context: 'repl' });
    // The adapter counts requests as the client numbers them: the second is the last sent.
    await adapter.raw('cancel', { requestId: adapter.lastSeq() });
    expect(await second).toMatchObject({ success: false, message: expect.stringMatching(/^cancelled/) });
    expect(await first).toMatchObject({ success: true });
  });
});
