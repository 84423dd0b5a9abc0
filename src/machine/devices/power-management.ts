// The fixed hardware of ACPI (ACPI Specification 6.5, "ACPI Hardware Specification", "Power Management Timer"): PM1 event and control
// registers and the PM timer. ACPI is always on. The timer's carry is the only event; the one sleep state is off.
import { ticksAt, timeOfTick } from './clock.ts';
import { stateAccess } from './state.ts';
import type { Device } from './types.ts';

export const PM_EVENTS = 0x600; // status, then enable, 16 bits each
export const PM_CONTROL = 0x604; // 16 bits
export const PM_TIMER = 0x608; // 32 bits
export const SCI_IRQ = 9;
/** SLP_TYP of the power-off state S5. */
export const SLEEP_TYPE_OFF = 5;

const FREQUENCY = 3_579_545;
const CARRY = 2 ** 31; // the carry is a change of bit 31
const STATUS = PM_EVENTS;
const ENABLE = PM_EVENTS + 2;
const TIMER_EVENT = 1;
const SCI_ENABLED = 1;
const SLEEP_ENABLE = 1 << 5; // in the upper byte
const CONTROL_KEPT = 0x1c; // SLP_TYP, in the upper byte

export interface PowerManagementWiring {
  now(): number;
  setLine(level: boolean): void;
  shutdown(status: number, port: number): void;
  unsimulated(explanation: string): void;
}

export function createPowerManagement(wiring: PowerManagementWiring): Device {
  const state = { carries: 0, status: 0, enable: [0, 0], control: [SCI_ENABLED, 0] };
  const carriesAt = (time: number): number => Math.floor(ticksAt(time, FREQUENCY) / CARRY);

  function advance(time: number): void {
    const carries = carriesAt(time);
    if (carries !== state.carries) state.status |= TIMER_EVENT;
    state.carries = carries;
    updateLine();
  }

  function updateLine(): void {
    wiring.setLine((state.status & state.enable[0]! & TIMER_EVENT) !== 0);
  }

  function sleep(type: number): void {
    if (type === SLEEP_TYPE_OFF) wiring.shutdown(0, PM_CONTROL);
    else
      wiring.unsimulated(`The guest asked for ACPI sleep type ${type}, which is not simulated: there is only S5, off.`);
  }

  return {
    name: 'power management',
    ports: [{ first: PM_EVENTS, last: PM_TIMER + 3 }],
    readPort(port) {
      if (port >= PM_TIMER) return (ticksAt(wiring.now(), FREQUENCY) / 2 ** (8 * (port - PM_TIMER))) & 0xff;
      if (port === STATUS) return state.status;
      if (port === ENABLE || port === ENABLE + 1) return state.enable[port - ENABLE]!;
      if (port === PM_CONTROL || port === PM_CONTROL + 1) return state.control[port - PM_CONTROL]!;
      return 0;
    },
    writePort(port, _size, value) {
      if (port === STATUS) state.status &= ~value;
      else if (port === ENABLE || port === ENABLE + 1) state.enable[port - ENABLE] = value;
      else if (port === PM_CONTROL + 1) {
        state.control[1] = value & CONTROL_KEPT;
        if (value & SLEEP_ENABLE) sleep((value >> 2) & 7);
      }
      updateLine();
    },
    nextEvent: () =>
      state.enable[0]! & TIMER_EVENT && !(state.status & TIMER_EVENT)
        ? timeOfTick((state.carries + 1) * CARRY, FREQUENCY)
        : Number.POSITIVE_INFINITY,
    advance,
    ...stateAccess(state),
  };
}
