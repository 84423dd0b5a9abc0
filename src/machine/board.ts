// The board: which device answers where, how interrupt lines run, and what comes next in time.
// To add a device: a file in devices/ and a line in `createBoard`.
import { readApicMemory, readApicMsr, writeApicMemory, writeApicMsr } from './devices/apic-access.ts';
import { peekLocalApic } from './devices/apic-peek.ts';
import { createDebugPorts } from './devices/debug-ports.ts';
import { createFirmwareReport } from './devices/firmware-report.ts';
import { createFwCfg } from './devices/fw-cfg.ts';
import { createIoApic } from './devices/io-apic.ts';
import { createKeyboardController } from './devices/keyboard-controller.ts';
import {
  type ApicMessage,
  createLocalApic,
  DELIVERY_LOWEST,
  type LocalApic,
  REGISTER_EOI,
} from './devices/local-apic.ts';
import { createPci } from './devices/pci.ts';
import { createPic } from './devices/pic.ts';
import { createPit } from './devices/pit.ts';
import { createPowerManagement, SCI_IRQ } from './devices/power-management.ts';
import { createRtc } from './devices/rtc.ts';
import { createSerialPort } from './devices/serial.ts';
import { allOnes } from './devices/state.ts';
import { createTestDevice } from './devices/test-device.ts';
import type { AccessSize, Board, BoardHost, Device, SavedState } from './devices/types.ts';

export interface BoardOptions {
  /** Date and time of the real-time clock at power-on, in seconds since 1970. Default: 2025-01-01 00:00:00. */
  readonly startSeconds?: number | undefined;
}

const DEFAULT_START = Date.UTC(2025, 0, 1) / 1000;

/** Status of a run that ends because the guest asked for a reset: not that of a success. */
const RESET_STATUS = 2;

type SavedBoard = {
  readonly apics: readonly SavedState[];
  readonly running: number;
  readonly quietUntil: number;
  readonly devices: { readonly [name: string]: SavedState };
  readonly levels: readonly boolean[];
  readonly noticed: readonly string[];
};

// Destination shorthands of the interrupt command register (3: all but self).
const TO_DESTINATION = 0;
const TO_SELF = 1;
const TO_ALL = 2;

/** Input of the I/O APIC for each ISA interrupt: as wired in a PC, the timer goes to pin 2. */
const ioApicPin = (irq: number): number => (irq === 0 ? 2 : irq);

export function createBoard(host: BoardHost, options: BoardOptions = {}): Board {
  const noticed = new Set<string>();
  const notice = (text: string): void => {
    if (noticed.has(text)) return;
    noticed.add(text);
    host.notice(text);
  };
  const now = (): number => host.now();
  /** No device acts on its own before this time; 0: not known since a timer or a mask was touched. */
  let quietUntil = 0;
  let changed = true;
  const levels = new Array<boolean>(24).fill(false);
  const shutdown = (status: number, port: number): void => {
    changed = true;
    host.shutdown(status, port);
  };
  const unsimulated = (explanation: string): void => {
    changed = true;
    host.unsimulated(explanation);
  };
  const reset = (port: number): void => {
    notice(`The guest asked for a reset through port ${hex(port)}. The machine stops here.`);
    shutdown(RESET_STATUS, port);
  };

  const pic = createPic();
  const ioApic = createIoApic(deliver);
  const apics: readonly LocalApic[] = Array.from({ length: host.processors }, (_, processor) =>
    createLocalApic(processor, {
      now,
      readTaskPriority: () => host.readTaskPriority(processor),
      writeTaskPriority: (value) => host.writeTaskPriority(processor, value),
      send: (message) => sendBetweenProcessors(processor, message),
      endOfInterrupt: (vector) => ioApic.endOfInterrupt(vector),
      unsimulated,
    }),
  );
  const bootstrap = apics[0]!;
  bootstrap.setVirtualWire();
  /** That of the processor that runs. */
  let apic = bootstrap;
  const isOpen = (irq: number): boolean => pic.isOpen(irq) || ioApic.isOpen(ioApicPin(irq));
  /** Inputs 0 to 15 are ISA interrupts, at the 8259s and the I/O APIC; those above are the I/O APIC's alone. */
  const setLine =
    (line: number) =>
    (level: boolean): void => {
      if (levels[line] === level) return;
      levels[line] = level;
      changed = true;
      if (line < 16) pic.setLine(line, level);
      ioApic.setLine(line < 16 ? ioApicPin(line) : line, level);
    };
  const serial = createSerialPort({ send: (byte) => host.output(byte), setLine: setLine(4) });
  const devices: readonly Device[] = [
    pic,
    ioApic,
    createPit({ now, setLine: setLine(0), isOpen: () => isOpen(0) }),
    createRtc(
      { now, setLine: setLine(8), isOpen: () => isOpen(8) },
      { ramSize: host.ramSize, startSeconds: options.startSeconds ?? DEFAULT_START },
    ),
    serial,
    createKeyboardController({ reset, unsimulated }),
    createPci(reset),
    createTestDevice((line, level) => setLine(line)(level)),
    createFirmwareReport(unsimulated),
    createFwCfg({ ramSize: host.ramSize, processors: host.processors }),
    createPowerManagement({ now, setLine: setLine(SCI_IRQ), shutdown, unsimulated }),
    createDebugPorts({ output: (byte) => host.output(byte), shutdown }),
  ];

  function deliver(message: ApicMessage): boolean {
    return hand(
      message,
      apics.filter((each) => each.isEnabled() && each.matches(message)),
    );
  }

  /** Gives a message to those it is meant for, or to the one of lowest priority among them; true when one accepted it. */
  function hand(message: ApicMessage, meant: readonly LocalApic[]): boolean {
    if (message.delivery !== DELIVERY_LOWEST || meant.length < 2) {
      return meant.map((each) => each.accept(message)).includes(true);
    }
    const able = meant.filter((each) => each.takesFixed());
    const lowest = Math.min(...able.map((each) => each.arbitrationPriority()));
    return able.find((each) => each.arbitrationPriority() === lowest)?.accept(message) ?? false;
  }

  function sendBetweenProcessors(sender: number, message: ApicMessage): void {
    const meant = apics.filter((each, processor) => {
      if (message.shorthand === TO_DESTINATION) return each.matches(message);
      return message.shorthand === TO_SELF
        ? processor === sender
        : message.shorthand === TO_ALL || processor !== sender;
    });
    hand(message, meant);
  }

  const portOwner = new Map<number, Device>();
  for (const device of devices) {
    for (const { first, last } of device.ports ?? []) {
      for (let port = first; port <= last; port++) portOwner.set(port, device);
    }
  }

  /** Devices that neither keep time nor decide which interrupts pass. */
  const isTimeless = (device: Device): boolean => device !== pic && device !== ioApic && !device.advance;
  const timeless = new Set<Device | undefined>([undefined, ...devices.filter(isTimeless)]);

  /** Lets every device reach `time`; what happens next must be asked anew. */
  function settle(time: number): void {
    for (const device of devices) device.advance?.(time);
    for (const each of apics) each.advance(time);
    quietUntil = 0;
    changed = true;
  }

  function advance(time: number): void {
    if (time >= quietUntil) settle(time);
  }

  /** Before a port access: everything up to now has happened. After one that touches timers or masks, what comes next is unknown. */
  function prepare(port: number, size: AccessSize): void {
    const device = portOwner.get(port);
    const simple = timeless.has(device) && (size === 1 || device?.widePorts === true);
    const time = now();
    changed = false;
    if (!simple || time >= quietUntil) settle(time);
    if (simple) nextEvent();
  }

  function nextEvent(): number {
    if (quietUntil === 0) {
      const timers = apics.reduce((next, each) => Math.min(next, each.nextEvent()), Number.POSITIVE_INFINITY);
      quietUntil = devices.reduce((next, device) => Math.min(next, device.nextEvent?.() ?? next), timers);
    }
    return quietUntil;
  }

  const apicAt = (address: number): boolean =>
    apic.isEnabled() && !apic.isX2() && address >= apic.page() && address < apic.page() + 0x1000;
  const deviceAt = (address: number): Device | undefined =>
    devices.find((device) => device.memory?.().some(({ first, last }) => address >= first && address <= last));

  const noPort = (port: number): void =>
    notice(`The guest used I/O port ${hex(port)}, where nothing is: reads give all ones, writes go nowhere.`);
  const noMemory = (address: number): void =>
    notice(
      `The guest used physical memory at ${hex(Math.floor(address / 0x1000) * 0x1000)} (4 KiB), where nothing is: reads give all ones, writes go nowhere.`,
    );

  /** An access wider than a device's ports becomes bytes at successive ports, as on the ISA bus. */
  function readPort(port: number, size: AccessSize): number {
    const device = portOwner.get(port);
    if (size === 1 || device?.widePorts) {
      if (device?.readPort) return device.readPort(port, size) >>> 0;
      noPort(port);
      return allOnes(size);
    }
    let value = 0;
    for (let index = 0; index < size; index++) value |= readPort((port + index) & 0xffff, 1) << (index * 8);
    return value >>> 0;
  }

  function writePort(port: number, size: AccessSize, value: number): void {
    const device = portOwner.get(port);
    if (size === 1 || device?.widePorts) {
      if (device?.writePort) device.writePort(port, size, value);
      else noPort(port);
      return;
    }
    for (let index = 0; index < size; index++) writePort((port + index) & 0xffff, 1, (value >>> (index * 8)) & 0xff);
  }

  /** Interrupt request of the 8259s as the processor sees it. */
  const externalPending = (to: LocalApic): boolean => pic.output() && passesExternal(to);

  /** Of a switched-off local APIC only the bootstrap processor's lets the 8259s through: their line goes to no other. */
  const passesExternal = (to: LocalApic): boolean =>
    (to.passesExternal() && (to === bootstrap || to.isEnabled())) || ioApic.passesExternal(to.matches);

  return {
    devices,
    select(processor) {
      apic = apics[processor]!;
    },
    readPort(port, size) {
      prepare(port, size);
      return readPort(port, size);
    },
    writePort(port, size, value) {
      prepare(port, size);
      writePort(port, size, value);
    },
    changed: () => changed,
    readMemory(address, size) {
      settle(now());
      if (apicAt(address)) return readApicMemory(apic, address - apic.page(), size) >>> 0;
      const device = deviceAt(address);
      if (device?.readMemory) return device.readMemory(address, size) >>> 0;
      noMemory(address);
      return allOnes(size);
    },
    writeMemory(address, size, value) {
      settle(now());
      if (apicAt(address)) {
        if (!writeApicMemory(apic, address - apic.page(), size, value)) {
          notice(
            'The guest wrote to the local APIC other than with 32 bits on a 16-byte boundary: the SDM does not define what that does, and nothing was done.',
          );
        }
        return;
      }
      const device = deviceAt(address);
      if (device?.writeMemory) device.writeMemory(address, size, value);
      else noMemory(address);
    },
    overlays() {
      const pages = apic.isEnabled() && !apic.isX2() ? [apic.page()] : [];
      for (const device of devices) {
        for (const { first, last } of device.memory?.() ?? []) {
          for (let page = first - (first % 0x1000); page <= last; page += 0x1000) pages.push(page);
        }
      }
      return pages.filter((page) => page < host.ramSize);
    },
    nextEvent,
    advance,
    interruptPending(processor) {
      const to = processor === undefined ? apic : apics[processor]!;
      return to.interruptPending() || externalPending(to);
    },
    nmiPending: (processor) => apics[processor]!.nmiPending(),
    initPending: (processor) => apics[processor]!.initPending(),
    startupPending: (processor) => apics[processor]!.startupPending(),
    acknowledge() {
      const vector = apic.isEnabled() ? apic.acknowledge() : undefined;
      if (vector !== undefined) return vector;
      if (externalPending(apic)) return pic.acknowledge();
      // The request went away meanwhile: whoever made it answers with its spurious vector.
      const held = apic.isEnabled() && apic.holdsRequests();
      return !held && passesExternal(apic) ? pic.acknowledge() : apic.spuriousVector();
    },
    endInterrupt: () => apic.write(REGISTER_EOI, 0),
    takeNmi: () => apic.takeNmi(),
    takeInit: () => apic.takeInit(),
    takeStartup: () => apic.takeStartup(),
    signalPending: () => apic.signalPending(),
    readApicMsr(index) {
      settle(now());
      return readApicMsr(apic, index);
    },
    writeApicMsr(index, low, high) {
      settle(now());
      return writeApicMsr(apic, index, low, high);
    },
    setApicBase(low) {
      settle(now());
      apic.setBase(low);
    },
    readDeadline() {
      settle(now());
      return apic.readDeadline();
    },
    writeDeadline(time) {
      settle(now());
      apic.writeDeadline(time);
    },
    input: (bytes) => serial.receive(bytes),
    resetApic() {
      apic.reset();
      quietUntil = 0;
    },
    peek: (processor) => ({
      local: peekLocalApic(apics[processor]!, apics[processor]!.timer(), now()),
      ioApic: ioApic.peek(),
      pics: pic.peek(),
    }),
    save(): SavedState {
      const saved: Record<string, SavedState> = {};
      for (const device of devices) saved[device.name] = device.save();
      return {
        apics: apics.map((each) => each.save()),
        running: apics.indexOf(apic),
        quietUntil,
        devices: saved,
        levels: [...levels],
        noticed: [...noticed],
      };
    },
    load(saved) {
      const {
        apics: controllers,
        running,
        devices: states,
        levels: lines,
        noticed: texts,
        ...rest
      } = saved as SavedBoard;
      const stateOf = (name: string): SavedState => {
        const state = states[name];
        if (state === undefined) throw new TypeError(`saved board state lacks device "${name}"`);
        return state;
      };
      apics.forEach((each, processor) => {
        each.load(controllers[processor]!);
      });
      apic = apics[running]!;
      for (const device of devices) device.load(stateOf(device.name));
      levels.splice(0, levels.length, ...lines);
      // Devices settle again when they did: when they settled last shows in what they save.
      quietUntil = rest.quietUntil;
      noticed.clear();
      for (const text of texts) noticed.add(text);
    },
  };
}

const hex = (value: number): string => `${value.toString(16).toUpperCase()}H`;
