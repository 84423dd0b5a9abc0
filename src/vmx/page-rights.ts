// Whether the rights that a page walk has gathered allow an access (SDM "Access Rights", "Protection Keys").

/** The registers that paging reads. */
export interface PagingState {
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
  /** RFLAGS.AC, for SMAP. */
  readonly alignmentCheck: boolean;
  readonly pkru: bigint;
  /** IA32_PKRS. */
  readonly pkrs: bigint;
  readonly physicalBits: number;
  /** The processor has no 1-GByte pages: PS is reserved in a PDPTE. */
  readonly pages1GAbsent?: boolean;
  /** The PDPTE registers of PAE paging; absent: read from the table at CR3. */
  readonly pdptes?: readonly bigint[];
}

export interface LinearAccess {
  readonly kind: 'read' | 'write' | 'execute';
  /** A user-mode access (CPL 3). */
  readonly user: boolean;
}

export const PRESENT = 1n;
export const WRITABLE = 2n;
export const USER = 4n;
export const XD = 1n << 63n;

export const ERROR_PRESENT = 1;
const ERROR_KEY = 32;

const CR0_WP = 1n << 16n;
const CR4_SMEP = 1n << 20n;
const CR4_SMAP = 1n << 21n;
const CR4_PKE = 1n << 22n;
const CR4_PKS = 1n << 24n;
const EFER_LMA = 1n << 10n;

/** R/W and U/S are the AND, XD the OR, of the entries of the walk. */
export interface PageRights {
  readonly rights: bigint;
  /** Protection key of the page. */
  readonly key: number;
}

/** Page-fault error-code bits and words with which the access is denied, or undefined when it is allowed. */
export function denial(
  { rights, key }: PageRights,
  access: LinearAccess,
  state: PagingState,
): readonly [number, string] | undefined {
  const user = (rights & USER) !== 0n;
  const writeProtect = access.user || (state.cr0 & CR0_WP) !== 0n;
  if (access.kind === 'execute') {
    if (access.user && !user) {
      return [ERROR_PRESENT, 'it is a supervisor page and the fetch is a user-mode fetch'];
    }
    if (!access.user && user && (state.cr4 & CR4_SMEP) !== 0n) {
      return [ERROR_PRESENT, 'it is a user page and SMEP forbids supervisor-mode fetches'];
    }
    return (rights & XD) === 0n ? undefined : [ERROR_PRESENT, 'it is execute-disable (XD)'];
  }
  const write = access.kind === 'write';
  if (keyDenies(key, user, write && writeProtect, state)) {
    return [ERROR_PRESENT | ERROR_KEY, `protection key ${key} forbids it (${user ? 'PKRU' : 'IA32_PKRS'})`];
  }
  if (access.user && !user) {
    return [ERROR_PRESENT, 'it is a supervisor page and the access is a user-mode access'];
  }
  if (!access.user && user && (state.cr4 & CR4_SMAP) !== 0n && !state.alignmentCheck) {
    return [ERROR_PRESENT, 'it is a user page and SMAP forbids supervisor-mode accesses'];
  }
  return write && (rights & WRITABLE) === 0n && writeProtect ? [ERROR_PRESENT, 'it is read-only'] : undefined;
}

function keyDenies(key: number, user: boolean, write: boolean, state: PagingState): boolean {
  if ((state.efer & EFER_LMA) === 0n || (state.cr4 & (user ? CR4_PKE : CR4_PKS)) === 0n) {
    return false;
  }
  const rights = ((user ? state.pkru : state.pkrs) >> BigInt(2 * key)) & 3n;
  return (rights & 1n) !== 0n || (write && (rights & 2n) !== 0n);
}
