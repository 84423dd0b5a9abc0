// What the machine offers to the debugger: editor-neutral, plain data, no DAP.
import type { AddressSpace } from '../vmx/address-space.ts';
import type { HistoryView } from './history/types.ts';
import type { InterruptControllers } from './interrupt-state.ts';
import type { Audit } from '../vmx/audit.ts';
import type { EptAccess, EptWalk } from '../vmx/ept-walk.ts';
import type { LinearAccess } from '../vmx/page-rights.ts';
import type { ExitStatistics } from '../vmx/statistics.ts';
import type { EntryFailure, VmEntry, VmExit, VmFail } from '../vmx/types.ts';
import type { PageWalk } from '../vmx/walk.ts';

export type { InterruptControllers, IoApicState, LocalApicState, PicState } from './interrupt-state.ts';
export type { AddressSpace } from '../vmx/address-space.ts';
export type { Audit, UnjudgedCheck } from '../vmx/audit.ts';
export type { EptAccess, EptWalk, WalkStep } from '../vmx/ept-walk.ts';
export type { LinearAccess } from '../vmx/page-rights.ts';
export type { ExitStatistics, ExitStatisticsRow } from '../vmx/statistics.ts';
export type { PageWalk } from '../vmx/walk.ts';
export type { EntryFailure, FailedCheck, VmEntry, VmExit, VmFail } from '../vmx/types.ts';

/** Addresses of the three kinds: mixing them does not compile. */
export type GuestLinear = bigint & { readonly __address: 'guest-linear' };
export type GuestPhysical = bigint & { readonly __address: 'guest-physical' };
export type HostPhysical = bigint & { readonly __address: 'host-physical' };

/** Which side of VMX a register file or an address space belongs to. */
export type Side = 'root' | 'non-root';

export interface FaultRecord {
  readonly vector: number;
  readonly error: number | undefined;
  readonly rip: bigint;
  /** Linear address of the instruction. */
  readonly linear: bigint;
  readonly cr2: bigint | undefined;
}

export type WatchAccess = 'read' | 'write' | 'read-write';

/**
 * What the debugger wants to be told of. Linear addresses belong to a side of VMX and, like guest-physical ones, follow the page
 * tables. An access to memory and a change of a register are told after the instruction. The others are told before anything of
 * the instruction, or of the delivery of the event, has happened, whether it will exit or not; what a VM entry or VM exit changes
 * in an MSR or VMCS field is told after it.
 */
export type Watch =
  | {
      readonly kind: 'memory';
      readonly space: 'host-physical' | 'guest-physical' | 'linear';
      /** Of a linear address. */
      readonly side?: Side | undefined;
      readonly address: bigint;
      /** In bytes, at least 1, below 2^32. */
      readonly size: number;
      readonly access: WatchAccess;
    }
  /** Changes. While one is set the machine runs one instruction at a time. */
  | { readonly kind: 'register'; readonly name: string }
  | {
      readonly kind: 'port' | 'msr' | 'control-register' | 'vmcs-field' | 'vector';
      /** Port, MSR index, number of the control register, encoding, vector. */
      readonly first: number;
      readonly last: number;
      /** A vector is written when its event happens. */
      readonly access: WatchAccess;
    };

/** What a debugger injects. */
export type InjectedEvent =
  | { readonly kind: 'nmi' }
  /** From no device: no interrupt controller knows of it. It waits while interrupts are disabled. */
  | { readonly kind: 'interrupt'; readonly vector: number }
  /** As a fault of the instruction at RIP; `address` goes to CR2 for a page fault. */
  | {
      readonly kind: 'exception';
      readonly vector: number;
      readonly error?: number | undefined;
      readonly address?: bigint | undefined;
    };

export interface WatchHit {
  /** Its place in the list given to `setWatches`. */
  readonly watch: number;
  readonly access: WatchAccess;
}

/** Why `Machine.run` came back. The machine is always between two instructions; `Machine.processor` is the one that stopped. */
export type Stop =
  /** `waiting`: the processor that was to step has not had its turn yet. */
  | { readonly kind: 'budget'; readonly waiting?: boolean }
  | { readonly kind: 'breakpoint'; readonly linear: bigint }
  | {
      readonly kind: 'watch';
      readonly hits: readonly WatchHit[];
      /** The instruction at RIP, or the event, has not happened yet. */
      readonly before: boolean;
      /** Linear address of the first access to watched memory. */
      readonly linear: bigint | undefined;
    }
  | { readonly kind: 'vm-exit'; readonly exit: VmExit }
  | { readonly kind: 'vm-entry'; readonly entry: VmEntry }
  | { readonly kind: 'entry-failure'; readonly failure: EntryFailure }
  | { readonly kind: 'vm-fail'; readonly fail: VmFail }
  | { readonly kind: 'triple-fault'; readonly faults: readonly FaultRecord[] }
  | { readonly kind: 'vmx-abort'; readonly indicator: number; readonly explanation: string }
  | { readonly kind: 'shutdown'; readonly status: number; readonly port: number }
  /** HLT, shutdown or wait-for-SIPI and no device will ever wake a processor. */
  | { readonly kind: 'idle'; readonly explanation: string }
  | { readonly kind: 'unsimulated'; readonly explanation: string };

/** Which happenings `run` must come back for. Everything not asked for is recorded and passed over. */
export interface RunOptions {
  /** Instructions at most; the machine may come back a little earlier, never later. */
  readonly limit: number;
  /** Indexed by basic exit reason: 1 stops after that VM exit, at HOST_RIP. Absent: none. */
  readonly exitReasons?: Uint8Array | undefined;
  readonly entries?: boolean | undefined;
  /** Default true for the following three. */
  readonly entryFailures?: boolean | undefined;
  readonly vmFails?: boolean | undefined;
  readonly tripleFaults?: boolean | undefined;
  /** Pass over what a watch tells before it happens, at the very first instruction or event. */
  readonly skipWatch?: boolean | undefined;
  /** Pass over a breakpoint at the very first instruction. */
  readonly skipBreakpoint?: boolean | undefined;
}

export interface StepOptions {
  /** Come back before what a watch asks to be told of before it happens. Absent: it is carried out. */
  readonly honourWatches?: boolean | undefined;
  /** What other processors stop for that run before, and for how many instructions at most. Absent: a million. */
  readonly others?: RunOptions | undefined;
  /** As in RunOptions. */
  readonly skipWatch?: boolean | undefined;
}

export interface WatchRefusal {
  readonly watch: number;
  readonly explanation: string;
}

/** The general, segment, control and debug registers of one side, as values. */
export interface RegisterFile {
  readonly side: Side;
  /** Where they come from: the processor, or the VMCS of the side that does not run. General registers are shared by both
   *  sides; of the side that does not run only RSP, RIP and RFLAGS are known (undefined elsewhere means: not held). */
  readonly live: boolean;
  readonly values: ReadonlyMap<string, bigint>;
}

export type TranslationResult =
  | { readonly ok: true; readonly guestPhysical: bigint; readonly hostPhysical: bigint }
  | { readonly ok: false; readonly explanation: string };

/** The machine as the debugger sees it. Everything with `peek` changes nothing, not even an accessed bit. */
export interface Machine {
  readonly ramSize: number;
  /** Instructions retired since power-on: the machine's time. */
  time(): number;
  run(options: RunOptions): Stop;
  /** One instruction, or one event delivery, or one VM transition of `processor`. A VM exit or entry that it caused is the answer's kind.
   *  Other processors run before, as `others` says, until its turn comes; a stop of theirs is answered. */
  step(options?: StepOptions): Stop;
  /** Linear addresses; replaces the former set. */
  setBreakpoints(linear: readonly bigint[]): void;
  /** Replaces the former list. Answers why a watch cannot be set, by its place in the list, or undefined: then all are in force. */
  setWatches(watches: readonly Watch[]): WatchRefusal | undefined;
  /** The list in force. */
  watches(): readonly Watch[];

  /** How many logical processors there are; they are numbered from 0, as are their local APICs. */
  readonly processors: number;
  /** The logical processor of which everything here speaks: the one selected, after `run` and `step` the one that stopped. */
  processor(): number;
  /** Chooses it. Which one runs next does not depend on that. */
  select(processor: number): void;
  /** 'active', or what it waits for in words: 'halted', 'in shutdown', 'waiting for a SIPI', 'waiting in MWAIT'. */
  activity(processor: number): string;
  /** Which processors stand still while others run: a debugger's choice that changes the run. */
  hold(processors: readonly number[]): void;

  side(): Side;
  inVmxOperation(): boolean;
  /** Host-physical address of the current VMCS, or undefined. */
  currentVmcs(): bigint | undefined;
  /** Register by lower-case name: rax … r15, rip, rflags, es … gs (selectors), es.base, es.limit, es.rights, ldtr…, tr…, gdtr.base,
   *  gdtr.limit, idtr.base, idtr.limit, cr0, cr2, cr3, cr4, cr8, xcr0, dr0–dr3, dr6, dr7, efer, the x87 and SSE registers (float-registers.ts), and the MSRs by spec name. */
  readRegister(name: string): bigint | undefined;
  /** Answers an error in words, or undefined when it was written. */
  writeRegister(name: string, value: bigint): string | undefined;
  registerNames(): readonly string[];
  /** Register file of a side: the running side from the processor, the other from the current VMCS (or undefined without one). */
  registers(side: Side): RegisterFile | undefined;
  /** Bytes of an instruction's code mode at a side: 16, 32 or 64. */
  codeBits(side: Side): 16 | 32 | 64;

  /** VMCS field of the current VMCS by encoding. */
  readVmcs(encoding: number): bigint | undefined;
  /** A validated VMWRITE; answers an error in words. */
  writeVmcs(encoding: number, value: bigint): string | undefined;

  /** Every VM-entry check on the current VMCS as it is now; undefined without one. */
  auditVmcs(): Audit | undefined;
  /** Linear address of the VMWRITE that wrote a field of the current VMCS last; undefined when none did, or a person after it. */
  lastVmwrite(encoding: number): bigint | undefined;

  /** The page walk of a side with every step, and EPT beneath it; `access` is checked when given. Undefined without a VMCS that tells the side's paging. */
  walkLinear(side: Side, linear: bigint, access?: LinearAccess): PageWalk | undefined;
  /** The EPT walk of the current VMCS; undefined without EPT. */
  walkGuestPhysical(address: bigint, access?: EptAccess): EptWalk | undefined;

  /** What a side's paging maps from a linear address on, as far as one call goes. Undefined without a VMCS that tells the side's paging. */
  mapLinear(side: Side, from: bigint): AddressSpace | undefined;
  /** The same of the current VMCS's EPT and a guest-physical address; undefined without EPT. */
  mapGuestPhysical(from: bigint): AddressSpace | undefined;

  /** The interrupt controllers, the local APIC being the selected processor's. */
  peekInterrupts(): InterruptControllers;

  peekTranslate(side: Side, linear: bigint): TranslationResult;
  /** Guest-physical to host-physical through the current EPT (identity without). */
  peekGuestPhysical(address: bigint): TranslationResult;
  /** Bytes up to the first that cannot be read; shorter than asked for when the range is not mapped. */
  peekLinear(side: Side, address: bigint, length: number): Uint8Array;
  peekGuest(address: bigint, length: number): Uint8Array;
  peekPhysical(address: bigint, length: number): Uint8Array;
  pokeLinear(side: Side, address: bigint, bytes: Uint8Array): number;
  pokeGuest(address: bigint, bytes: Uint8Array): number;
  pokePhysical(address: bigint, bytes: Uint8Array): number;

  /** Exits and entries of all processors so far (their ordinals), and the last of each of the selected one. */
  exitCount(): number;
  entryCount(): number;
  lastExit(): VmExit | undefined;
  lastEntry(): VmEntry | undefined;
  /** The chain of faults of the last event delivery that failed, oldest first. */
  faults(): readonly FaultRecord[];
  /** What VM exits cost so far. */
  exitStatistics(): ExitStatistics;

  /** Makes an event happen before the next instruction. Answers why not, or undefined. */
  inject(event: InjectedEvent): string | undefined;
  /** Console input (COM1). Goes through the recorded door. */
  input(bytes: Uint8Array): void;
  /** Called with console output as it is sent. */
  onOutput: ((bytes: Uint8Array) => void) | undefined;
  /** The console went back in time: it holds these bytes now. */
  onRewound: ((bytes: Uint8Array) => void) | undefined;
  /** The recorded past. */
  readonly history: HistoryView;
  /** Notices that a person should see once (for example an access to physical memory where nothing is). */
  onNotice: ((text: string) => void) | undefined;
  /** Called for every exit and entry, whether it stops or not; absent costs nothing. */
  onTransition: ((event: { exit: VmExit } | { entry: VmEntry }) => void) | undefined;
}
