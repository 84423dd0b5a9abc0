// Events that the debugger makes happen: as if a device had sent an interrupt, or the next instruction had raised an exception.
import {
  EVENT_CR2,
  EVENT_DR6,
  EVENT_ERROR,
  EVENT_HARDWARE,
  EVENT_HAS_ERROR,
  EVENT_LENGTH,
  EVENT_TYPE,
  EVENT_VALID,
  EVENT_VECTOR,
  FORCED_INTERRUPT,
  NMI_PENDING,
} from '../core/layout.ts';
import { exceptionOfVector, vectorName } from '../spec/exceptions.ts';
import { type Core, readWord, writeQuad, writeWord } from '../vmx/processor.ts';
import { wake } from './interrupts.ts';
import type { InjectedEvent } from './types.ts';

const VECTOR_NMI = 2;

/** Answers why it cannot be injected, or undefined: it then happens before the next instruction, or exits where it would. */
export function injectEvent(core: Core, event: InjectedEvent): string | undefined {
  if (readWord(core, EVENT_VALID) !== 0) {
    return `${vectorName(readWord(core, EVENT_VECTOR))} waits to be delivered already; step over it first.`;
  }
  switch (event.kind) {
    case 'nmi':
      writeWord(core, NMI_PENDING, 1);
      wake(core);
      return undefined;
    case 'interrupt':
      if (event.vector < 16 || event.vector > 255) return 'The vector of an external interrupt is from 16 to 255.';
      if (readWord(core, FORCED_INTERRUPT) !== 0) return 'An interrupt that was injected waits already.';
      writeWord(core, FORCED_INTERRUPT, 0x100 | event.vector);
      return undefined;
    case 'exception': {
      const row = exceptionOfVector(event.vector);
      if (row === undefined || event.vector === VECTOR_NMI) return `Vector ${event.vector} is not an exception.`;
      if (row.error === 'none' && event.error !== undefined) return `${row.name} has no error code.`;
      writeWord(core, EVENT_VECTOR, event.vector);
      writeWord(core, EVENT_TYPE, EVENT_HARDWARE);
      writeWord(core, EVENT_LENGTH, 0);
      writeWord(core, EVENT_HAS_ERROR, row.error === 'none' ? 0 : 1);
      writeWord(core, EVENT_ERROR, row.error === 'code' ? (event.error ?? 0) : 0);
      writeQuad(core, EVENT_CR2, event.address ?? 0n);
      writeQuad(core, EVENT_DR6, 0n);
      writeWord(core, EVENT_VALID, 1);
      wake(core);
      return undefined;
    }
  }
}
