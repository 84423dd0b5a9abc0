// Which of several events that are due at a VM entry comes first, with every blocking (SDM "Special Features of VM Entry",
// "Other Causes of VM Exits", "Delivery of Pending Debug Exceptions after VM Entry", "VM-Entry Event Injection").
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm } from '../hypervisors.ts';
import { openStand, START_TIMEOUT, type Outcome, type Stand } from '../stand.ts';

const PIN = 'Pin-based VM-execution controls';
const PRIMARY = 'Primary processor-based VM-execution controls';
const PIN_NMI = 0x28; // NMI exiting, virtual NMIs
const PIN_TIMER = 1 << 6;
const INTERRUPT_WINDOW = 1 << 2;
const NMI_WINDOW = 1 << 22;
const [STI, MOV_SS, NMI] = [1, 2, 8] as const;
const VALID = 2 ** 31;
const IF = 0x202;
const TF = 0x102;
const PENDING_BREAKPOINT = 0x1001;
const BOTH = [false, true] as const;

/** What came: an exit reason, #DB as an exit, or an event that the guest took. */
function told(outcome: Outcome): string {
  if (outcome.kind === 'event') return `vector ${outcome.vector}`;
  if (outcome.kind !== 'exit') return outcome.kind;
  return outcome.reason === 0 ? `exception ${outcome.interruption & 0xff}` : `exit ${outcome.reason}`;
}

describe.skipIf(!hasNasm())('priorities at VM entry', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = openStand({
      cpuid: 'cpuid',
      nops: 'nop\n nop\n cpuid',
      'mov ss': 'mov ss, ebx\n nop\n nop\n cpuid',
      sti: 'sti\n nop\n nop\n cpuid',
      push: 'push rax\n nop\n cpuid',
      rep: 'rep stosb\n cpuid',
      popf: 'popfq\n nop\n nop\n cpuid',
      int: 'int 0x30',
      int3: 'int3',
      dr: 'mov rax, dr6\n vmcall',
    });
  }, START_TIMEOUT);

  it('MTF, pending debug exceptions, preemption timer, NMI window, interrupt window: every set under every blocking', () => {
    let checks = 0;
    for (const mtf of BOTH)
      for (const debug of BOTH)
        for (const intercepted of BOTH)
          for (const timer of BOTH)
            for (const nmiWindow of BOTH)
              for (const interruptWindow of BOTH)
                for (const enabled of BOTH)
                  for (const halted of BOTH)
                    for (const blocking of [0, STI, MOV_SS, NMI, NMI | MOV_SS, NMI | STI]) {
                      if (blocking & STI && !enabled) continue; // not allowed
                      if (blocking & (STI | MOV_SS) && halted) continue; // not allowed
                      const movSs = (blocking & MOV_SS) !== 0;
                      const expected = mtf
                        ? 'exit 37'
                        : debug && !movSs
                          ? intercepted
                            ? 'exception 1'
                            : // The handler's first instruction is VMCALL, unless the timer or the NMI window comes before it.
                              timer
                              ? 'exit 52'
                              : nmiWindow && !(blocking & NMI)
                                ? 'exit 8'
                                : 'vector 1'
                          : timer
                            ? 'exit 52'
                            : nmiWindow && !(blocking & NMI) && !movSs && !(blocking & STI)
                              ? 'exit 8'
                              : interruptWindow && enabled && !(blocking & (STI | MOV_SS))
                                ? 'exit 7'
                                : halted
                                  ? 'stop'
                                  : 'exit 10';
                      if (expected === 'stop') continue; // halted for ever
                      const outcome = stand.enter({
                        at: 'cpuid',
                        fields: {
                          [PIN]: stand.with(PIN, PIN_NMI | (timer ? PIN_TIMER : 0)),
                          [PRIMARY]: stand.with(
                            PRIMARY,
                            (nmiWindow ? NMI_WINDOW : 0) | (interruptWindow ? INTERRUPT_WINDOW : 0),
                          ),
                          'VMX-preemption timer value': 0,
                          'VM-entry interruption-information field': mtf ? VALID + 0x700 : 0,
                          'Guest pending debug exceptions': debug ? PENDING_BREAKPOINT : 0,
                          'Exception bitmap': intercepted ? 2 : 0,
                          'Guest interruptibility state': blocking,
                          'Guest activity state': halted ? 1 : 0,
                          'Guest RFLAGS': enabled ? IF : 2,
                        },
                      });
                      const name = JSON.stringify({
                        mtf,
                        debug,
                        intercepted,
                        timer,
                        nmiWindow,
                        interruptWindow,
                        enabled,
                        halted,
                        blocking,
                      });
                      // Whether blocking by STI holds back an NMI-window exit depends on the processor.
                      if (nmiWindow && blocking & STI)
                        expect(['exit 8', 'exit 7', expected], name).toContain(told(outcome));
                      else expect(told(outcome), name).toBe(expected);
                      checks += 1;
                    }
    expect(checks).toBeGreaterThan(600);
  });

  it.each([
    ['nops', { 'Guest RFLAGS': TF }, 1, 0x4000n],
    ['mov ss', { 'Guest RFLAGS': TF }, 3, 0x4000n], // MOV SS and the NOP after it
    ['push', { 'Guest RFLAGS': TF }, 1, 0x4000n],
    [
      'nops',
      { 'Guest RFLAGS': TF, 'Guest interruptibility state': MOV_SS, 'Guest pending debug exceptions': 0x5001 },
      1,
      0x4001n,
    ],
    [
      'nops',
      { 'Guest RFLAGS': 2, 'Guest interruptibility state': MOV_SS, 'Guest pending debug exceptions': 0x1005 },
      1,
      5n,
    ],
    ['nops', { 'Guest RFLAGS': 2, 'Guest pending debug exceptions': 0x100f }, 0, 15n],
    ['nops', { 'Guest RFLAGS': TF, 'Guest pending debug exceptions': 0x4000 }, 0, 0x4000n],
    [
      'nops',
      { 'Guest RFLAGS': TF | 0x200, 'Guest interruptibility state': STI, 'Guest pending debug exceptions': 0x4000 },
      0,
      0x4000n,
    ],
  ] as const)('single-step and pending debug exceptions: %s, %o', (at, fields, offset, qualification) => {
    const registers = { rbx: 0x10, dr6: 0xffff_0ff8n }; // DR6.B3 from before
    expect(stand.enter({ at, fields: { ...fields, 'Exception bitmap': 2 }, registers })).toMatchObject({
      kind: 'exit',
      reason: 0,
      interruption: 0x8000_0301,
      offset,
      qualification,
    });
    // A #DB that exits changes neither DR6 nor leaves anything pending.
    expect(stand.machine.readRegister('dr6')).toBe(0xffff_0ff8n);
    expect(stand.field('Guest pending debug exceptions')).toBe(0n);
    // Delivered, it is the guest's: DR6 has its bits, those of the low four alone.
    expect(stand.enter({ at, fields, registers })).toMatchObject({ kind: 'event', vector: 1, offset });
    expect((stand.machine.readRegister('dr6') ?? 0n) & 0xf00fn).toBe(qualification);
  });

  it.each([0x2, 0x8, 0x400, 0xff0] as const)(
    'bits without a breakpoint or BS are no debug exception: %i',
    (pending) => {
      const fields = { 'Guest pending debug exceptions': pending & 0xf, 'Exception bitmap': 2 };
      expect(told(stand.enter({ at: 'nops', fields }))).toBe('exit 10');
    },
  );

  it.each([
    ['external interrupt', 0x30, 0x000, 'vector 48'],
    ['NMI', 2, 0x200, 'vector 2'],
    ['hardware exception', 6, 0x300, 'vector 6'],
    ['software interrupt', 0x30, 0x400, 'vector 48'],
    ['privileged software exception', 1, 0x500, 'vector 1'],
    ['software exception', 3, 0x600, 'vector 3'],
  ] as const)(
    'an injected %s is delivered before the timer, the windows and the exception bitmap',
    (_, vector, type, event) => {
      for (const timer of BOTH)
        for (const window of BOTH)
          for (const bitmap of [0, 0xffff_ffff])
            for (const pending of [0, PENDING_BREAKPOINT])
              for (const blocking of [0, MOV_SS]) {
                if (blocking && (type === 0 || type === 0x200)) continue; // not allowed
                const outcome = stand.enter({
                  at: 'cpuid',
                  fields: {
                    [PIN]: stand.with(PIN, PIN_NMI | (timer ? PIN_TIMER : 0)),
                    [PRIMARY]: stand.with(PRIMARY, window ? INTERRUPT_WINDOW : 0),
                    'VMX-preemption timer value': 0,
                    'VM-entry interruption-information field': VALID + type + vector,
                    'VM-entry instruction length': 2,
                    'Exception bitmap': bitmap,
                    'Guest RFLAGS': type === 0 || window ? IF : 2,
                    'Guest pending debug exceptions': pending,
                    'Guest interruptibility state': blocking,
                  },
                });
                const name = JSON.stringify({ timer, window, bitmap, pending, blocking });
                if (pending && blocking) continue; // as after MOV SS with a data breakpoint: what follows is not wholly defined
                // An interrupt gate clears IF, so no interrupt window is open in the handler.
                if (!timer) expect(told(outcome), name).toBe(event);
                else {
                  expect(told(outcome), name).toBe('exit 52');
                  // At the handler's first instruction, 8 bytes a vector from 2E0000H.
                  expect(stand.field('Guest RIP'), name).toBe(BigInt(0x2e_0000 + 8 * vector));
                }
              }
    },
  );

  it.each([
    ['nops', {}, 'exit 37', 1],
    ['mov ss', {}, 'exit 37', 2], // MTF is not held back by MOV SS
    ['sti', {}, 'exit 37', 1],
    ['rep', { rcx: 3, rdi: 0x2d_0000 }, 'exit 37', 0], // after one iteration
    ['cpuid', {}, 'exit 10', 0],
    ['int', {}, 'exit 37', 0x2e_0000 + 8 * 0x30],
    ['int3', {}, 'exit 37', 0x2e_0000 + 8 * 3],
  ] as const)('monitor trap flag: %s', (at, registers, reason, offset) => {
    const fields = { [PRIMARY]: stand.with(PRIMARY, 1 << 27) };
    const outcome = stand.enter({ at, fields, registers: { rbx: 0x10, ...registers } });
    expect(told(outcome)).toBe(reason);
    const rip = Number(stand.field('Guest RIP'));
    expect(offset < 0x1000 ? rip - stand.addressOf(at) : rip).toBe(offset);
  });

  it('monitor trap flag and single-step: the exit comes first, the trap stays pending', () => {
    const fields = { [PRIMARY]: stand.with(PRIMARY, 1 << 27), 'Guest RFLAGS': TF, 'Exception bitmap': 2 };
    expect(stand.enter({ at: 'nops', fields })).toMatchObject({ reason: 37, offset: 1 });
    expect(stand.field('Guest pending debug exceptions')).toBe(0x4000n);
  });

  it('monitor trap flag after an injected event: at the handler’s first instruction', () => {
    for (const [type, vector] of [
      [0x000, 0x30],
      [0x200, 2],
      [0x300, 6],
      [0x400, 0x30],
      [0x600, 3],
    ] as const) {
      const outcome = stand.enter({
        at: 'nops',
        fields: {
          [PRIMARY]: stand.with(PRIMARY, 1 << 27),
          'VM-entry interruption-information field': VALID + type + vector,
          'VM-entry instruction length': 2,
          'Guest RFLAGS': IF,
        },
      });
      expect(told(outcome)).toBe('exit 37');
      expect(stand.field('Guest RIP')).toBe(BigInt(0x2e_0000 + 8 * vector));
    }
  });
});
