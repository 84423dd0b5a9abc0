// The two 8259A interrupt controllers of a PC, cascaded at input 2 (Intel 8259A data sheet, "Programming the 8259A"), with the
// edge/level control registers at 4D0H and 4D1H (Intel 82371 data sheet, "ELCR").
import type { PicState } from '../interrupt-state.ts';
import { stateAccess } from './state.ts';
import type { Device } from './types.ts';

export interface Pic extends Device {
  /** Drives one of the 16 inputs. */
  setLine(irq: number, level: boolean): void;
  /** The first controller's output to the processor. */
  output(): boolean;
  /** The processor's acknowledge cycle: the vector. A request that has gone is answered as spurious, input 7. */
  acknowledge(): number;
  /** True when an edge on this input can reach the processor. */
  isOpen(irq: number): boolean;
  /** The first controller and the second. */
  peek(): readonly [PicState, PicState];
}

interface Chip {
  requests: number; // IRR
  service: number; // ISR
  mask: number; // IMR
  lines: number;
  levels: number; // ELCR
  base: number; // ICW2
  lowest: number; // input of lowest priority
  step: number; // initialization word that comes next, 0 when ready
  needsFour: boolean;
  single: boolean;
  allLevel: boolean; // ICW1 LTIM
  autoEnd: boolean;
  rotateOnAutoEnd: boolean;
  specialNested: boolean;
  specialMask: boolean;
  readService: boolean;
  poll: boolean;
}

const freshChip = (): Chip => ({
  requests: 0,
  service: 0,
  mask: 0xff,
  lines: 0,
  levels: 0,
  base: 0,
  lowest: 7,
  step: 0,
  needsFour: false,
  single: false,
  allLevel: false,
  autoEnd: false,
  rotateOnAutoEnd: false,
  specialNested: false,
  specialMask: false,
  readService: false,
  poll: false,
});

const CASCADE = 2;
/** Inputs that are edge-triggered whatever ELCR says: timer, keyboard, cascade; real-time clock, coprocessor. */
const EDGE_ONLY = [0x07, 0x21];

export function createPic(): Pic {
  const state = { first: freshChip(), second: freshChip() };
  const chips = (): readonly [Chip, Chip] => [state.first, state.second];

  const isLevel = (chip: Chip, bit: number): boolean => chip.allLevel || (chip.levels & bit) !== 0;

  /** Input of highest priority in a set, -1 for none. */
  function highest(chip: Chip, set: number): number {
    for (let distance = 1; distance <= 8; distance++) {
      const input = (chip.lowest + distance) & 7;
      if (set & (1 << input)) return input;
    }
    return -1;
  }

  /** The input that this controller requests for now, -1 for none (data sheet, "Fully nested mode", "Special mask mode"). */
  function requested(chip: Chip, first: boolean): number {
    const candidate = highest(chip, chip.requests & ~chip.mask);
    if (candidate < 0 || chip.step !== 0) return -1;
    const blocking = chip.specialMask ? chip.service & ~chip.mask : chip.service;
    const served = highest(chip, blocking);
    if (served < 0) return candidate;
    const rank = (input: number): number => (input - chip.lowest - 1) & 7;
    if (rank(candidate) < rank(served)) return candidate;
    const nestedSlave = first && chip.specialNested && candidate === CASCADE && served === CASCADE;
    return nestedSlave ? candidate : -1;
  }

  function setInput(chip: Chip, input: number, level: boolean): void {
    const bit = 1 << input;
    if (isLevel(chip, bit)) chip.requests = level ? chip.requests | bit : chip.requests & ~bit;
    else if (level && !(chip.lines & bit)) chip.requests |= bit;
    else if (!level) chip.requests &= ~bit; // the request must stay until it is acknowledged, or it is spurious
    chip.lines = level ? chip.lines | bit : chip.lines & ~bit;
  }

  const cascade = (): void => setInput(state.first, CASCADE, requested(state.second, false) >= 0);

  /** Takes an input into service. */
  function take(chip: Chip, input: number): void {
    const bit = 1 << input;
    if (!isLevel(chip, bit)) chip.requests &= ~bit;
    if (!chip.autoEnd) chip.service |= bit;
    else if (chip.rotateOnAutoEnd) chip.lowest = input;
  }

  function acknowledgeChip(chip: Chip, first: boolean): number {
    const input = requested(chip, first);
    if (input < 0) return 7;
    take(chip, input);
    return input;
  }

  function initialize(chip: Chip, word: number): void {
    const { lines, levels } = chip;
    Object.assign(chip, freshChip(), {
      lines,
      levels,
      mask: 0,
      step: 2,
      needsFour: (word & 1) !== 0,
      single: (word & 2) !== 0,
      allLevel: (word & 8) !== 0,
    });
    for (let input = 0; input < 8; input++)
      if (isLevel(chip, 1 << input) && lines & (1 << input)) chip.requests |= 1 << input;
  }

  function endOfInterrupt(chip: Chip, word: number): void {
    const command = word >> 5;
    const specific = (command & 2) !== 0;
    if (command === 0 || command === 4) {
      chip.rotateOnAutoEnd = command === 4;
      return;
    }
    if (command === 2) return; // no operation
    const input = specific ? word & 7 : highest(chip, chip.specialMask ? chip.service & ~chip.mask : chip.service);
    if (input < 0) return;
    if (command & 1) chip.service &= ~(1 << input);
    if (command & 4) chip.lowest = input;
  }

  function writeCommand(chip: Chip, value: number): void {
    if (value & 0x10) initialize(chip, value);
    else if (value & 0x08) {
      if (value & 0x40) chip.specialMask = (value & 0x20) !== 0;
      if (value & 0x04) chip.poll = true;
      if (value & 0x02) chip.readService = (value & 0x01) !== 0;
    } else endOfInterrupt(chip, value);
  }

  function writeData(chip: Chip, value: number): void {
    switch (chip.step) {
      case 2:
        chip.base = value & 0xf8;
        chip.step = chip.single ? (chip.needsFour ? 4 : 0) : 3;
        break;
      case 3: // which input the cascade uses: fixed wires in a PC
        chip.step = chip.needsFour ? 4 : 0;
        break;
      case 4:
        chip.specialNested = (value & 0x10) !== 0;
        chip.autoEnd = (value & 0x02) !== 0;
        chip.step = 0;
        break;
      default:
        chip.mask = value;
    }
  }

  function readChip(chip: Chip, first: boolean, data: boolean): number {
    if (chip.poll) {
      chip.poll = false;
      const input = requested(chip, first);
      if (input < 0) return 0;
      take(chip, input);
      return 0x80 | input;
    }
    if (data) return chip.mask;
    return chip.readService ? chip.service : chip.requests;
  }

  const byPort = (port: number): { chip: Chip; first: boolean } => {
    const first = port < 0x80;
    return { chip: first ? state.first : state.second, first };
  };

  return {
    name: 'PIC',
    ports: [
      { first: 0x20, last: 0x21 },
      { first: 0xa0, last: 0xa1 },
      { first: 0x4d0, last: 0x4d1 },
    ],
    readPort(port) {
      if (port >= 0x4d0) return chips()[port & 1]!.levels;
      const { chip, first } = byPort(port);
      const value = readChip(chip, first, (port & 1) !== 0);
      cascade();
      return value;
    },
    writePort(port, _size, value) {
      const byte = value & 0xff;
      if (port >= 0x4d0) {
        const chip = chips()[port & 1]!;
        chip.levels = byte & ~EDGE_ONLY[port & 1]!;
        for (let input = 0; input < 8; input++)
          if (chip.levels & (1 << input)) setInput(chip, input, (chip.lines & (1 << input)) !== 0);
      } else if (port & 1) writeData(byPort(port).chip, byte);
      else writeCommand(byPort(port).chip, byte);
      cascade();
    },
    setLine(irq, level) {
      if (irq === CASCADE) return;
      setInput(irq < 8 ? state.first : state.second, irq & 7, level);
      cascade();
    },
    output: () => requested(state.first, true) >= 0,
    acknowledge() {
      const { first, second } = state;
      const input = acknowledgeChip(first, true);
      if (input !== CASCADE || first.single) return first.base | input;
      const inner = acknowledgeChip(second, false);
      cascade();
      return second.base | inner;
    },
    isOpen(irq) {
      const { first, second } = state;
      if (irq < 8) return !(first.mask & (1 << irq));
      return !(second.mask & (1 << (irq & 7))) && !(first.mask & (1 << CASCADE));
    },
    peek: () => [peekChip(state.first), peekChip(state.second)],
    ...stateAccess(state),
  };
}

const peekChip = ({ requests, service, mask, base, lines, levels, allLevel, autoEnd }: Chip): PicState => ({
  requests,
  inService: service,
  mask,
  base,
  lines,
  levels: allLevel ? 0xff : levels,
  automaticEnd: autoEnd,
});
