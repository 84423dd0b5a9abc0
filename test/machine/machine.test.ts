// The machine as the debugger sees it: entry states, run, step, breakpoints, stops, registers, memory.
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import { assembleText, coreModule, hasNasm, startProgram } from '../vmx/hypervisors.ts';

const LIMIT = 100_000;

/** Ends with AL to the test-exit port. */
const EXIT = 'out 0xf4, al\nhlt';

describe.skipIf(!hasNasm())('entry states', () => {
  it('flat 64-bit: long mode, CPL 0, identity paging, GDT, TSS, stack', () => {
    const { machine } = startProgram(assembleText(`mov al, 5\n${EXIT}`));
    const read = (name: string) => machine.readRegister(name);
    expect(read('rip')).toBe(0x100000n);
    expect(read('rsp')).toBe(0x70000n);
    expect(read('rflags')).toBe(2n);
    expect(machine.codeBits('root')).toBe(64);
    expect(machine.side()).toBe('root');
    expect((read('efer') ?? 0n) & 0x500n).toBe(0x500n);
    expect((read('cr0') ?? 0n) & 0x80000001n).toBe(0x80000001n);
    for (const linear of [0n, 0x100000n, 0xfee00000n, 0x7f_ffff_f000n]) {
      expect(machine.peekTranslate('root', linear)).toMatchObject({ ok: true, hostPhysical: linear });
    }
    expect(machine.peekTranslate('root', 0x80_0000_0000n).ok).toBe(false);
    expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'shutdown', status: 11, port: 0xf4 });
    expect(machine.time()).toBe(2);
  });

  it('flat 64-bit: the segment registers are what the GDT holds', () => {
    const { machine } = startProgram(
      assembleText(
        `mov ax, 0x10\nmov ds, ax\nmov es, ax\nmov ss, ax\npush 8\nmov rax, next\npush rax\nretfq\nnext: str ax\n${EXIT}`,
      ),
    );
    const before = ['cs.rights', 'ds.rights', 'ss.rights', 'tr.base', 'tr.limit'].map((name) =>
      machine.readRegister(name),
    );
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'shutdown', status: 0x18 * 2 + 1 });
    const after = ['cs.rights', 'ds.rights', 'ss.rights', 'tr.base', 'tr.limit'].map((name) =>
      machine.readRegister(name),
    );
    expect(after).toEqual(before);
  });

  it('flat 32-bit: protected mode without paging', () => {
    const { machine } = startProgram(assembleText(`mov eax, cr0\nshr eax, 31\npush eax\npop eax\n${EXIT}`, 32));
    expect(machine.codeBits('root')).toBe(32);
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'shutdown', status: 1 });
  });

  it('flat 16-bit: real mode at 0000:7C00', () => {
    const { machine } = startProgram(assembleText(`mov ax, cs\nsmsw bx\nadd al, bl\n${EXIT}`, 16, 0x7c00));
    expect(machine.readRegister('cs')).toBe(0n);
    expect(machine.readRegister('rip')).toBe(0x7c00n);
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'shutdown', status: 0x10 * 2 + 1 });
  });

  it('multiboot: magic and information pointer', () => {
    const program = assembleText(`cmp eax, 0x2badb002\nsete al\ncmp ebx, 0x9000\nsete ah\nand al, ah\n${EXIT}`, 32);
    const { machine } = startProgram({ ...program, entry: { kind: 'multiboot', entry: 0x100000, info: 0x9000 } });
    expect(machine.run({ limit: LIMIT })).toMatchObject({ kind: 'shutdown', status: 3 });
  });

  it.each([
    ['RAM that is too small', 0x80000, /1 MiB to 3 GiB/],
    ['RAM that is no multiple of 64 KiB', 0x200001, /64 KiB/],
  ])('refuses %s', (_name, ramSize, message) => {
    const program = assembleText('hlt');
    expect(() => createMachine({ coreWasm: coreModule(), ramSize, program })).toThrow(message);
  });

  it('refuses a program beyond RAM and one in the place of the page tables', () => {
    const program = assembleText('hlt');
    const at = (address: number) => ({ ...program, segments: [{ address, bytes: new Uint8Array(16), size: 16 }] });
    expect(() => startProgram(at(0x4000000))).toThrow(/needs memory up to/);
    expect(() => startProgram(at(0x70ff8))).toThrow(/page tables/);
  });
});

describe.skipIf(!hasNasm())('running', () => {
  it.each([1, 2, 63, 64, 65, 1000])('retires exactly the limit of %i', (limit) => {
    const { machine } = startProgram(assembleText('again: inc rax\njmp again'));
    expect(machine.run({ limit })).toEqual({ kind: 'budget' });
    expect(machine.time()).toBe(limit);
    expect(machine.readRegister('rax')).toBe(BigInt(Math.ceil(limit / 2)));
  });

  it('stops at breakpoints before the instruction, and passes over one when asked', () => {
    const { machine } = startProgram(assembleText('nop\nagain: inc rax\njmp again'));
    machine.setBreakpoints([0x100001n]);
    expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'breakpoint', linear: 0x100001n });
    expect(machine.readRegister('rax')).toBe(0n);
    expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'breakpoint', linear: 0x100001n });
    expect(machine.readRegister('rax')).toBe(0n);
    expect(machine.run({ limit: LIMIT, skipBreakpoint: true })).toEqual({ kind: 'breakpoint', linear: 0x100001n });
    expect(machine.readRegister('rax')).toBe(1n);
    machine.setBreakpoints([]);
    expect(machine.run({ limit: 10, skipBreakpoint: true })).toEqual({ kind: 'budget' });
  });

  it('tells the linear address of a breakpoint in real mode', () => {
    const { machine } = startProgram(assembleText('jmp 0x7b0:next-0x7b00\nnext: nop\nhlt', 16, 0x7c00));
    machine.setBreakpoints([0x7c05n]);
    expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'breakpoint', linear: 0x7c05n });
    expect(machine.readRegister('rip')).toBe(0x105n);
    expect(machine.readRegister('cs.base')).toBe(0x7b00n);
  });

  it('stops when the processor halts for ever', () => {
    const { machine } = startProgram(assembleText('cli\nhlt'));
    const stop = machine.run({ limit: LIMIT });
    expect(stop).toMatchObject({ kind: 'idle' });
    if (stop.kind === 'idle')
      expect(stop.explanation).toMatch(/halted at RIP 0x100002, and nothing will wake it: interrupts are disabled/);
  });

  it('stops at a triple fault with the chain of faults', () => {
    const { machine } = startProgram(assembleText('nop\nud2'));
    const stop = machine.run({ limit: LIMIT });
    expect(stop.kind).toBe('triple-fault');
    if (stop.kind !== 'triple-fault') return;
    expect(stop.faults[0]).toEqual({ vector: 6, error: undefined, rip: 0x100001n, linear: 0x100001n, cr2: undefined });
    // The IDT has a limit of 0: the gate of #UD cannot be read. Error code: vector 6, IDT, and EXT.
    expect(stop.faults[1]).toEqual({
      vector: 13,
      error: 6 * 8 + 2 + 1,
      rip: 0x100001n,
      linear: 0x100001n,
      cr2: undefined,
    });
  });

  it('lets time pass to the next timer interrupt while halted', () => {
    // PIT channel 0, mode 2, count 1000: every 838 microseconds. Vector 20H counts in RBX.
    const { machine } = startProgram(
      assembleText(`
        lidt [idtr]
        mov rax, handler
        mov [idt + 0x20 * 16], ax
        mov word [idt + 0x20 * 16 + 2], 8
        mov word [idt + 0x20 * 16 + 4], 0x8e00
        shr rax, 16
        mov [idt + 0x20 * 16 + 6], ax
        mov al, 0x34
        out 0x43, al
        mov ax, 1000
        out 0x40, al
        mov al, ah
        out 0x40, al
        mov al, 0x11
        out 0x20, al
        mov al, 0x20
        out 0x21, al
        mov al, 4
        out 0x21, al
        mov al, 1
        out 0x21, al
        mov al, 0xfe
        out 0x21, al
        xor ebx, ebx
        sti
wait_:  hlt
        cmp ebx, 5
        jb wait_
        mov al, bl
        ${EXIT}
handler: inc ebx
        mov al, 0x20
        out 0x20, al
        iretq
idtr:   dw 0xfff
        dq idt
        align 16
idt:    times 4096 db 0`),
    );
    expect(machine.run({ limit: 100_000_000 })).toMatchObject({ kind: 'shutdown', status: 11 });
    // Five periods of 1000 / 1193182 s at one instruction a nanosecond.
    expect(machine.time()).toBeGreaterThan(5 * 838_000 - 1_000);
    expect(machine.time()).toBeLessThan(5 * 838_200 + 10_000);
  });

  it('sends console output and takes console input', () => {
    const { machine, output } = startProgram(
      assembleText(`mov dx, 0x3f8
        mov al, 'h'
        out dx, al
        mov al, 'i'
        out dx, al
        mov dx, 0x3fd
poll:   in al, dx
        test al, 1
        jz poll
        mov dx, 0x3f8
        in al, dx
        ${EXIT}`),
    );
    expect(machine.run({ limit: 1000 })).toEqual({ kind: 'budget' });
    machine.input(Uint8Array.of(0x41));
    expect(machine.run({ limit: 1000 })).toMatchObject({ kind: 'shutdown', status: 0x41 * 2 + 1 });
    expect(output()).toBe('hi');
  });
});

describe.skipIf(!hasNasm())('registers', () => {
  const { machine } = startProgram(assembleText('again: jmp again'));

  it('reads every register that it names', () => {
    for (const name of machine.registerNames())
      expect([name, typeof machine.readRegister(name)]).toEqual([name, 'bigint']);
    expect(machine.registerNames()).toEqual(
      expect.arrayContaining(['rax', 'r15', 'gs.base', 'tr.rights', 'cr8', 'ia32_efer', 'ia32_vmx_basic']),
    );
    expect(machine.readRegister('rzz')).toBeUndefined();
  });

  it.each([
    ['rax', 0xffff_ffff_ffff_ffffn],
    ['r15', 0x8000_0000_0000_0001n],
    ['rip', 0x1234n],
    ['rip', 0xffff_8000_0000_0000n],
    ['rflags', 0xcd7n],
    ['fs', 0x1234n],
    ['fs.base', 0xffff_8000_0000_1000n],
    ['cr2', 0xdeadn],
    ['dr0', 0x1000n],
    ['ia32_lstar', 0xffff_8000_0000_0000n],
    ['ia32_fs_base', 0x5000n],
  ])('writes %s', (name, value) => {
    expect(machine.writeRegister(name, value)).toBeUndefined();
    expect(machine.readRegister(name)).toBe(value);
  });

  it.each([
    ['rax', 1n << 64n, /64 bits/],
    ['rip', 1n << 62n, /canonical/],
    ['rflags', 0n, /bit 1/],
    ['rflags', (1n << 40n) | 2n, /[Rr]eserved/],
    ['cs', 0x10000n, /16 bits/],
    ['cr0', 0x80000000n, /CR0\.PG needs CR0\.PE/],
    ['cr8', 16n, /4 bits/],
    ['ia32_efer', 0x2n, /#GP/],
    ['ia32_lstar', 1n << 62n, /#GP/],
    ['ia32_vmx_basic', 0n, /#GP/],
    ['nothing', 0n, /no register/],
  ])('refuses %s = %i', (name, value, message) => {
    const before = machine.readRegister(name);
    expect(machine.writeRegister(name, value)).toMatch(message);
    expect(machine.readRegister(name)).toBe(before);
  });
});

describe.skipIf(!hasNasm())('memory', () => {
  it('peeks and pokes, up to where something is', () => {
    const { machine } = startProgram(assembleText('nop'), 2);
    const end = 2n << 20n;
    expect(machine.peekPhysical(end - 4n, 16)).toHaveLength(4);
    expect(machine.peekPhysical(end, 16)).toHaveLength(0);
    expect(machine.pokePhysical(end - 2n, Uint8Array.of(1, 2, 3, 4))).toBe(2);
    expect([...machine.peekPhysical(end - 2n, 8)]).toEqual([1, 2]);
    expect(machine.pokeLinear('root', 0x1ffffen, Uint8Array.of(5, 6))).toBe(2);
    expect([...machine.peekLinear('root', 0x1ffffcn, 4)]).toEqual([0, 0, 5, 6]);
    expect(machine.peekLinear('root', 0x80_0000_0000n, 4)).toHaveLength(0);
    expect(machine.peekLinear('non-root', 0n, 4)).toHaveLength(0);
  });

  it('runs code that was poked over code that has run', () => {
    const { machine } = startProgram(assembleText(`again: mov al, 1\ncmp byte [0x200000], 1\njne again\n${EXIT}`));
    machine.run({ limit: 999 });
    machine.pokePhysical(0x100001n, Uint8Array.of(7));
    machine.pokePhysical(0x200000n, Uint8Array.of(1));
    expect(machine.run({ limit: 1000 })).toMatchObject({ kind: 'shutdown', status: 15 });
  });

  it('peeking sets no accessed bit', () => {
    const { machine } = startProgram(assembleText('nop'));
    const table = () => [...machine.peekPhysical(0x71000n + 3n * 8n, 8)];
    const before = table();
    machine.peekLinear('root', 3n << 30n, 8);
    expect(table()).toEqual(before);
  });
});

describe.skipIf(!hasNasm())('the bus', () => {
  it.each([
    ['below 4 GiB', 0xd0000000n],
    ['above 4 GiB', 0x12_3456_7000n],
  ])('answers all ones where no memory is, %s, and says so once', (_name, address) => {
    const { machine, notices } = startProgram(
      assembleText(`mov rbx, ${address}
        mov rax, [rbx]
        inc rax
        mov [rbx], rax
        mov rcx, [rbx]
        movzx edx, word [rbx + 2]
        ${EXIT}`),
    );
    expect(machine.run({ limit: 100 })).toMatchObject({ kind: 'shutdown', status: 1 });
    expect(machine.readRegister('rcx')).toBe(0xffff_ffff_ffff_ffffn);
    expect(machine.readRegister('rdx')).toBe(0xffffn);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(new RegExp(address.toString(16), 'i'));
  });
});
