// Translations for a person: by the explanatory walks of vmx/walk.ts, which change nothing.
import {
  F_EPT_POINTER,
  F_GUEST_CR0,
  F_GUEST_CR3,
  F_GUEST_CR4,
  F_GUEST_IA32_EFER,
  F_GUEST_IA32_PKRS,
  F_GUEST_PDPTE0,
  F_HOST_CR0,
  F_HOST_CR3,
  F_HOST_CR4,
  F_HOST_IA32_EFER,
  F_HOST_IA32_PKRS,
  F_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
  F_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
  F_VM_ENTRY_CONTROLS,
  F_VM_EXIT_CONTROLS,
} from '../core/generated/vmcs-offsets.ts';
import { ABSENT, ABSENT_PAGE_1G, CR0, CR3, CR4, EFER, PDPTE0, PKRS, PKRU } from '../core/layout.ts';
import { type AddressSpace, mapEpt, mapPaging } from '../vmx/address-space.ts';
import { type EptAccess, type EptSettings, type EptWalk, type PhysicalReader, walkEpt } from '../vmx/ept-walk.ts';
import { eptOffers } from '../vmx/capabilities.ts';
import { hasVmcs, physicalQuad, physicalWord, vmcsQuad, vmcsWord } from '../vmx/operation.ts';
import type { LinearAccess, PagingState } from '../vmx/page-rights.ts';
import { type Core, readQuad, readWord } from '../vmx/processor.ts';
import { type PageWalk, walkPaging } from '../vmx/walk.ts';
import { type Hardware, PHYSICAL_BITS } from './hardware.ts';
import { runningSide } from './register-files.ts';
import type { Side, TranslationResult } from './types.ts';

const EFER_LME_LMA = 0x500n;
const EXIT_HOST_64 = 1 << 9;
const EXIT_LOAD_EFER = 1 << 21;
const ENTRY_GUEST_LONG = 1 << 9;
const EXIT_LOAD_PKRS = 1 << 29;
const ENTRY_LOAD_EFER = 1 << 15;
const ENTRY_LOAD_PKRS = 1 << 22;
const PRIMARY_SECONDARY = 0x80000000;
const SECONDARY_EPT = 1 << 1;
const SECONDARY_MODE_BASED = 1 << 22;
const FLAG_AC = 1n << 18n;

/** Physical memory for a walk: undefined where there is no RAM. */
export function physicalReader(core: Core): PhysicalReader {
  return (address, bytes) => {
    if (address + BigInt(bytes) > BigInt(core.ramSize)) return undefined;
    return bytes === 4 ? BigInt(physicalWord(core, address)) : physicalQuad(core, address);
  };
}

/** What paging reads on a side; of a side that does not run, what a VM entry or VM exit would load. */
export function pagingState(hardware: Hardware, side: Side): PagingState | undefined {
  const { core } = hardware;
  const shared = {
    pkru: readQuad(core, PKRU),
    pkrs: readQuad(core, PKRS),
    physicalBits: PHYSICAL_BITS,
    pages1GAbsent: (readWord(core, ABSENT) & ABSENT_PAGE_1G) !== 0,
  };
  if (side === runningSide(core)) {
    return {
      ...shared,
      cr0: readQuad(core, CR0),
      cr3: readQuad(core, CR3),
      cr4: readQuad(core, CR4),
      efer: readQuad(core, EFER),
      alignmentCheck: (BigInt.asUintN(64, core.exports.getFlags()) & FLAG_AC) !== 0n,
      pdptes: [0, 1, 2, 3].map((i) => readQuad(core, PDPTE0 + 8 * i)),
    };
  }
  if (!hasVmcs(core)) return undefined;
  const current = readQuad(core, EFER);
  if (side === 'root') {
    const controls = vmcsWord(core, F_VM_EXIT_CONTROLS);
    const efer = (controls & EXIT_LOAD_EFER) !== 0 ? vmcsQuad(core, F_HOST_IA32_EFER) : current;
    return {
      ...shared,
      ...((controls & EXIT_LOAD_PKRS) !== 0 && { pkrs: vmcsQuad(core, F_HOST_IA32_PKRS) }),
      cr0: vmcsQuad(core, F_HOST_CR0),
      cr3: vmcsQuad(core, F_HOST_CR3),
      cr4: vmcsQuad(core, F_HOST_CR4),
      efer: withLongMode(efer, (controls & EXIT_HOST_64) !== 0),
      alignmentCheck: false,
    };
  }
  const controls = vmcsWord(core, F_VM_ENTRY_CONTROLS);
  const efer = (controls & ENTRY_LOAD_EFER) !== 0 ? vmcsQuad(core, F_GUEST_IA32_EFER) : current;
  const state = {
    ...shared,
    ...((controls & ENTRY_LOAD_PKRS) !== 0 && { pkrs: vmcsQuad(core, F_GUEST_IA32_PKRS) }),
    cr0: vmcsQuad(core, F_GUEST_CR0),
    cr3: vmcsQuad(core, F_GUEST_CR3),
    cr4: vmcsQuad(core, F_GUEST_CR4),
    efer: withLongMode(efer, (controls & ENTRY_GUEST_LONG) !== 0),
    alignmentCheck: false,
  };
  if (eptSettings(hardware) === undefined) return state;
  return { ...state, pdptes: [0, 1, 2, 3].map((i) => vmcsQuad(core, F_GUEST_PDPTE0 + 8 * i)) };
}

function withLongMode(efer: bigint, long: boolean): bigint {
  return long ? efer | EFER_LME_LMA : efer & ~EFER_LME_LMA;
}

/** EPT of the current VMCS, or undefined when it has none. */
export function eptSettings({ core, profile }: Hardware): EptSettings | undefined {
  if (!hasVmcs(core)) return undefined;
  if ((vmcsWord(core, F_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & PRIMARY_SECONDARY) === 0) return undefined;
  const secondary = vmcsWord(core, F_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
  if ((secondary & SECONDARY_EPT) === 0) return undefined;
  return {
    eptp: vmcsQuad(core, F_EPT_POINTER),
    physicalBits: PHYSICAL_BITS,
    modeBasedExecute: (secondary & SECONDARY_MODE_BASED) !== 0,
    offers: eptOffers(profile),
  };
}

/** The page walk of a side with every step; undefined when no VMCS tells the side's paging. */
export function walkLinear(
  hardware: Hardware,
  side: Side,
  linear: bigint,
  access?: LinearAccess,
): PageWalk | undefined {
  const { core } = hardware;
  const state = pagingState(hardware, side);
  if (state === undefined) return undefined;
  const ept = side === 'non-root' ? eptSettings(hardware) : undefined;
  return walkPaging(linear, state, physicalReader(core), ept, access);
}

/** The EPT walk of the current VMCS; undefined without EPT. */
export function walkGuestPhysical(hardware: Hardware, address: bigint, access?: EptAccess): EptWalk | undefined {
  const ept = eptSettings(hardware);
  return ept === undefined ? undefined : walkEpt(address, ept, physicalReader(hardware.core), access);
}

/** What a side's paging maps from a linear address on; undefined when no VMCS tells the side's paging. */
export function mapLinear(hardware: Hardware, side: Side, from: bigint): AddressSpace | undefined {
  const { core } = hardware;
  const state = pagingState(hardware, side);
  if (state === undefined) return undefined;
  return mapPaging(state, physicalReader(core), side === 'non-root' ? eptSettings(hardware) : undefined, from);
}

/** What the EPT of the current VMCS maps from a guest-physical address on; undefined without EPT. */
export function mapGuestPhysical(hardware: Hardware, from: bigint): AddressSpace | undefined {
  const ept = eptSettings(hardware);
  return ept === undefined ? undefined : mapEpt(ept, physicalReader(hardware.core), from);
}

export function translateLinear(hardware: Hardware, side: Side, linear: bigint): TranslationResult {
  const walk = walkLinear(hardware, side, linear);
  if (walk === undefined)
    return { ok: false, explanation: `There is no current VMCS that would tell the ${side} side's paging.` };
  const { result } = walk;
  return result.ok
    ? { ok: true, guestPhysical: result.guestPhysical, hostPhysical: result.hostPhysical }
    : { ok: false, explanation: result.explanation };
}

export function translateGuestPhysical(hardware: Hardware, address: bigint): TranslationResult {
  const walk = walkGuestPhysical(hardware, address);
  if (walk === undefined) return { ok: true, guestPhysical: address, hostPhysical: address };
  const { result } = walk;
  return result.ok
    ? { ok: true, guestPhysical: address, hostPhysical: result.hostPhysical }
    : { ok: false, explanation: result.explanation };
}
