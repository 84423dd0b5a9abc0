// Back and forward again: the whole machine is what it was, bit for bit, however it got there.
import { describe, expect, it } from 'vitest';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Moment } from '../../../src/machine/history/types.ts';
import type { Machine } from '../../../src/machine/types.ts';
import type { Program } from '../../../src/program/types.ts';
import { assembleProgram, assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

const LIMIT = 256 << 20;
const RAM = 16;

/** Timer interrupts by the 8254, pages written all over 1 MiB, code that rewrites itself, a dirty flag that is cleared without INVLPG, output. */
const BUSY = `
    lgdt [gdtr]
    lea rax, [rel tick]
    mov word [idt + 0x20 * 16], ax
    mov word [idt + 0x20 * 16 + 2], 8
    mov word [idt + 0x20 * 16 + 4], 0x8e00
    shr rax, 16
    mov word [idt + 0x20 * 16 + 6], ax
    lidt [idtr]
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
    mov al, 0x34
    out 0x43, al
    mov al, 0x50
    out 0x40, al
    mov al, 0
    out 0x40, al
    ; a 2-MiB page of its own for 40000000H
    mov qword [0x300000], 0x301000 | 3
    mov rax, [0x300000]
    mov rax, cr3
    mov rbx, [rax]
    and rbx, ~0xfff
    mov qword [rbx + 8], 0x302000 | 3
    mov qword [0x302000], 0x400000 | 0x83
    invlpg [0x40000000]
    sti
    xor r15, r15
  turn:
    mov rcx, 1500
  fill:
    imul rbx, rbx, 1103515245
    add rbx, 12345
    mov rdx, rbx
    shr rdx, 20
    and rdx, 0xffff8
    add [rdx + 0x800000], rbx
    dec rcx
    jnz fill
    inc dword [rel patch + 1]
  patch:
    mov eax, 1
    add r15, rax
    mov dword [0x40000000], eax
    and qword [0x302000], ~0x40
    mov rax, [0x302000]
    add r15, rax
    test r15b, 7
    jnz turn
    mov al, r15b
    and al, 0x3f
    add al, 0x40
    out 0xe9, al
    test r15b, 0x18
    jnz turn
    hlt
    jmp turn
  tick:
    push rax
    inc qword [rel ticks]
    mov al, 0x20
    out 0x20, al
    pop rax
    iretq
    align 8
  ticks: dq 0
  gdtr: dw 23
    dq gdt
  gdt: dq 0, 0x00af9a000000ffff, 0x00cf92000000ffff
  idtr: dw 0x21 * 16 - 1
    dq idt
    align 16
  idt: times 0x21 * 16 db 0
`;

const PASS = { vmFails: false, entryFailures: false, tripleFaults: false } as const;

/** Runs up to a time in slices of a length that a small generator chooses. */
function runTo(machine: Machine, time: number, seed: number): void {
  let state = seed;
  while (machine.time() < time) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const limit = Math.min(time - machine.time(), 1 + (state >>> (seed % 3 === 0 ? 20 : 13)));
    const stop = machine.run({ ...PASS, limit: seed === 0 ? time - machine.time() : limit });
    if (stop.kind !== 'budget') return;
  }
}

/** Hashes at times, from a machine that records nothing and runs without interruption. */
function plain(program: Program, times: readonly number[]): string[] {
  const { machine } = startProgram(program, RAM);
  return times.map((time) => {
    runTo(machine, time, 0);
    return machine.history.hash();
  });
}

describe.skipIf(!hasNasm())('time travel', () => {
  it('ten million instructions forward, back and forward again', () => {
    const program = assembleText(BUSY);
    const times = [1, 999_999, 3_000_001, 5_123_456, 7_777_777, 10_000_000];
    const expected = plain(program, times);
    expect(new Set(expected).size).toBe(times.length);
    const { machine, output } = startProgram(program, RAM);
    machine.history.record(LIMIT);
    const forward = times.map((time) => {
      runTo(machine, time, 7);
      return machine.history.hash();
    });
    expect(forward).toEqual(expected);
    const written = output();
    expect(written.length).toBeGreaterThan(10);
    for (const [at, seed] of [
      [3, 1],
      [0, 2],
      [4, 4],
      [1, 5],
      [2, 8],
      [5, 10],
    ] as const) {
      const time = times[at] as number;
      const events = machine.history.first().events;
      machine.history.goTo({ time, events });
      expect(machine.history.hash(), `at ${time}`).toBe(expected[at]);
      if (at === 5) continue;
      runTo(machine, times[at + 1] as number, seed);
      expect(machine.history.hash(), `at ${times[at + 1]} from ${time}`).toBe(expected[at + 1]);
    }
    runTo(machine, 11_000_000, 3);
    expect(machine.history.hash()).toBe(plain(program, [11_000_000])[0]);
  });

  const programs = readdirSync(join(import.meta.dirname, '../../vmx/programs')).filter((name) => name.endsWith('.asm'));
  it.each(programs)('%s: recording changes nothing, and going back changes nothing', (name) => {
    const program = assembleProgram(name);
    const { machine: model } = startProgram(program, RAM);
    runTo(model, 300_000, 0);
    const length = model.time();
    const times = [0.2, 0.5, 0.9].map((part) => Math.floor(length * part));
    const expected = plain(program, times);
    const { machine } = startProgram(program, RAM);
    machine.history.record(LIMIT);
    const recorded = times.map((time) => {
      runTo(machine, time, 1);
      return machine.history.hash();
    });
    expect(recorded).toEqual(expected);
    // Snapshots all over the run, so that each holds only what was written since the one before.
    machine.history.goTo(machine.history.first());
    for (let part = 0.05; part < 1; part += 0.05) {
      runTo(machine, Math.floor(length * part), 1);
      machine.history.mark();
    }
    for (const at of [1, 0, 2, 0]) {
      machine.history.goTo({ time: times[at] as number, events: 0 });
      expect(machine.history.hash()).toBe(expected[at]);
    }
  });

  it('every moment of a run can be reached, also those between which nothing retires', () => {
    const { machine } = startProgram(assembleProgram('cpuid.asm'), RAM);
    machine.history.record(LIMIT);
    machine.run({ limit: 1_000_000, entries: true });
    const moments: { moment: Moment; hash: string }[] = [];
    for (let i = 0; i < 80; i++) {
      moments.push({ moment: machine.history.now(), hash: machine.history.hash() });
      if (machine.step().kind === 'shutdown') break;
    }
    expect(moments.some(({ moment }, i) => moments[i + 1]?.moment.time === moment.time)).toBe(true);
    for (let i = moments.length - 1; i >= 0; i -= 7) {
      const { moment, hash } = moments[i] as (typeof moments)[0];
      expect(machine.history.goTo(moment)).toBe(true);
      expect(machine.history.now()).toEqual(moment);
      expect(machine.history.hash()).toBe(hash);
    }
  });

  it('console input comes again when it came, and the console goes back', () => {
    // Echoes what COM1 receives, with a counter that depends on when.
    const echo = `
      mov dx, 0x3fd
    again: inc rbx
      in al, dx
      test al, 1
      jz again
      mov dx, 0x3f8
      in al, dx
      out 0xe9, al
      mov al, bl
      and al, 0x3f
      or al, 0x40
      out 0xe9, al
      mov dx, 0x3fd
      jmp again`;
    const { machine, output } = startProgram(assembleText(echo));
    machine.history.record(LIMIT);
    const rewound: string[] = [];
    machine.onRewound = (bytes) => rewound.push(String.fromCharCode(...bytes));
    const type = (text: string) => machine.input(new TextEncoder().encode(text));
    for (const [time, text] of [
      [1234, 'a'],
      [5678, 'b'],
      [9999, 'c'],
    ] as const) {
      runTo(machine, time, 0);
      type(text);
    }
    runTo(machine, 20_000, 0);
    const whole = output();
    expect(whole.replace(/(.)./g, '$1')).toBe('abc');
    const hash = machine.history.hash();
    machine.history.goTo({ time: 5000, events: 0 });
    expect(rewound).toEqual([whole.slice(0, 2)]);
    runTo(machine, 20_000, 7);
    expect(output()).toBe(whole + whole.slice(2));
    expect(machine.history.hash()).toBe(hash);
    machine.history.goTo({ time: 7000, events: 0 });
    expect(machine.history.cuts).toBe(0);
    type('x');
    expect(machine.history.cuts).toBe(1);
    expect(machine.history.last()).toEqual(machine.history.now());
    runTo(machine, 20_000, 0);
    expect(output().slice(-2)[0]).toBe('x');
    machine.history.goTo({ time: 6000, events: 0 });
    expect(rewound.at(-1)?.replace(/(.)./g, '$1')).toBe('ab');
    machine.history.goTo({ time: 15_000, events: 0 });
    expect(output().slice(-2)[0]).toBe('x');
  });

  it('what the machine refuses leaves the recorded future alone', () => {
    const { machine } = startProgram(assembleText('turn: add rax, rbx\nadd [0x500000], rax\njmp turn'));
    machine.history.record(LIMIT);
    runTo(machine, 3000, 0);
    const last = machine.history.now();
    machine.history.goTo({ time: 1000, events: 0 });
    // Reserved bits of CR0 and of IA32_EFER; no VMCS; no memory there; no such processor state.
    expect(machine.writeRegister('cr0', 1n << 63n)).toBeTypeOf('string');
    expect(machine.writeRegister('efer', 1n << 63n)).toBeTypeOf('string');
    expect(machine.writeRegister('no_such_register', 0n)).toBeTypeOf('string');
    expect(machine.writeVmcs(0x681e, 0n)).toBeTypeOf('string');
    expect(machine.pokePhysical(1n << 45n, Uint8Array.of(1))).toBe(0);
    expect([machine.history.cuts, machine.history.last()]).toEqual([0, last]);
    expect(machine.writeRegister('rbx', 1n)).toBeUndefined();
    expect([machine.history.cuts, machine.history.last()]).toEqual([1, machine.history.now()]);
  });

  it('what a debugger changed is changed again', () => {
    const { machine } = startProgram(assembleText('turn: add rax, rbx\nadd [0x500000], rax\njmp turn'));
    machine.history.record(LIMIT);
    runTo(machine, 1000, 0);
    machine.writeRegister('rbx', 3n);
    runTo(machine, 2000, 0);
    machine.pokePhysical(0x500000n, Uint8Array.of(9));
    runTo(machine, 3000, 0);
    const end = machine.history.hash();
    const rax = machine.readRegister('rax');
    machine.history.goTo({ time: 999, events: 0 });
    expect(machine.readRegister('rbx')).toBe(0n);
    machine.history.goTo({ time: 1500, events: 0 });
    expect(machine.readRegister('rbx')).toBe(3n);
    runTo(machine, 3000, 7);
    expect(machine.readRegister('rax')).toBe(rax);
    expect(machine.history.hash()).toBe(end);
  });

  it('old parts thin out and the limit holds', () => {
    const { machine } = startProgram(assembleText(BUSY), RAM);
    const limit = 6 << 20;
    machine.history.record(limit);
    const bytes: number[] = [];
    for (let time = 4_000_000; time <= 60_000_000; time += 4_000_000) {
      runTo(machine, time, 0);
      bytes.push(machine.history.bytes());
    }
    expect(Math.max(...bytes)).toBeLessThanOrEqual(limit);
    const hash = machine.history.hash();
    machine.history.goTo(machine.history.first());
    runTo(machine, 60_000_000, 0);
    expect(machine.history.hash()).toBe(hash);
  });
});
