// The processor core's memory, byte for byte: the one file that AssemblyScript (core.wasm) and TypeScript share.
// Plain constants only, so that both compile it. Every name is an absolute address in the WebAssembly memory unless
// its comment says otherwise. u32 or u64 after each name is the width of the cell.

// ---- Regions -------------------------------------------------------------------------------------------------------
export const STATE = 0x1000; // processor state of the logical processor that runs, 4 KiB
export const STATE_SIZE = 0x1000;
export const SCRATCH = 0x2000; // 256 bytes: page-crossing accesses are assembled here
export const SCRATCH_END = 0x2100;
export const DECODE_BUFFER = 0x2100; // 64 bytes: instruction bytes that cross a page
export const STEP_BUFFER = 0x2200; // decoded operations of one single-stepped instruction
export const BREAKPOINTS = 0x3000; // u32 count, then (at +8) up to 500 linear addresses u64, sorted ascending, unsigned
export const BREAKPOINTS_MAX = 500;
export const MACHINE = 0x7000; // what the logical processors share, see below
export const MACHINE_SIZE = 0x100;
export const VMCS_FIELD_TABLE = 0x8000; // see spec/vmcs-layout.ts: 16 groups x 64 indices x u32, 4 KiB
export const MSR_SCRATCH = 0x9000;
export const WATCHES = 0xa000; // u32 count, then (at +8) up to 250 x 16 bytes {address u64, size u32 (at least 1), WATCH_* u32}
export const WATCHES_MAX = 250;
export const TRAPS = 0xb000; // u32 count, then (at +8) up to 120 x 16 bytes {TRAP_* u32, first u32, last u32, WATCH_READ and WATCH_WRITE u32}
export const TRAPS_MAX = 120;
export const CELL_WATCHES = 0xb800; // u32 count, then (at +8) up to 100 x 16 bytes {address u32 (0: RFLAGS), size u32 4 or 8, last value u64}
export const CELL_WATCHES_MAX = 100;
export const PROCESSORS = 0x10000; // saved STATE blocks of the other logical processors, 64 x 4 KiB (core/processors.ts)
export const PROCESSORS_MAX = 16;
export const PAGE_LIST = 0x60000; // u32 each: page numbers that writtenPages() found
export const PAGE_LIST_MAX = 0x20000; // ends at 0xe0000
export const VMCS_COPY = 0xe0000; // 4 KiB: the VMCS as it was at the last VM exit, while somebody wants that (copyVmcs)
export const STATIC_DATA = 0x100000; // AssemblyScript's static data (asc --memoryBase), 1 MiB
export const CODE_SPACES = 0x200000; // code-segment keys: u32 count, then (at +32) 32 bytes each {base u64, limit u32, mode u32, ...}
export const CODE_SPACES_MAX = 8000;
export const CODE_PAGES = 0x240000; // a record for each page with decoded code, 32 bytes, see core/cache.ts
export const CODE_PAGES_MAX = 24575; // ends at 0x300000
export const TLB = 0x300000; // TLB_SETS sets, of logical processor 0; those of the others lie behind RAM, see TLB_AREA
export const TLB_WAY = 0x10000; // each table: 4096 x 16 bytes {tag u64, addend u32, unused u32}
export const TLB_WRITE = 0x10000; // offset of the write table from the read table
export const TLB_EXEC = 0x20000; // offset of the execute table
export const TLB_SET = 0x30000; // size of one set: read, write, execute
export const TLB_SETS = 7; // see the TLB_* set numbers below; ends at 0x450000
export const TLB_LOG = 0x460000; // per set 8 KiB: u32 count, u32 generation, then u16 indices of filled entries
export const JUMP_CACHE = 0x480000; // 16384 x 16 bytes {RIP key u64, op u32, generation u32}
export const JUMP_CACHE_ENTRIES = 16384;
export const BLOCK_HASH = 0x4c0000; // 65536 x u32: first block header of the chain
export const BLOCK_HASH_ENTRIES = 65536;
export const PAGE_FLAGS = 0x500000; // one byte a physical page of the 4 GiB below
export const CODE_PAGE_OF = 0x600000; // u16 a physical page: number of its CODE_PAGES record, or 0
export const OPS = 0x800000; // decoded operations, 32 bytes each
export const OPS_END = 0x4000000;
export const RAM = 0x4000000; // guest-visible physical memory starts here; host-physical address P is at RAM + P

// PAGE_FLAGS bits. A page with any of PAGE_SLOW_WRITE set has at most soft entries in a write TLB; with PAGE_SLOW_READ it is in no TLB.
export const PAGE_CODE = 1; // holds decoded code: a write drops the blocks decoded from it
export const PAGE_VMCS = 2; // is the current VMCS region: a write by memory access marks the VMCS dirty
export const PAGE_DEVICE = 4; // a device overlays it (local APIC): every data access goes to the device
export const PAGE_CLEAN = 32; // not written since the last snapshot
export const PAGE_MONITOR = 64; // a logical processor has monitored a line of it (MONITOR): writes end the wait
export const PAGE_SLOW_WRITE = 103;
export const PAGE_SLOW_READ = 4;

// TLB sets (numbers, not addresses): TLB_BASE = TLB_AREA + set * TLB_SET.
export const SET_ROOT_SUPERVISOR = 0; // not in VMX non-root operation, CPL < 3
export const SET_ROOT_SUPERVISOR_AC = 1; // the same with EFLAGS.AC set under CR4.SMAP
export const SET_ROOT_USER = 2;
export const SET_GUEST_SUPERVISOR = 3; // VMX non-root operation
export const SET_GUEST_SUPERVISOR_AC = 4;
export const SET_GUEST_USER = 5;
export const SET_EMPTY = 6; // never filled: every access is slow (alignment checks, data breakpoints of DR0 to DR3)

// TLB sets and logs of processor N > 0: at RAM + RAM_SIZE + (N - 1) * TLB_PROCESSOR, the logs behind the sets.
export const TLB_PROCESSOR = 0x160000;
export const TLB_PROCESSOR_LOGS = 0x150000;

// ---- Processor state ------------------------------------------------------------------------------------------------
export const RAX = 0x1000; // u64 x 16: RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15
export const RCX = 0x1008;
export const RDX = 0x1010;
export const RBX = 0x1018;
export const RSP = 0x1020;
export const RBP = 0x1028;
export const RSI = 0x1030;
export const RDI = 0x1038;
export const R8 = 0x1040;
export const R11 = 0x1058;
export const ZERO = 0x1080; // u64, always 0: base or index that is absent
export const EA = 0x1088; // u64, linear address computed by an address operation (segmented or address-size-prefixed)
// u64, key of the instruction that runs: in 64-bit mode RIP; else CODE_SPACE_TAG | code space << 32 | (CS.base + EIP).
// Code outside the core's fetch path asks getRip()/setRip() of the core for the architectural value.
export const RIP = 0x1090;
export const LF_KIND = 0x1098; // u32 lazy flags: bits 0-3 kind, 8-15 width-1, 16 flips SF, 17 flips PF (core/flags.ts)
export const LF_RES = 0x10a0; // i64 sign-extended result
export const LF_OP1 = 0x10a8; // i64 sign-extended first operand (for the explicit kind: bit 0 CF, 1 OF, 2 AF)
export const LF_OP2 = 0x10b0;
export const REMAINING = 0x10b8; // i32, what is left of BUDGET; synchronised when the core leaves its fast loop
export const TLB_BASE = 0x10bc; // u32, TLB_AREA + current set * TLB_SET
export const GENERATION = 0x10c0; // u32, generation of the current TLB set
export const CPL = 0x10c4; // u32
export const SYSTEM_FLAGS = 0x10c8; // u32, RFLAGS without CF PF AF ZF SF OF: TF IF DF IOPL NT RF VM AC VIF VIP ID
export const CODE_MODE = 0x10cc; // u32: 0 16-bit, 1 32-bit, 2 64-bit code
export const STOP = 0x10d0; // u32, STOP_*: why run() returned
export const ATTENTION = 0x10d4; // u32, ATTEND_*: anything set makes run() take the careful path, one instruction at a time
export const RETIRED = 0x10d8; // u64, instructions retired before this budget: time = RETIRED + BUDGET - REMAINING
export const BUDGET = 0x10e0; // i32
export const ACTIVITY = 0x10e4; // u32, ACTIVITY_*; 0 to 3 as the VMCS field
export const INTERRUPTIBILITY = 0x10e8; // u32, as the VMCS field: 0 STI, 1 MOV SS, 2 SMI, 3 NMI
export const INTERRUPT_LINE = 0x10ec; // u32, 1 while an interrupt controller has an external interrupt to deliver
export const PENDING_DEBUG = 0x10f0; // u64, as the VMCS field
export const NMI_PENDING = 0x10f8; // u32
export const RUN_FLAGS = 0x10fc; // u32, RUN_*: set by the caller before run()

// Segment registers, 32 bytes each, in VMCS order: ES CS SS DS FS GS LDTR TR.
// {selector u32, access rights u32 (VMCS format: bit 16 unusable), limit u32 (in bytes, granularity applied), cached checks u32 (SEG_FLAT),
//  base u64, unused u64}
export const SEGMENTS = 0x1100;
export const SEGMENT_SIZE = 0x20;
export const SEG_SELECTOR = 0;
export const SEG_RIGHTS = 4;
export const SEG_LIMIT = 8;
export const SEG_FLAT = 12; // bit 0: any 32-bit offset may be read, bit 1: may be written (derived: core/state.ts segmentChanged)
export const SEG_BASE = 16;
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export const LDTR = 6;
export const TR = 7;
export const GDTR_BASE = 0x1200; // u64
export const GDTR_LIMIT = 0x1208; // u32
export const IDTR_BASE = 0x1210;
export const IDTR_LIMIT = 0x1218;

export const CR0 = 0x1220; // u64 each
export const CR2 = 0x1228;
export const CR3 = 0x1230;
export const CR4 = 0x1238;
export const CR8 = 0x1240;
export const XCR0 = 0x1248;
export const DR0 = 0x1250; // DR0 to DR3
export const DR6 = 0x1270;
export const DR7 = 0x1278;
// MSRs that the core or VMX transitions touch, u64 each; spec/msrs.ts names them.
export const EFER = 0x1280;
export const STAR = 0x1288;
export const LSTAR = 0x1290;
export const CSTAR = 0x1298;
export const FMASK = 0x12a0;
export const KERNEL_GS_BASE = 0x12a8;
export const SYSENTER_CS = 0x12b0;
export const SYSENTER_ESP = 0x12b8;
export const SYSENTER_EIP = 0x12c0;
export const PAT = 0x12c8;
export const MISC_ENABLE = 0x12d0;
export const APIC_BASE = 0x12d8;
export const FEATURE_CONTROL = 0x12e0;
export const TSC_AUX = 0x12e8;
export const DEBUGCTL = 0x12f0;
export const PERF_GLOBAL_CTRL = 0x12f8;
export const BNDCFGS = 0x1300;
export const PKRS = 0x1308;
export const XSS = 0x1310;
export const SPEC_CTRL = 0x1318;
export const S_CET = 0x1320;
export const SSP = 0x1328;
export const INTERRUPT_SSP_TABLE = 0x1330;
export const TSC_ADJUST = 0x1338;
export const PKRU = 0x1340;
export const UMWAIT_CONTROL = 0x1348;
export const LBR_CTL = 0x1350;
export const RTIT_CTL = 0x1358;
export const TSC_BASE = 0x1360; // u64, TSC = time + TSC_BASE (written by WRMSR IA32_TIME_STAMP_COUNTER)
export const MSR_VALUE = 0x1390; // u64, value in or out of the host_rdmsr and host_wrmsr imports
export const IO_VALUE = 0x1398;
export const PDPTE0 = 0x13a0; // u64 x 4, PAE page-directory-pointer registers
export const CPUID_EAX = 0x13c0; // u32 x 4 EAX EBX ECX EDX, result of the host_cpuid import

// ---- VMX --------------------------------------------------------------------------------------------------------------
export const VMX_ON = 0x1400; // u32, in VMX operation
export const NON_ROOT = 0x1404; // u32, in VMX non-root operation
export const VMXON_POINTER = 0x1408; // u64
export const VMCS_POINTER = 0x1410; // u64 host-physical address of the current VMCS, all ones: none
export const VMCS_ADDRESS = 0x1418; // u32, RAM + VMCS_POINTER, or 0 when there is none
export const VMCS_DIRTY = 0x141c; // u32, VMCS_DIRTY_*: fields written since the last entry that passed its checks
export const SHADOW_VMCS_ADDRESS = 0x1420; // u32, RAM + VMCS link pointer while shadowing, else 0
export const VMCS_DIRTY_RIP = 1; // only fields with a one-line check were written (RIP, RSP)
export const VMCS_DIRTY_ANY = 2; // anything may have changed: compare all fields
export const VMCS_DIRTY_FIELDS = 4; // the fields in VMCS_WRITTEN were written

// Intercept words: the VM-execution controls of the current guest as compiled at VM entry; all 0 outside non-root.
export const PIN_CONTROLS = 0x1440; // u32
export const PRIMARY_CONTROLS = 0x1444;
export const SECONDARY_CONTROLS = 0x1448; // 0 unless activated by the primary controls
export const EXIT_CONTROLS = 0x144c;
export const ENTRY_CONTROLS = 0x1450;
export const TERTIARY_CONTROLS = 0x1458; // u64
export const EXCEPTION_BITMAP = 0x1460; // u32
export const PFEC_MASK = 0x1464;
export const PFEC_MATCH = 0x1468;
export const CR3_TARGET_COUNT = 0x146c;
export const CR0_MASK = 0x1470; // u64
export const CR0_SHADOW = 0x1478;
export const CR4_MASK = 0x1480;
export const CR4_SHADOW = 0x1488;
export const CR3_TARGET0 = 0x1490; // u64 x 4
export const IO_BITMAP_A = 0x14b0; // u64 host-physical addresses
export const IO_BITMAP_B = 0x14b8;
export const MSR_BITMAPS = 0x14c0;
export const EPTP = 0x14c8; // u64, 0 when EPT is off
export const VPID = 0x14d0; // u32
export const TPR_THRESHOLD = 0x14d4; // u32
export const VIRTUAL_APIC = 0x14d8; // u64
export const APIC_ACCESS = 0x14e0; // u64
export const TSC_OFFSET = 0x14e8; // u64, 0 unless "use TSC offsetting" in non-root operation
export const TSC_MULTIPLIER = 0x14f0; // u64, 48 fraction bits; 1 << 48 when unused
export const PLE_GAP = 0x14f8; // u32
export const PLE_WINDOW = 0x14fc;
export const PREEMPTION_DEADLINE = 0x1500; // u64 time at which the VMX-preemption timer expires, all ones: inactive
export const XSS_EXITING_BITMAP = 0x1508;
export const VM_FUNCTION_CONTROLS = 0x1510;
export const EPTP_LIST = 0x1518;
export const VMREAD_BITMAP = 0x1520;
export const VMWRITE_BITMAP = 0x1528;
export const VE_INFORMATION = 0x1530;
export const PML_ADDRESS = 0x1538;
export const PLE_FIRST = 0x1540; // u64 time of the first PAUSE of the loop
export const PLE_LAST = 0x1548;
export const ENCLS_BITMAP = 0x1550;
export const PML_INDEX = 0x1558; // u32
export const MTF_PENDING = 0x155c; // u32: a monitor-trap-flag VM exit is pending
export const VIRTUAL_NMI_BLOCKING = 0x1560; // u32
export const RVI = 0x1564; // u32
export const SVI = 0x1568; // u32
export const EXIT_QUALIFICATION_AUX = 0x1570;

// What a VM exit reports, filled before STOP_VM_EXIT; vmx/exit.ts writes it into the VMCS.
export const EXIT_REASON = 0x1580; // u32 basic reason
export const EXIT_LENGTH = 0x1584; // u32
export const EXIT_INSTRUCTION_INFO = 0x1588; // u32
export const EXIT_INTERRUPTION_INFO = 0x158c; // u32
export const EXIT_INTERRUPTION_ERROR = 0x1590;
export const EXIT_IDT_INFO = 0x1594; // IDT-vectoring information
export const EXIT_IDT_ERROR = 0x1598;
export const EXIT_QUALIFICATION = 0x15a0; // u64
export const EXIT_GUEST_LINEAR = 0x15a8;
export const EXIT_GUEST_PHYSICAL = 0x15b0;
export const EXIT_IO_RCX = 0x15b8; // u64 each, for I/O instructions outside 64-bit (and SMM): RCX RSI RDI RIP
export const EXIT_TRAP = 0x15e0; // u32: 1 when the exit is trap-like (RIP already past the instruction)

// Event that is raised or being delivered.
export const EVENT_VALID = 0x1600; // u32: 1 raised and not yet delivered
export const EVENT_VECTOR = 0x1604;
export const EVENT_TYPE = 0x1608; // u32 EVENT_* (VMCS interruption types)
export const EVENT_HAS_ERROR = 0x160c;
export const EVENT_ERROR = 0x1610;
export const EVENT_LENGTH = 0x1614; // instruction length, for software events
export const EVENT_CR2 = 0x1618; // u64, faulting linear address of #PF; committed to CR2 when it is delivered
export const EVENT_DR6 = 0x1620; // u64, new DR6 bits of #DB; committed when it is delivered
export const DELIVERING_VALID = 0x1628; // u32: an event is being delivered (for double faults and IDT vectoring)
export const DELIVERING_INFO = 0x162c; // u32, VMCS interruption-information format
export const DELIVERING_ERROR = 0x1630;
export const DELIVERING_LENGTH = 0x1634;

// x87 and SSE. XMM and X87, the registers themselves, are further down.
export const MXCSR = 0x1640; // u32
export const X87_CONTROL = 0x1644; // u32, FPU control word
export const X87_STATUS = 0x1648; // u32, FPU status word, TOP in bits 11 to 13
export const X87_TAGS = 0x164c; // u32, abridged tag word as FXSAVE has it: bit n is set when physical register Rn is not empty
export const X87_OPCODE = 0x1650; // u32, FOP: 11 bits of the last instruction that raised or could have raised an exception
export const X87_CS = 0x1654; // u32, FCS
export const X87_DS = 0x1658; // u32, FDS
export const X87_IP = 0x1660; // u64, FIP
export const X87_DP = 0x1668; // u64, FDP

// A VMX instruction in root operation that TypeScript carries out (STOP_VMX_INSTRUCTION).
export const VMX_INSTRUCTION = 0x16d0; // u32, VMX_*
export const VMX_LENGTH = 0x16d4; // u32 instruction length; RIP still at the instruction
export const VMX_OPERAND = 0x16d8; // u64: the 64-bit memory operand's value, or INVEPT/INVVPID type, or VMREAD/VMWRITE encoding
export const VMX_VALUE = 0x16e0; // u64: VMWRITE's value
export const VMX_DESCRIPTOR = 0x16e8; // u64 x 2: INVEPT/INVVPID descriptor

// Slow-instruction frame: operands of an instruction that a function carries out (core/slow-ids.ts).
export const SI_NEXT = 0x1700; // u64 key of the next instruction
export const SI_LENGTH = 0x1708; // u32
export const SI_OPERAND_SIZE = 0x170c; // u32: 0 8-bit, 1 16, 2 32, 3 64 (64-bit-mode defaults already applied)
export const SI_ADDRESS_SIZE = 0x1710; // u32: 1 16, 2 32, 3 64
export const SI_MEMORY = 0x1714; // u32: 1 the r/m operand is memory
export const SI_REG = 0x1718; // u32 ModRM.reg with REX.R
export const SI_RM = 0x171c; // u32 ModRM.r/m with REX.B (register forms), or the register in the opcode
export const SI_SEGMENT = 0x1720; // u32 segment of the memory operand (override applied)
export const SI_SEGMENT_PREFIX = 0x1724; // u32: 1 when a segment override prefix was given
export const SI_OFFSET = 0x1728; // u64 effective address, address size applied
export const SI_IMMEDIATE = 0x1730; // u64
export const SI_IMMEDIATE2 = 0x1738; // u64 (far pointers: selector; ENTER: level)
export const SI_REPEAT = 0x1740; // u32: 0, 0xF2 or 0xF3
export const SI_OPCODE = 0x1744; // u32: one-byte opcode, 0x0F00 | second byte, 0x0F3800 | ..., 0x0F3A00 | ...
export const SI_REX = 0x1748; // u32: REX byte or 0
export const SI_MODRM = 0x174c; // u32: raw ModRM byte
export const SI_SIB = 0x1750; // u32, for VM-exit instruction information: bits 0-1 scale, 8-11 index (bit 15: none), 16-19 base (bit 23: none)
export const SI_DISPLACEMENT = 0x1758; // i64: displacement as encoded, for the exit qualification
export const SI_LOCK = 0x1760; // u32
export const SI_VEX = 0x1764; // u32: VEX: bit 0 present, 8-11 vvvv (not inverted), 12 L, 13 W, 14-15 pp (1 66, 2 F3, 3 F2)

export const XMM = 0x1800; // 16 x 16 bytes: XMM0 to XMM15
export const X87 = 0x1a80; // 8 x 16 bytes by physical register (R0 to R7): 80 bits, then zeros; MMn is the low 8 bytes of Rn

export const RAM_SIZE = 0x1780; // u64
export const LAST_PHYSICAL = 0x1788; // u64, physical address of the last translation
export const MMIO_ALLOWED = 0x1790; // u32: 1 while one instruction is run on its own and may reach devices
export const RANDOM_STATE = 0x1798; // u64, state of RDRAND/RDSEED's generator (never 0)
export const UNSUPPORTED = 0x17a0; // u32: code of what the machine does not simulate (STOP_UNSIMULATED), u32 detail at +4
export const MONITOR_ADDRESS = 0x17a8; // u64 physical line armed by MONITOR, all ones: none
export const WATCH_HIT = 0x17b0; // u64 linear address, u64 physical address, u32 size of the first watched access, u32 WATCH_* met
export const ENTRY_INJECTION = 0x17d0; // u32: event to deliver first, from VM entry (interruption information)
export const LAST_EXIT = 0x17d8; // u64, number of this logical processor's last VM exit, 0: none
export const LAST_ENTRY = 0x17e0; // u64, the same of its last VM entry
export const RESERVED_PHYSICAL = 0x17e8; // u64 physical-address bits above MAXPHYADDR, which must be 0 in paging structures
export const CR4_ALLOWED = 0x17f0; // u64, CR4 bits that the processor offers (CPUID); setting any other is #GP(0)
// Which translations the TLB sets of the two sides hold, so that a VM entry or VM exit flushes only when it must (core/vmx/).
export const ROOT_TAG = 0x1b00; // u64 x 4: CR0, CR3, CR4, EFER at the last VM entry
export const GUEST_TAG = 0x1b20; // u64 x 6: CR0, CR3, CR4, EFER, EPTP, VPID at the last VM exit
export const PREEMPTION_RATE = 0x1b50; // u32: the VMX-preemption timer counts down when this bit of the TSC changes (IA32_VMX_MISC[4:0])
export const VMX_CHECKED_LONG = 0x1b54; // u32: IA32_EFER.LMA when the entry checks of the current VMCS last passed
export const ROOT_INTERRUPTIBILITY = 0x1b58; // u32: INTERRUPTIBILITY at the last VM entry, for one that fails while MSRs are loaded
export const VMCS_WRITTEN = 0x1b60; // u32 x 8: a bit for each field, in the order of the region, that VMWRITE wrote since the checks passed
export const VMX_OFFERS = 0x1900; // u32, what IA32_VMX_EPT_VPID_CAP offers: bit 0 INVEPT, 1 INVVPID, 3 advanced EPT-violation information, 4 EPT walk length 5, 5 EPT accessed and dirty flags, 6 and 7 EPT pages of 2 MBytes and 1 GByte, 8 to 11 INVEPT types 0 to 3, 12 to 15 INVVPID types 0 to 3, 16 EPT execute-only
export const APIC_WRITE = 0x1904; // u32, a write to the APIC-access page was virtualized: bit 31 and its offset; what follows is due
export const VIRTUAL_INTERRUPT = 0x1908; // u32, a pending virtual interrupt is recognized
export const TPR_EXIT = 0x190c; // u32, the VM entry found the task priority below the threshold: a VM exit before the first instruction
export const ABSENT = 0x1910; // u32, ABSENT_*: what this processor lacks (CPUID does not report it), asked by the decoder and the page walk
export const APIC_TAG = 0x1918; // u64, APIC-access page of the guest whose translations the TLB sets hold, or all ones
export const PKRS_TAG = 0x1920; // u64 x 2, IA32_PKRS with GUEST_TAG and with ROOT_TAG
export const FAULT_LOG = 0x1940; // u32 count, then (at +8) 5 x 32 bytes: vector u32, error u32, RIP u64, CR2 u64, RIP key u64
// The last VM exit (with EXIT_*, LAST_EXIT and EXIT_TIME) and the last VM entry of this logical processor (vmx/history.ts).
export const EXIT_RIP = 0x1b80; // u64 guest RIP
export const EXIT_VMCS = 0x1b88; // u64 host-physical address of the VMCS
export const ENTRY_TIME = 0x1b90; // u64
export const ENTRY_RIP = 0x1b98; // u64 guest RIP
export const ENTRY_HOST_RIP = 0x1ba0; // u64 RIP of the VMLAUNCH or VMRESUME
export const ENTRY_VMCS = 0x1ba8; // u64
export const ENTRY_EVENT = 0x1bb0; // u32 injected event, interruption-information format; 0: none
export const ENTRY_RESUMED = 0x1bb4; // u32: 1 VMRESUME, 0 VMLAUNCH
export const STATISTICS_ROW = 0x1bf0; // u32: where the last VM exit is counted, plus 1; 0 when a VM entry followed it (vmx/statistics.ts)
export const EXIT_TIME = 0x1bf8; // u64: when the last VM exit was
export const PLAIN_MSRS = 0x1c00; // u64 x 128, to 0x2000: MSRs that only machine/msrs.ts reads and writes, in the order of its table

// Bits of ABSENT.
export const ABSENT_PAGE_1G = 1 << 0; // pages of 1 GByte: PS is reserved in a PDPTE
export const ABSENT_MOVBE = 1 << 1;
export const ABSENT_POPCNT = 1 << 2;
export const ABSENT_RDRAND = 1 << 3;
export const ABSENT_RDSEED = 1 << 4;
export const ABSENT_BMI1 = 1 << 5; // TZCNT is BSF then
export const ABSENT_BMI2 = 1 << 6;
export const ABSENT_LZCNT = 1 << 7; // LZCNT is BSR then
export const ABSENT_ADX = 1 << 8;
export const ABSENT_INVPCID = 1 << 9;
export const ABSENT_SMAP = 1 << 10; // CLAC and STAC
export const ABSENT_CLWB = 1 << 11;
export const ABSENT_RDTSCP = 1 << 12;
export const ABSENT_RDPID = 1 << 13;
export const ABSENT_MOVDIRI = 1 << 14;
export const ABSENT_WAITPKG = 1 << 15;
export const ABSENT_SIMD = 16; // number of the first of the bits for MMX and SSE, one for each of FEATURES in core/ops/simd/row.ts
export const ABSENT_FCS_FDS = 1 << 26; // x87 CS and DS are saved then
export const ABSENT_XSAVEOPT = 1 << 27;
export const ABSENT_XSAVEC = 1 << 28; // and XGETBV of the components in use

// Several logical processors (core/processors.ts).
export const TLB_AREA = 0x1a40; // u32, address of this processor's TLB sets: TLB_BASE = TLB_AREA + set * TLB_SET
export const TLB_LOGS = 0x1a44; // u32, address of their logs, as TLB_LOG
export const IDLE = 0x1a48; // u32, it was found waiting and only an event from outside makes it run again
export const HELD = 0x1a4c; // u32, the debugger has it stand still while others run
export const MWAIT_LINE = 0x1a50; // u64, physical line on which ACTIVITY_MWAIT waits
export const OWN_EXITS = 0x1a58; // u64, VM exits of this processor
export const OWN_ENTRIES = 0x1a60; // u64, VM entries of this processor
export const SEEN_SPACES = 0x1a68; // u32, CODE_SPACES_RENEWED when this processor ran last
export const CODE_SPACE_KEY = 0x1a00; // u64, RIP key of linear address 0 in the current code segment: 0 in 64-bit code
export const WITHHELD = 0x1a08; // i32, part of BUDGET and REMAINING set aside, so that the core comes back at an exact time
export const LARGE_PAGES = 0x1a10; // u32, large pages that the TLB sets may hold pieces of: bits 0-1 root sets (2 or 4 MiB, 1 GiB), bits 2-3 guest sets
export const FORCED_INTERRUPT = 0x1a20; // u32, external interrupt that the debugger injects: vector, and bit 8 set; 0: none
export const REPEATING = 0x1a0c; // u32, the last instruction retired an iteration and came back to itself

// ---- What the logical processors share (MACHINE) -------------------------------------------------------------------------
export const PROCESSOR = 0x7000; // u32, number of the logical processor whose state is in STATE
export const PROCESSOR_COUNT = 0x7004; // u32
export const TURN = 0x7008; // u32, number of the processor whose turn it is to run
export const PAUSES_LEFT = 0x700c; // u32, PAUSEs until its turn ends early; counted when there are several processors
export const TURN_END = 0x7010; // u64 time at which its turn ends
export const COUNT_EXITS = 0x7018; // u64 VM exits of all processors so far
export const COUNT_ENTRIES = 0x7020; // u64 VM entries so far
export const COUNT_DELIVERED = 0x7030; // u64 events whose delivery has begun so far: with the time and COUNT_EXITS it tells two moments apart
export const CODE_SPACES_RENEWED = 0x7028; // u32, how often CODE_SPACES were full and began anew

// ---- Numbers ----------------------------------------------------------------------------------------------------------
export const NO_POINTER_LOW = 0xffffffff;

// ATTENTION bits
export const ATTEND_TRAP_FLAG = 1; // RFLAGS.TF (or DEBUGCTL.BTF)
export const ATTEND_SHADOW = 2; // STI or MOV SS blocking to clear after the next instruction
export const ATTEND_MTF = 4; // monitor trap flag
export const ATTEND_PENDING_DEBUG = 8;
export const ATTEND_BREAKPOINTS = 16; // an instruction breakpoint in DR7
export const ATTEND_EVENT = 32; // EVENT_VALID, NMI, INIT, windows: look before the next instruction
export const ATTEND_RESUME_FLAG = 128; // RFLAGS.RF is set: it holds for one instruction
export const ATTEND_LOOK = 256; // a device was reached: come back with STOP_EVENTS after this instruction
export const ATTEND_ALIGNMENT = 512; // SET_EMPTY is current: nothing is kept of where code is, since no flush would end it
export const ATTEND_DEVICE = 64; // the next instruction reaches a device: run it alone with MMIO_ALLOWED

// RUN_FLAGS bits
export const RUN_SKIP_BREAKPOINT = 1; // do not stop at a breakpoint on the first instruction
export const RUN_CAREFUL = 2; // always one instruction at a time
export const RUN_STEP = 4; // come back with STOP_DELIVERED after an event was delivered
export const RUN_SKIP_TRAPS = 8; // pass over the traps of the first instruction or event
export const RUN_NO_TRAPS = 16; // pass over all of them

// ACTIVITY
export const ACTIVITY_ACTIVE = 0;
export const ACTIVITY_HLT = 1;
export const ACTIVITY_SHUTDOWN = 2;
export const ACTIVITY_WAIT_FOR_SIPI = 3;
export const ACTIVITY_MWAIT = 4; // the VMCS field never shows it
export const ACTIVITY_MWAIT_BREAK = 5; // the same, ended by interrupts even while RFLAGS.IF is 0

// STOP codes
export const STOP_BUDGET = 0; // the budget is used up
export const STOP_HALT = 1; // ACTIVITY is no longer 0: HLT, shutdown, wait-for-SIPI
export const STOP_INTERRUPT = 2; // an external interrupt is due: acknowledge it, then deliver or exit
export const STOP_VM_EXIT = 3; // EXIT_* say which; the guest's state is as the exit must save it
export const STOP_VMX_INSTRUCTION = 4; // VMX_INSTRUCTION says which
export const STOP_BREAKPOINT = 5; // RIP is at a breakpoint; nothing of the instruction has run
export const STOP_TRIPLE_FAULT = 6; // outside non-root operation (inside it is a VM exit)
export const STOP_UNSIMULATED = 7; // UNSUPPORTED says what
export const STOP_WATCH = 8; // WATCH_HIT says what: a watched access or change (after the instruction), or a trap (before it)
export const STOP_EVENTS = 9; // a device or MSR access asked the board to look at its devices (host set ATTEND via the import's answer)
export const STOP_PAUSE = 10; // the processor has spun on PAUSE for long enough: the turn is another's
export const STOP_DELIVERED = 11; // RUN_STEP was set and an event was delivered: RIP is at its handler

// VMX_INSTRUCTION numbers
export const VMX_VMXON = 1;
export const VMX_VMXOFF = 2;
export const VMX_VMCLEAR = 3;
export const VMX_VMPTRLD = 4;
export const VMX_VMLAUNCH = 5;
export const VMX_VMRESUME = 6;
export const VMX_VMCALL = 7; // in root operation: VMfailValid(1)
export const VMX_INVEPT = 8;
export const VMX_INVVPID = 9;
export const VMX_VMREAD = 10; // only the outcomes that fail
export const VMX_VMWRITE = 11; // only the outcomes that fail

// Event types, as in VMCS interruption information
export const EVENT_EXTERNAL = 0;
export const EVENT_NMI = 2;
export const EVENT_HARDWARE = 3;
export const EVENT_SOFTWARE_INTERRUPT = 4; // INT n
export const EVENT_PRIVILEGED = 5; // INT1
export const EVENT_SOFTWARE_EXCEPTION = 6; // INT3, INTO

// WATCHES kinds: accesses, the space of the address (none of the bits: host-physical), from bit 8 the accesses that were met, from
// bit 12 those of them that the processor made by physical address
export const WATCH_WRITE = 1;
export const WATCH_READ = 2;
export const WATCH_ROOT_LINEAR = 16;
export const WATCH_GUEST_LINEAR = 32;
export const WATCH_GUEST_PHYSICAL = 64;
export const WATCH_SPACES = 112;
// further kinds in WATCH_HIT
export const WATCH_TRAP = 4; // a trap: nothing of the instruction, or of the event's delivery, has happened
export const WATCH_CELL = 8; // a watched cell changed
export const WATCH_PHYSICAL = 128; // an access that the processor made by physical address: it stays, whatever becomes of the instruction
export const CELL_CHANGED = 0x80000000; // in the size of a cell

// What a trap is on
export const TRAP_PORT = 1; // I/O ports: IN, OUT, INS, OUTS
export const TRAP_MSR = 2; // RDMSR, WRMSR, and SWAPGS and WRFSBASE with their relatives
export const TRAP_CONTROL = 3; // control registers: MOV, CLTS, LMSW, SMSW
export const TRAP_VECTOR = 4; // events by vector: exceptions, interrupts, INT n; WATCH_WRITE
export const TRAP_FIELD = 5; // VMREAD and VMWRITE by encoding

// Memory access kinds
export const ACCESS_READ = 0;
export const ACCESS_WRITE = 1;
export const ACCESS_EXECUTE = 2;

// UNSUPPORTED codes; machine/unsimulated.ts has the words
export const UNSUPPORTED_INSTRUCTION = 1;
export const UNSUPPORTED_PHYSICAL = 2; // a page walk or fetch touched physical memory that is not RAM
export const UNSUPPORTED_SMM = 3;
export const UNSUPPORTED_FERR = 4; // an unmasked x87 exception with CR0.NE = 0
