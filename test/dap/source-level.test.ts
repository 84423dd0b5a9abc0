// The C of a hypervisor and of its guests over the protocol: breakpoints, variables, the stack on both sides, other files’ symbols.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { afterEach, describe, expect, test } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import { build } from '../program/compile.ts';
import { lacking, run, temporaryFolder } from '../program/toolchain.ts';
import { coreModule } from '../vmx/hypervisors.ts';
import { type ToyAdapter, toyAdapter } from './toy-adapter.ts';

const FOLDER = join(import.meta.dirname, '../../samples/tiny-hypervisor');
const PROGRAM = join(FOLDER, 'tiny-hypervisor.elf');
const THREAD = { threadId: 1 };

const lineOf = (file: string, text: string): number => {
  const lines = readFileSync(join(FOLDER, file), 'utf8').split('\n');
  const index = lines.findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`no "${text}" in ${file}`);
  return index + 1;
};

class Client {
  readonly adapter: ToyAdapter;
  readonly texts: string[] = [];

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.adapter = toyAdapter(undefined, {
      readFile: async (path) => files.get(path) ?? new Uint8Array(readFileSync(path)),
      createMachine: async (program, settings) => createMachine({ coreWasm: coreModule(), program, ...settings }),
    });
    this.adapter.adapter.onDidSendMessage((message) => {
      const { event, body } = message as { event?: string; body?: { output?: string } };
      if (event === 'output') this.texts.push(body?.output ?? '');
    });
  }

  /** Up to the program's entry. */
  async launch(options: Record<string, unknown> = {}): Promise<void> {
    await this.adapter.request('initialize', { adapterID: 'ringside', linesStartAt1: true, columnsStartAt1: true });
    const initialized = this.adapter.event('initialized');
    await this.adapter.request('launch', {
      program: PROGRAM,
      memory: 64,
      stopOnEntry: true,
      stopOnFirstVmExit: false,
      ...options,
    });
    await initialized;
    await this.adapter.request('setExceptionBreakpoints', { filters: [] });
    await this.adapter.toStop('configurationDone');
  }

  async runTo(name: string, condition?: string): Promise<void> {
    await this.adapter.request('setFunctionBreakpoints', { breakpoints: [{ name, condition }] });
    const stop = await this.adapter.toStop('continue', THREAD);
    expect(stop.reason, String(stop.text ?? '')).toBe('function breakpoint');
    expect(stop.text).toBeUndefined();
    await this.adapter.request('setFunctionBreakpoints', { breakpoints: [] });
  }

  async frames(): Promise<DebugProtocol.StackFrame[]> {
    return (await this.adapter.request('stackTrace', THREAD)).stackFrames as DebugProtocol.StackFrame[];
  }

  async frame(name: string): Promise<DebugProtocol.StackFrame> {
    const frames = await this.frames();
    const found = frames.find((frame) => frame.name === name);
    if (found === undefined) throw new Error(`no frame ${name} among ${frames.map((frame) => frame.name).join(', ')}`);
    return found;
  }

  async scope(frameName: string, scope: string): Promise<DebugProtocol.Variable[]> {
    const { id } = await this.frame(frameName);
    const { scopes } = (await this.adapter.request('scopes', { frameId: id })) as unknown as {
      scopes: DebugProtocol.Scope[];
    };
    const found = scopes.find((candidate) => candidate.name === scope);
    if (found === undefined) throw new Error(`no ${scope} among ${scopes.map(({ name }) => name).join(', ')}`);
    return this.below(found.variablesReference);
  }

  async below(variablesReference: number, more: object = {}): Promise<DebugProtocol.Variable[]> {
    return (await this.adapter.request('variables', { variablesReference, ...more }))
      .variables as DebugProtocol.Variable[];
  }

  async evaluate(
    expression: string,
    frameName?: string,
    context = 'watch',
  ): Promise<DebugProtocol.EvaluateResponse['body']> {
    const frameId = frameName === undefined ? undefined : (await this.frame(frameName)).id;
    const body: unknown = await this.adapter.request('evaluate', { expression, frameId, context });
    return body as DebugProtocol.EvaluateResponse['body'];
  }
}

/** The guest's source and what it is built into, in a folder of its own; linked at 0. */
function guestInRealMode(): { source: string; text: string; image: string } {
  const folder = temporaryFolder();
  const source = join(folder, 'guest16.S');
  const text = readFileSync(join(FOLDER, 'guest16.S'), 'utf8').replace('.section .rodata', '.text');
  writeFileSync(source, text);
  run('gcc', ['-m32', '-g', '-gdwarf-5', '-c', '-o', 'guest16.o', source], folder);
  run(
    'ld',
    ['-m', 'elf_i386', '--no-warn-rwx-segments', '-Ttext=0', '-e', '0', '-o', 'guest16.elf', 'guest16.o'],
    folder,
  );
  const image = join(folder, 'guest16.elf');
  return { source, text, image };
}

describe.skipIf(!existsSync(PROGRAM))('a hypervisor in C', () => {
  let client: Client;
  afterEach(() => client.adapter.adapter.dispose());

  test('break in its handler, read its structures, edit them, go on into the guest’s C', async () => {
    client = new Client();
    await client.launch();
    await client.runTo('handle_vmcall', 'vm->exits == 3 && vm->registers.rax == CALL_PRINT_TEXT');
    const frames = await client.frames();
    expect(frames.map(({ name }) => name)).toEqual([
      'handle_vmcall',
      'handle_exit',
      'run_turn',
      'vm_run_all',
      'main',
      expect.stringMatching(/^start64\+/),
      'VM exit 3: VMCALL',
      'hypercall',
      'say',
      'expect',
      'guest64_main',
    ]);
    const at = (name: string) => {
      const frame = frames.find((candidate) => candidate.name === name);
      return `${frame?.source?.name}:${frame?.line}`;
    };
    expect(at('main')).toBe(`main.c:${lineOf('main.c', 'vm_run_all(vms, count);')}`);
    expect(at('guest64_main')).toBe(`guest64.c:${lineOf('guest64.c', 'CPUID shows a hypervisor')}`);
    expect(at('expect')).toBe(`guest64.c:${lineOf('guest64.c', 'say(holds ?')}`);

    const [vm] = await client.scope('handle_vmcall', 'Arguments');
    expect(vm).toMatchObject({ name: 'vm', type: 'struct vm *', evaluateName: 'vm' });
    expect(vm?.memoryReference).toBe(`hva:${vm?.value.split(' ')[0]}`);
    const members = await client.below(vm!.variablesReference);
    const member = (name: string) => members.find((candidate) => candidate.name === name)!;
    expect(member('name').value).toMatch(/^0x[0-9a-f]+ \("guest 1[^"]*"\)$/);
    expect(member('exits')).toMatchObject({ value: '0x3', type: 'uint64_t', evaluateName: 'vm->exits' });
    const registers = await client.below(member('registers').variablesReference);
    expect(registers.map(({ name }) => name).slice(0, 4)).toEqual(['rax', 'rcx', 'rdx', 'rbx']);
    expect((await client.evaluate('(const char *)vm->registers.rbx')).result).toMatch(/"guest 1: as expected: "/);

    // A large array in parts, and where it is.
    const vmcs = member('vmcs');
    expect(vmcs).toMatchObject({ type: 'uint8_t [4096]', indexedVariables: 4096 });
    const part = await client.below(vmcs.variablesReference, { filter: 'indexed', start: 4090, count: 10 });
    expect(part.map(({ name }) => name)).toEqual(['[4090]', '[4091]', '[4092]', '[4093]', '[4094]', '[4095]']);
    expect((await client.evaluate('&vm->vmcs')).result).toContain(vmcs.memoryReference!.replace('hva:', ''));
    expect((await client.evaluate('vmcs == &vm->vmcs[0]')).result).toBe('1');

    // By name: the static array of handlers, an entry's function.
    expect((await client.evaluate('handlers[EXIT_VMCALL].handle', 'handle_exit')).result).toMatch(/\(handle_vmcall\)$/);
    await expect(client.evaluate('reason', 'handle_exit')).rejects.toThrow('`reason` is optimized out here');
    expect((await client.evaluate('vm->exits', 'handle_exit')).result).toBe('0x3');
    expect((await client.evaluate('sizeof(struct vm)')).result).toBe('0x2000');
    const globals = await client.scope('handle_exit', 'Globals');
    expect(globals.map(({ name }) => name)).toContain('handlers');

    // Written through: the structure, and a caller's variable where it was saved.
    const set = await client.adapter.request('setVariable', {
      variablesReference: vm!.variablesReference,
      name: 'device_value',
      value: '0x77',
    });
    expect(set.value).toBe('0x77');
    expect((await client.evaluate('((struct vm *)rdi)->device_value')).result).toBe('0x77');
    await client.evaluate('vm->private_msr = 5 + 6', 'handle_vmcall', 'repl');
    expect((await client.evaluate('vm->private_msr, d')).result).toBe('11');

    // Out of the handler, into the guest.
    const where = async () => {
      const [top] = await client.frames();
      return top!.name;
    };
    for (const name of ['handle_exit', 'run_turn', 'vm_run_all', 'main']) {
      await client.adapter.toStop('stepOut', THREAD);
      expect(await where()).toBe(name);
      if (name === 'run_turn') break;
    }
    await client.runTo('read_cr4');
    const guest = await client.frames();
    expect(guest.map(({ name }) => name).slice(0, 3)).toEqual(['read_cr4', 'guest64_main', 'entered by VMRESUME']);
    // The hypervisor that waits for this guest is there too, with its variables.
    expect(guest.map(({ name }) => name).slice(3)).toEqual([
      'vcpu_enter',
      'run_turn',
      'vm_run_all',
      'main',
      expect.stringMatching(/^start64/),
    ]);
    expect((await client.evaluate('vm->name', 'run_turn')).result).toMatch(/"guest 1/);
  });

  test('the stack leads through the guest’s interrupts and exceptions', async () => {
    client = new Client();
    await client.launch();
    await client.runTo('on_page_fault');
    const frames = await client.frames();
    expect(frames.slice(0, 4).map(({ name }) => name)).toEqual([
      'read_cr2',
      'on_page_fault',
      'check_paging',
      'guest64_main',
    ]);
    expect(frames[2]?.line).toBe(lineOf('guest64.c', 'window[512 + 6] = 333'));
    expect(frames[3]?.line).toBe(lineOf('guest64.c', '  check_paging();'));
    expect((await client.evaluate('error_code', 'on_page_fault')).result).toBe('0x2');
    await client.runTo('on_timer');
    const timer = (await client.frames()).map(({ name }) => name);
    expect(timer[0]).toBe('on_timer');
    expect(timer.slice(1, timer.indexOf('entered by VMRESUME')).at(-1)).toMatch(/^guest(?:64|32)_main/);
  });

  test('stepping over a line runs what was inlined into it', async () => {
    client = new Client();
    await client.launch();
    await client.runTo('handle_cpuid', 'vm->registers.rax == 1');
    const lines: string[] = [];
    for (let count = 0; count < 12; count++) {
      const [top] = await client.frames();
      if (top?.name !== 'handle_cpuid') break;
      lines.push(`${top.source?.name}:${top.line}`);
      await client.adapter.toStop('next', THREAD);
    }
    expect(lines.every((line) => line.startsWith('exits.c:'))).toBe(true);
    expect(lines).toContain(`exits.c:${lineOf('exits.c', 'guest->rdx = answer.edx')}`);
  });

  test.skipIf(lacking('gcc', 'ld'))('the symbols of a real-mode guest, and breakpoints in its source', async () => {
    const { source, text, image } = guestInRealMode();
    client = new Client();
    await client.launch({ images: [{ path: image, address: '0x8000', side: 'real-mode guest' }] });
    const { modules } = (await client.adapter.request('modules')) as { modules: DebugProtocol.Module[] };
    expect(modules.map(({ name }) => name)).toEqual(['tiny-hypervisor.elf', 'guest16.elf (real-mode guest)']);
    const { sources } = (await client.adapter.request('loadedSources')) as { sources: DebugProtocol.Source[] };
    expect(sources.map(({ name }) => name)).toEqual(expect.arrayContaining(['exits.c', 'guest16.S']));
    const line = text.split('\n').findIndex((row) => row.includes('movb $0x0e, %ah')) + 1;
    const bound = await client.adapter.request('setBreakpoints', { source: { path: source }, breakpoints: [{ line }] });
    expect(bound.breakpoints).toMatchObject([{ verified: true, line }]);
    expect((await client.adapter.toStop('continue', THREAD)).reason).toBe('breakpoint');
    const [top] = await client.frames();
    expect([top?.name, top?.source?.name, top?.line]).toEqual([expect.stringMatching(/^print/), 'guest16.S', line]);
    expect((await client.frames()).some(({ name }) => name === 'run_turn')).toBe(true);
  });

  test.skipIf(lacking('gcc', 'ld'))(
    'a guest that was moved is found where it runs; breakpoints in it wait for that',
    async () => {
      const { source, text, image } = guestInRealMode();
      client = new Client();
      await client.launch({ images: [{ path: image, address: 'find', side: 'real-mode guest' }] });
      const ask = async (command: string) => (await client.evaluate(command, undefined, 'repl')).result;
      expect(await ask('symbols')).toMatch(/\n2 {2}.*guest16\.elf {2}not found in memory yet, real-mode guest$/);
      const line = text.split('\n').findIndex((row) => row.includes('movb $0x0e, %ah')) + 1;
      const waiting = await client.adapter.request('setBreakpoints', {
        source: { path: source },
        breakpoints: [{ line }],
      });
      expect(waiting.breakpoints).toMatchObject([{ verified: false }]);
      const found = client.adapter.event('module');
      const changed = client.adapter.event('breakpoint');
      const stop = client.adapter.toStop('continue', THREAD);
      // vm.c: the hypervisor copies it to 8000H and starts it at 0800H:0000H.
      expect((await found).body).toMatchObject({
        reason: 'new',
        module: { name: 'guest16.elf (real-mode guest)', addressRange: expect.stringMatching(/^0x8000 to/) },
      });
      expect((await changed).body).toMatchObject({ breakpoint: { verified: true, line } });
      expect((await stop).reason).toBe('breakpoint');
      const [top] = await client.frames();
      expect([top?.source?.name, top?.line]).toEqual(['guest16.S', line]);
      expect(await ask('symbols')).not.toContain('not found');
    },
  );

  test.skipIf(lacking('gcc', 'ld'))('an image lies where the hypervisor says, from when it says so', async () => {
    const { source, text, image } = guestInRealMode();
    client = new Client();
    // The symbol of the file that lies there; the hypervisor copies the file's first byte to 8000H.
    const print = BigInt(`0x${run('nm', [image]).match(/([0-9a-f]+) . print$/m)![1]}`);
    const expression = `guest16.name ? 0x8000 + ${print} : 0`;
    const address = { expression, symbol: 'print' };
    await client.launch({ images: [{ path: image, address, side: 'real-mode guest' }] });
    const ask = async (command: string) => (await client.evaluate(command, undefined, 'repl')).result;
    expect(await ask('symbols')).toContain(`guest16.elf  not there yet: waits for ${expression}, real-mode guest`);
    const line = text.split('\n').findIndex((row) => row.includes('movb $0x0e, %ah')) + 1;
    const waiting = await client.adapter.request('setBreakpoints', {
      source: { path: source },
      breakpoints: [{ line }],
    });
    expect(waiting.breakpoints).toMatchObject([{ verified: false }]);
    // One that is not found is forgotten by its number.
    expect(await ask(`symbols add ${image} at find for guest`)).toContain('count from when its code is met');
    expect(await ask('symbols')).toMatch(/\n3 {2}.*not found in memory yet, guest$/);
    expect(await ask('symbols remove 3')).toContain('is forgotten');
    expect(await ask('symbols')).not.toContain('not found');
    const found = client.adapter.event('module');
    expect((await client.adapter.toStop('continue', THREAD)).reason).toBe('breakpoint');
    expect((await found).body).toMatchObject({ module: { addressRange: expect.stringMatching(/^0x8000 to/) } });
    const [top] = await client.frames();
    expect([top?.source?.name, top?.line]).toEqual(['guest16.S', line]);
    expect(await ask('symbols')).toMatch(/\n2 {2}.*guest16\.elf {2}0x8000 to/);
  });

  test.skipIf(lacking('gcc', 'ld'))('a symbol that the image does not have is refused', async () => {
    const { image } = guestInRealMode();
    client = new Client();
    const address = { expression: 'guest16.name', symbol: 'nowhere' };
    await expect(client.launch({ images: [{ path: image, address }] })).rejects.toThrow('it has no symbol "nowhere"');
  });

  test('symbols come and go in the console; pending breakpoints become verified', async () => {
    client = new Client(new Map([['/x/late.asm', new TextEncoder().encode('bits 64\nlate:\n  nop\n  ret\n')]]));
    await client.launch();
    const ask = async (text: string) => (await client.evaluate(text, undefined, 'repl')).result;
    expect(await ask('symbols')).toMatch(/^1 {2}.*tiny-hypervisor\.elf {2}0x[0-9a-f]+ to .*variables and types$/);
    const before = await client.adapter.request('setBreakpoints', {
      source: { path: '/x/late.asm' },
      breakpoints: [{ line: 4 }],
    });
    expect(before.breakpoints).toMatchObject([{ verified: false }]);
    const changed = client.adapter.event('breakpoint');
    expect(await ask('symbols add /x/late.asm at 0x300000 for host')).toMatch(
      /^2 {2}\/x\/late\.asm {2}0x300000 to 0x300002.*host$/,
    );
    expect((await changed).body).toMatchObject({
      breakpoint: { verified: true, line: 4, instructionReference: '0x300001' },
    });
    expect(await ask('symbols at 0x300001')).toBe('0x300001 is late+0x1.');
    expect(await ask('late + 1')).toContain('0x300001');
    expect(await ask('break late.asm:4 @host')).toMatch(/late\.asm:4/);
    expect(await ask(`break exits.c:${lineOf('exits.c', 'guest->rdx = answer.edx')}`)).toMatch(/exits\.c:/);
    await expect(ask('break exits.c:99999')).rejects.toThrow('No code comes from this line');
    // It is there again when the program starts anew.
    await client.adapter.toStop('restart');
    expect(await ask('symbols')).toMatch(/\n2 {2}\/x\/late\.asm {2}0x300000 to 0x300002.*host$/);
    expect(await ask('symbols remove 2')).toBe('/x/late.asm is forgotten.');
    expect(await ask('symbols at 0x300001')).toContain('no symbol');
    for (const [text, wrong] of [
      ['symbols add', 'Which file?'],
      ['symbols add /x/none.elf', 'cannot be read'],
      ['symbols add /x/late.asm at find', 'Name the address of its first byte'],
      ['symbols add /x/late.asm for nobody', '"nobody" is not host, guest, real-mode-guest'],
      ['symbols remove 1', 'The program itself stays'],
      ['symbols remove 9', 'no image 9'],
      ['symbols drop', '"drop" is not add, remove or at'],
    ] as const)
      await expect(ask(text), text).rejects.toThrow(wrong);
  });

  test.each([
    [{ images: 5 }, '"images" is 5; expected a list of files'],
    [{ images: [{ path: 'a', address: {} }] }, '"images[0].address.expression" is nothing; expected an expression'],
    [{ images: [{ path: 'a', address: { expression: '1 +' } }] }, 'expected an expression that tells a linear address'],
    [{ images: [{ path: 'a', address: { expression: '1', symbol: 2 } }] }, 'expected the name of a symbol'],
    [{ images: [{ path: 'a', address: { expression: '1', side: 2 } }] }, 'address.side" is 2; expected nothing'],
    [{ images: [{}] }, '"images[0].path" is nothing'],
    [
      { images: [{ path: 'x', side: 'left' }] },
      '"images[0].side" is "left"; expected one of host, guest, real-mode guest',
    ],
    [{ images: [{ path: 'x', address: 'here' }] }, '"images[0].address" is "here"; expected an address'],
    [{ images: [{ path: 'x', base: 1 }] }, '"images[0].base" is 1'],
    [{ sourceMap: [1] }, '"sourceMap" is [1]'],
    [{ sourceMap: { a: 1 } }, '"sourceMap["a"]" is 1; expected a folder'],
    [{ images: ['/nowhere/x.elf'] }, '/nowhere/x.elf: cannot be read'],
  ])('launch.json %j', async (options, message) => {
    client = new Client();
    await expect(client.launch(options)).rejects.toThrow(message);
  });
});

describe.skipIf(lacking('gcc'))('two processors', () => {
  test('variables of one stay what they are when the stack of the other is looked at', async () => {
    const program = build(temporaryFolder(), 'types.c', { compiler: 'gcc', version: 5, optimization: '-O0', bits: 64 });
    const client = new Client();
    await client.launch({ program, bits: 64, processors: 2 });
    await client.runTo('work');
    const frames = await client.frames();
    const { scopes } = (await client.adapter.request('scopes', { frameId: frames[0]!.id })) as unknown as {
      scopes: DebugProtocol.Scope[];
    };
    const { variablesReference } = scopes.find(({ name }) => name === 'Arguments')!;
    const before = await client.below(variablesReference);
    // types.c: work(3, &second)
    expect(before.map(({ name, value }) => [name, value.split(' ')[0]])).toEqual([
      ['start', '3'],
      ['node', expect.stringMatching(/^0x10/)],
    ]);
    await client.adapter.request('stackTrace', { threadId: 2 });
    expect(await client.below(variablesReference)).toEqual(before);
    const node = await client.below(before[1]!.variablesReference);
    expect(node.find(({ name }) => name === 'at')?.value).toBe('{x: 3, y: -4}');
    client.adapter.adapter.dispose();
  });
});

describe.skipIf(lacking('clang'))('sources that moved or changed', () => {
  test('sourceMap shows them where they are; a sum that differs is told', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'code.c'), 'int counter;\nvoid _start(void) {\n  counter = 1;\n  for (;;)\n    ;\n}\n');
    // biome-ignore format: a command line
    run('clang', ['-g', '-gdwarf-5', '-m64', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-Wl,-Ttext=0x100000', '-o', 'code.elf', 'code.c'], folder);
    const program = join(folder, 'code.elf');
    const moved = (text: string): Client => new Client(new Map([['/moved/code.c', new TextEncoder().encode(text)]]));
    const original = readFileSync(join(folder, 'code.c'), 'utf8');
    for (const [text, told] of [
      [original, false],
      [`// new\n${original}`, true],
    ] as const) {
      const client = moved(text);
      await client.launch({ program, bits: 64, sourceMap: { [folder]: '/moved' } });
      expect((await client.frames())[0]).toMatchObject({ name: '_start', source: { path: '/moved/code.c' }, line: 2 });
      await new Promise((resolve) => setTimeout(resolve, 0));
      await client.frames();
      expect(client.texts.some((line) => line.includes('/moved/code.c is not what code.elf was built from'))).toBe(
        told,
      );
      client.adapter.adapter.dispose();
    }
  });
});
