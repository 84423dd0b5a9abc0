// A local APIC as a person sees it. Nothing of it changes: its timer is looked at as if time had reached it.
import type { LocalApicState } from '../interrupt-state.ts';
import { type ApicTimer, currentCount, expire, expiry, TIMER_DEADLINE } from './apic-timer.ts';
import {
  type LocalApic,
  LVT_COUNT,
  REGISTER_DFR,
  REGISTER_ESR,
  REGISTER_ICR,
  REGISTER_ID,
  REGISTER_IRR,
  REGISTER_ISR,
  REGISTER_LDR,
  REGISTER_LVT,
  REGISTER_PPR,
  REGISTER_SVR,
  REGISTER_TMR,
  REGISTER_TPR,
  REGISTER_VERSION,
} from './local-apic.ts';

/** @param timer a copy, which is let run to `now` */
export function peekLocalApic(apic: LocalApic, timer: ApicTimer, now: number): LocalApicState {
  const vectors = (first: number): number[] =>
    Array.from({ length: 256 }, (_, vector) => vector).filter(
      (vector) => (apic.read(first + (vector >> 5)) & (1 << (vector & 31))) !== 0,
    );
  const next = expiry(timer);
  // What is due and interrupts has not been accepted yet: the machine lets it before the next instruction.
  const due = now >= next && (apic.read(REGISTER_LVT) & 0x10000) === 0;
  if (!due) expire(timer, now);
  const expires = expiry(timer);
  return {
    mode: apic.isX2() ? 'x2APIC' : apic.isEnabled() ? 'xAPIC' : 'disabled',
    page: apic.page(),
    id: apic.isX2() ? apic.read(REGISTER_ID) : apic.read(REGISTER_ID) >>> 24,
    version: apic.read(REGISTER_VERSION),
    taskPriority: apic.read(REGISTER_TPR),
    processorPriority: apic.read(REGISTER_PPR),
    logicalDestination: apic.read(REGISTER_LDR),
    destinationFormat: apic.isX2() ? undefined : apic.read(REGISTER_DFR),
    spuriousVector: apic.read(REGISTER_SVR),
    errorStatus: apic.read(REGISTER_ESR),
    command: apic.read(REGISTER_ICR),
    destination: apic.readDestination(),
    inService: vectors(REGISTER_ISR),
    triggerModes: vectors(REGISTER_TMR),
    requests: vectors(REGISTER_IRR),
    lvt: Array.from({ length: LVT_COUNT }, (_, entry) => apic.read(REGISTER_LVT + entry)),
    timer: {
      initialCount: timer.mode === TIMER_DEADLINE ? 0 : timer.initial,
      currentCount: currentCount(timer, now),
      divide: timer.divide,
      deadline: timer.mode === TIMER_DEADLINE ? timer.deadline : 0,
      expires: expires === Number.POSITIVE_INFINITY ? undefined : expires,
    },
    nmi: apic.nmiPending(),
    init: apic.initPending(),
    startup: apic.startupPending(),
  };
}
