// Data breakpoints, breakpoints on events and VM exits, address spaces: on the real machine, as a client asks for them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../cli/bundle.ts';
import { launchedMachine, lineAfter, type MachineAdapter, whyNoBundle } from './machine-adapter.ts';

const skip = whyNoBundle();

interface Row {
  readonly verified: boolean;
  readonly message?: string;
  readonly id: number;
}

async function functions(adapter: MachineAdapter, ...names: (string | Record<string, string>)[]): Promise<Row[]> {
  const breakpoints = names.map((name) => (typeof name === 'string' ? { name } : name));
  return (await adapter.request('setFunctionBreakpoints', { breakpoints })).breakpoints as Row[];
}

async function data(
  adapter: MachineAdapter,
  info: Record<string, unknown>,
  accessType: string,
  options: Record<string, string> = {},
): Promise<Row> {
  const { dataId, description } = await adapter.request('dataBreakpointInfo', info);
  if (dataId === null) throw new Error(description as string);
  const breakpoints = [{ dataId, accessType, ...options }];
  return ((await adapter.request('setDataBreakpoints', { breakpoints })).breakpoints as Row[])[0] as Row;
}

/** Source line where the machine stands. */
async function line(adapter: MachineAdapter): Promise<number> {
  const { stackFrames } = await adapter.request('stackTrace', { threadId: 1 });
  return (stackFrames as { line: number }[])[0]?.line ?? 0;
}

describe.skipIf(skip !== undefined)('data breakpoints', () => {
  test('an address in each space: the host stack, at the first push of the exit handler', async () => {
    for (const [name, mode] of [
      ['0x20fff8', 'host-linear'],
      ['hva:0x20fff8', undefined],
      ['0x20fff8', 'host-physical'],
      ['hpa:0x20fff8', undefined],
    ] as const) {
      const adapter = await launchedMachine();
      await functions(adapter, 'guest');
      await adapter.go();
      const info = { name, asAddress: true, bytes: 8, ...(mode === undefined ? {} : { mode }) };
      expect(await data(adapter, info, 'write')).toMatchObject({ verified: true });
      // RAX is 1, as the guest's CPUID leaf; the stack held what set-up pushed there.
      const stop = await adapter.go();
      expect(stop).toMatchObject({ reason: 'data breakpoint' });
      expect(stop?.text).toMatch(/^8 bytes at h[vp]a:0x20fff8 was 0x[0-9a-f]+, is 0x0000000000000001$/);
      expect(await line(adapter)).toBe(lineAfter('exit_handler', 'push    rdx'));
    }
  });

  test('the guest only, with a condition, a hit count, and as a logpoint', async () => {
    const adapter = await launchedMachine();
    const info = { name: 'gva:0x21fff8', asAddress: true, bytes: 8 };
    expect(
      await data(adapter, info, 'readWrite', { condition: 'rax == 5', logMessage: 'top is {qword[rsp]}' }),
    ).toMatchObject({ verified: true });
    expect(await adapter.go()).toBeUndefined();
    const logs = adapter.messages.filter(
      ({ event, body }) => event === 'output' && String(body?.output).startsWith('top is'),
    );
    // CALL writes it while RAX is the last CPUID leaf; RET reads it after VMCALL with RAX 5. RSP is then above it.
    expect(logs).toHaveLength(1);
  });

  test('a change of a VMCS field: VMWRITE by the hypervisor, then what the VM exit saves', async () => {
    const adapter = await launchedMachine();
    await functions(adapter, 'guest');
    await adapter.go();
    await functions(adapter);
    expect(await data(adapter, { name: 'GUEST_RIP' }, 'write')).toMatchObject({ verified: true });
    const first = await adapter.go();
    expect(first?.text).toMatch(/^GUEST_RIP was 0x[0-9a-f]+, is 0x[0-9a-f]+$/);
    expect(await line(adapter)).toBe(lineAfter('exit_handler', 'push    rax'));
    const second = await adapter.go();
    expect(second?.reason).toBe('data breakpoint');
    expect(await line(adapter)).toBe(lineAfter('next_instruction', 'pop     rbx'));
  });

  test('a register of the variables view', async () => {
    const adapter = await launchedMachine();
    await functions(adapter, 'guest');
    await adapter.go();
    const { stackFrames } = await adapter.request('stackTrace', { threadId: 1 });
    const { scopes } = await adapter.request('scopes', { frameId: (stackFrames as { id: number }[])[0]?.id });
    const { variablesReference } = (scopes as { variablesReference: number }[])[0] as { variablesReference: number };
    const answer = await adapter.request('dataBreakpointInfo', { variablesReference, name: 'rbx' });
    expect(answer).toMatchObject({ accessTypes: ['write'] });
    expect(await data(adapter, { variablesReference, name: 'rbx' }, 'write')).toMatchObject({ verified: true });
    // The handler of CPUID borrows RBX for the length of the instruction and restores it; then the guest has MOV EBX, 7.
    const kept = await adapter.say('rbx');
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await adapter.go();
      seen.push(await adapter.say('rbx'));
    }
    expect(seen).toEqual(['0x2', kept, '0x7']);
    expect(await line(adapter)).toBe(lineAfter('guest', 'mov     eax, 0x40000000'));
  });

  test('a member of a structure of the C program, in the frame that was chosen', async () => {
    const elf = new Uint8Array(readFileSync(join(ROOT, 'samples/tiny-hypervisor/tiny-hypervisor.elf')));
    const adapter = await launchedMachine({ memory: 64 }, elf);
    await adapter.say('break handle_hlt');
    await adapter.go();
    const { stackFrames } = await adapter.request('stackTrace', { threadId: 1 });
    const frameId = (stackFrames as { id: number }[])[0]?.id;
    expect(await data(adapter, { name: 'vm->waiting', frameId }, 'write')).toMatchObject({ verified: true });
    // handle_hlt sets it, a bool that was false.
    expect((await adapter.go())?.text).toMatch(/^1 byte at hva:0x[0-9a-f]+ was 0x00, is 0x01$/);
  });

  test.each([
    [{ name: 'rip' }, 'RIP changes with every instruction'],
    [{ name: '5' }, '"5" is a value, not a place'],
    [{ name: 'nonsense' }, 'is not a register'],
    [{ name: 'vmcs:0', asAddress: true }, 'watch the VMCS field by name'],
    [{ name: '0x8000000000', asAddress: true, mode: 'host-physical' }, 'is not mapped'],
  ])('what cannot be watched says why: %j', async (info, text) => {
    const adapter = await launchedMachine();
    const { dataId, description } = await adapter.request('dataBreakpointInfo', info);
    expect(dataId).toBeNull();
    expect(description).toContain(text);
  });

  test.each([
    [{ name: 'here', asAddress: true }, '"here" is not an address'],
    [{ name: '0x1000', asAddress: true, mode: 'sideways' }, 'There is no breakpoint mode "sideways"'],
    [{ name: '0x1000', asAddress: true, bytes: 0 }, '"bytes" is less than 1'],
  ])('mistakes are refused: %j', async (info, text) => {
    const adapter = await launchedMachine();
    expect(await adapter.raw('dataBreakpointInfo', info)).toMatchObject({
      success: false,
      message: expect.stringContaining(text),
    });
  });
});

describe.skipIf(skip !== undefined)('breakpoints on events, as function breakpoints', () => {
  test('VM exits with a reason, a condition and a log message', async () => {
    const adapter = await launchedMachine();
    await functions(
      adapter,
      { name: 'exit:CPUID', condition: 'rax == 0x40000000' },
      { name: 'exit:any', logMessage: 'exit {exit.reason,d}' },
      'entry',
    );
    const entry = await adapter.go();
    expect(entry).toMatchObject({ reason: 'exception', description: 'VM entry 1: VMLAUNCH' });
    expect(entry?.hitBreakpointIds).toHaveLength(1);
    await functions(
      adapter,
      { name: 'exit:CPUID', condition: 'rax == 0x40000000' },
      { name: 'exit:any', logMessage: 'exit {exit.number,d}' },
    );
    const stop = await adapter.go();
    expect(stop).toMatchObject({ description: 'VM exit: CPUID' });
    expect(await adapter.say('exits,d')).toBe('2');
    await adapter.go();
    const logs = adapter.messages.filter(
      ({ event, body }) => event === 'output' && /^exit /.test(String(body?.output)),
    );
    expect(logs.map(({ body }) => body?.output)).toEqual(['exit 1\n', 'exit 2\n', 'exit 3\n', 'exit 4\n']);
  });

  test.each<[string, string, string, string]>([
    ['port:0xf4 write', 'port 0xf4 write', 'on_hlt', 'out'],
    ['msr:IA32_VMX_BASIC', 'MSR IA32_VMX_BASIC', '', ''],
    ['field:GUEST_RIP read', 'VMCS field GUEST_RIP read', '', ''],
    ['cr:4 write', 'CR4 write', '', ''],
  ])('%s stops before the instruction', async (name, text, label, at) => {
    const adapter = await launchedMachine();
    expect((await functions(adapter, name))[0]).toMatchObject({ verified: true });
    expect(await adapter.go()).toMatchObject({ reason: 'function breakpoint', text });
    if (label !== '') expect(await line(adapter)).toBe(lineAfter(label, at));
  });

  test('an exception that does not exit stops before its delivery', async () => {
    const adapter = await launchedMachine({}, 'bits 64\norg 0x100000\nnop\nud2\n');
    await functions(adapter, 'vector:#UD');
    expect(await adapter.go()).toMatchObject({ text: '#UD' });
    expect(await adapter.say('rip')).toContain('0x100001');
  });

  test.each([
    ['port:0x10000', 'A port is from 0 to 0xffff'],
    ['port:', 'is not a port'],
    ['vector:#XY', 'is not a vector'],
    ['exit:NONSENSE', '"NONSENSE" is not an exit reason'],
    ['exit:', 'Name the exit reasons'],
    ['change:5', 'is a value, not a place'],
    ['read:rax', 'Reads of rax cannot be told'],
    ['guest @nowhere', '"@nowhere" is no address space'],
    ['missing', 'has no function or label "missing"'],
  ])('%s is not verified and says why', async (name, text) => {
    const adapter = await launchedMachine();
    const [row] = await functions(adapter, name);
    expect(row).toMatchObject({ verified: false, message: expect.stringContaining(text) });
  });

  test('more data breakpoints than the machine holds: the last says so', async () => {
    const adapter = await launchedMachine();
    const rows = await functions(adapter, ...Array.from({ length: 251 }, (_, i) => `write:byte[${0x1000 + i}]`));
    expect(rows.filter(({ verified }) => !verified).map(({ message }) => message)).toEqual([
      'At most 250 ranges of memory can be watched at a time.',
    ]);
  });
});

describe.skipIf(skip !== undefined)('address spaces', () => {
  test('a label bound to the other side does not stop; modes bind source lines', async () => {
    const adapter = await launchedMachine();
    await functions(
      adapter,
      'guest @host',
      'exit_handler @cpu=1',
      'guest_function @guest @cpu=0',
      'exit_handler @vmcs=0x999000',
    );
    await adapter.go();
    expect(await line(adapter)).toBe(lineAfter('guest_function', 'mov     eax, 5'));
    await functions(adapter);
    const source = { path: '/work/program.asm' };
    const at = (mode: string, place: number) => ({ line: place, mode });
    await adapter.request('setBreakpoints', {
      source,
      breakpoints: [at('guest', lineAfter('on_vmcall', 'mov')), at('host', lineAfter('next_instruction', 'mov'))],
    });
    await adapter.go();
    expect(await line(adapter)).toBe(lineAfter('next_instruction', 'mov'));
  });

  test('a breakpoint in memory that is not mapped becomes verified once it is', async () => {
    const text = `bits 64
org 0x100000
        mov edi, 0x400000        ; a page directory whose first page is this one, and whose last is not mapped
        mov eax, 0x83
again:  mov [rdi], rax
        add rdi, 8
        add rax, 0x200000
        cmp edi, 0x401000
        jb again
        mov qword [0x400ff8], 0
        mov rax, cr3
        mov rbx, [rax]
        and rbx, ~0xfff
        mov qword [rbx], 0x400003
        mov cr3, rax
unmapped:
        mov word [0x200000], 0xfeeb ; jmp $
        mov qword [0x400ff8], 0x200083
        mov rax, cr3
        mov cr3, rax
        mov eax, 0x3fe00000
        jmp rax
`;
    const adapter = await launchedMachine({}, text);
    await functions(adapter, 'unmapped');
    await adapter.go();
    const { breakpoints } = await adapter.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x3fe00000' }],
    });
    expect(breakpoints).toMatchObject([
      { verified: false, reason: 'pending', message: expect.stringContaining('not mapped yet') },
    ]);
    const changed = adapter.event('breakpoint');
    expect(await adapter.go()).toMatchObject({ reason: 'instruction breakpoint' });
    expect((await changed).body).toMatchObject({ reason: 'changed', breakpoint: { verified: true } });
    expect(await adapter.say('rip')).toContain('0x3fe00000');
  });

  test('while the machine runs as well, without a stop', async () => {
    const text = `bits 64
org 0x100000
        mov rax, cr3
        mov rbx, [rax]
        and rbx, ~0xfff
        mov rcx, [rbx]           ; the first GiB a second time, at 400 GiB
        mov [rbx + 400 * 8], rcx
        jmp $
`;
    const adapter = await launchedMachine({}, text);
    const { breakpoints } = await adapter.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x6400100100' }],
    });
    expect(breakpoints).toMatchObject([{ verified: false, reason: 'pending' }]);
    const changed = adapter.event('breakpoint');
    await adapter.request('continue', { threadId: 1 });
    expect((await changed).body).toMatchObject({ reason: 'changed', breakpoint: { verified: true } });
    expect((await adapter.toStop('pause', { threadId: 1 })).reason).toBe('pause');
  });
});
