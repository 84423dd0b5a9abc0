#pragma once
// The processor's side: VMCS fields, controls, instructions, capabilities.
// Numbers: SDM volume 3, appendices "Field Encoding in VMCS" and "VMX Capability Reporting Facility".
#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096u

enum vmcs_field {
  VPID = 0x0000,
  GUEST_ES_SELECTOR = 0x0800, // CS, SS, DS, FS, GS, LDTR, TR follow, two apart
  HOST_ES_SELECTOR = 0x0c00,
  HOST_CS_SELECTOR = 0x0c02,
  HOST_SS_SELECTOR = 0x0c04,
  HOST_DS_SELECTOR = 0x0c06,
  HOST_FS_SELECTOR = 0x0c08,
  HOST_GS_SELECTOR = 0x0c0a,
  HOST_TR_SELECTOR = 0x0c0c,
  IO_BITMAP_A = 0x2000,
  IO_BITMAP_B = 0x2002,
  MSR_BITMAPS = 0x2004,
  EPT_POINTER = 0x201a,
  GUEST_PHYSICAL_ADDRESS = 0x2400,
  VMCS_LINK_POINTER = 0x2800,
  GUEST_DEBUGCTL = 0x2802,
  GUEST_EFER = 0x2806,
  HOST_EFER = 0x2c02,
  PIN_BASED_CONTROLS = 0x4000,
  PRIMARY_CONTROLS = 0x4002,
  EXCEPTION_BITMAP = 0x4004,
  PAGE_FAULT_ERROR_MASK = 0x4006,
  PAGE_FAULT_ERROR_MATCH = 0x4008,
  CR3_TARGET_COUNT = 0x400a,
  EXIT_CONTROLS = 0x400c,
  EXIT_MSR_STORE_COUNT = 0x400e,
  EXIT_MSR_LOAD_COUNT = 0x4010,
  ENTRY_CONTROLS = 0x4012,
  ENTRY_MSR_LOAD_COUNT = 0x4014,
  ENTRY_INTERRUPTION_INFORMATION = 0x4016,
  ENTRY_ERROR_CODE = 0x4018,
  ENTRY_INSTRUCTION_LENGTH = 0x401a,
  SECONDARY_CONTROLS = 0x401e,
  VM_INSTRUCTION_ERROR = 0x4400,
  EXIT_REASON = 0x4402,
  EXIT_INTERRUPTION_INFORMATION = 0x4404,
  EXIT_INTERRUPTION_ERROR_CODE = 0x4406,
  IDT_VECTORING_INFORMATION = 0x4408,
  IDT_VECTORING_ERROR_CODE = 0x440a,
  EXIT_INSTRUCTION_LENGTH = 0x440c,
  GUEST_ES_LIMIT = 0x4800,
  GUEST_GDTR_LIMIT = 0x4810,
  GUEST_IDTR_LIMIT = 0x4812,
  GUEST_ES_ACCESS_RIGHTS = 0x4814,
  GUEST_INTERRUPTIBILITY = 0x4824,
  GUEST_ACTIVITY_STATE = 0x4826,
  GUEST_SYSENTER_CS = 0x482a,
  GUEST_PREEMPTION_TIMER = 0x482e,
  HOST_SYSENTER_CS = 0x4c00,
  EXIT_QUALIFICATION = 0x6400,
  CR0_GUEST_HOST_MASK = 0x6000,
  CR4_GUEST_HOST_MASK = 0x6002,
  CR0_READ_SHADOW = 0x6004,
  CR4_READ_SHADOW = 0x6006,
  GUEST_CR0 = 0x6800,
  GUEST_CR3 = 0x6802,
  GUEST_CR4 = 0x6804,
  GUEST_ES_BASE = 0x6806,
  GUEST_GDTR_BASE = 0x6816,
  GUEST_IDTR_BASE = 0x6818,
  GUEST_DR7 = 0x681a,
  GUEST_RSP = 0x681c,
  GUEST_RIP = 0x681e,
  GUEST_RFLAGS = 0x6820,
  GUEST_PENDING_DEBUG_EXCEPTIONS = 0x6822,
  GUEST_SYSENTER_ESP = 0x6824,
  GUEST_SYSENTER_EIP = 0x6826,
  HOST_CR0 = 0x6c00,
  HOST_CR3 = 0x6c02,
  HOST_CR4 = 0x6c04,
  HOST_FS_BASE = 0x6c06,
  HOST_GS_BASE = 0x6c08,
  HOST_TR_BASE = 0x6c0a,
  HOST_GDTR_BASE = 0x6c0c,
  HOST_IDTR_BASE = 0x6c0e,
  HOST_SYSENTER_ESP = 0x6c10,
  HOST_SYSENTER_EIP = 0x6c12,
  HOST_RIP = 0x6c16,
};

// Pin-based controls
#define ACTIVATE_PREEMPTION_TIMER (1u << 6)
// Primary processor-based controls
#define INTERRUPT_WINDOW_EXITING (1u << 2)
#define HLT_EXITING (1u << 7)
#define INVLPG_EXITING (1u << 9)
#define CR3_LOAD_EXITING (1u << 15)
#define CR3_STORE_EXITING (1u << 16)
#define USE_IO_BITMAPS (1u << 25)
#define USE_MSR_BITMAPS (1u << 28)
#define ACTIVATE_SECONDARY_CONTROLS (1u << 31)
// Secondary processor-based controls
#define ENABLE_EPT (1u << 1)
#define ENABLE_VPID (1u << 5)
#define UNRESTRICTED_GUEST (1u << 7)
// VM-exit controls
#define HOST_ADDRESS_SPACE_SIZE (1u << 9)
#define SAVE_EFER (1u << 20)
#define LOAD_HOST_EFER (1u << 21)
// VM-entry controls
#define IA32E_MODE_GUEST (1u << 9)
#define LOAD_GUEST_EFER (1u << 15)

enum exit_reason {
  EXIT_EXCEPTION = 0,
  EXIT_TRIPLE_FAULT = 2,
  EXIT_INTERRUPT_WINDOW = 7,
  EXIT_CPUID = 10,
  EXIT_HLT = 12,
  EXIT_INVLPG = 14,
  EXIT_VMCALL = 18,
  EXIT_CR_ACCESS = 28,
  EXIT_IO = 30,
  EXIT_RDMSR = 31,
  EXIT_WRMSR = 32,
  EXIT_ENTRY_GUEST_STATE = 33,
  EXIT_EPT_VIOLATION = 48,
  EXIT_PREEMPTION_TIMER = 52,
  EXIT_REASON_COUNT = 80,
};
#define EXIT_ENTRY_FAILURE (1u << 31)

// Events: the layout that VM-entry interruption information, VM-exit interruption information and IDT-vectoring information share
#define EVENT_VALID (1u << 31)
#define EVENT_HAS_ERROR_CODE (1u << 11)
#define EVENT_UNDEFINED (1u << 12) // "NMI unblocking due to IRET"; must be 0 in an injected event
#define EVENT_EXTERNAL_INTERRUPT (0u << 8)
#define EVENT_HARDWARE_EXCEPTION (3u << 8)
#define EVENT_TYPE(information) ((information) >> 8 & 7)
#define EVENT_VECTOR(information) ((information) & 0xff)
#define EVENT_TYPE_SOFTWARE_FIRST 4 // software interrupts and exceptions: they have an instruction length
#define VECTOR_PAGE_FAULT 14

#define BLOCKING_BY_STI (1u << 0)
#define BLOCKING_BY_MOV_SS (1u << 1)
#define RFLAGS_IF (1u << 9)

#define CR0_PE (1ull << 0)
#define CR0_ET (1ull << 4)
#define CR0_PG (1ull << 31)
#define CR4_PAE (1ull << 5)
#define CR4_VMXE (1ull << 13)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)

#define MSR_FEATURE_CONTROL 0x3a
#define MSR_EFER 0xc0000080u
#define MSR_VMX_BASIC 0x480
#define MSR_VMX_MISC 0x485
#define MSR_VMX_CR0_FIXED0 0x486
#define MSR_VMX_CR0_FIXED1 0x487
#define MSR_VMX_CR4_FIXED0 0x488
#define MSR_VMX_CR4_FIXED1 0x489
#define MSR_VMX_EPT_VPID_CAP 0x48c

/** A control word by the MSRs that say what it may hold: the old one, and the "true" one where IA32_VMX_BASIC bit 55 is set. */
struct control_msr {
  const char *name;
  uint32_t msr;
  uint32_t true_msr;
};
extern const struct control_msr pin_based, primary, secondary, vm_exit, vm_entry;

struct cpuid {
  uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
  struct cpuid result;
  __asm__ volatile("cpuid"
                   : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                   : "a"(leaf), "c"(subleaf));
  return result;
}

static inline uint64_t rdmsr(uint32_t msr) {
  uint32_t low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

#define CONTROL_REGISTER(number)                                                                                       \
  static inline uint64_t read_cr##number(void) {                                                                       \
    uint64_t value;                                                                                                    \
    __asm__ volatile("mov %%cr" #number ", %0" : "=r"(value));                                                         \
    return value;                                                                                                      \
  }                                                                                                                    \
  static inline void write_cr##number(uint64_t value) {                                                                \
    __asm__ volatile("mov %0, %%cr" #number : : "r"(value) : "memory");                                                \
  }
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)

/** These stop the machine with a message when the processor refuses: a failed VMREAD or VMWRITE is a bug here. */
uint64_t vmread(enum vmcs_field field);
void vmwrite(enum vmcs_field field, uint64_t value);

/** Checks what the processor offers, turns VMX operation on; stops with a message where that is impossible. */
void vmx_enable(void);
/** Makes a page a VMCS, clear, and the current one. */
void vmcs_create(void *page);
/** Makes a VMCS that vmcs_create made the current one. */
void vmcs_make_current(void *page);
/** `wanted` with the bits that must be 1 added; stops with a message when the processor does not offer a wanted bit. */
uint32_t vmx_controls(const struct control_msr *control, uint32_t wanted);
/** True when the processor may have these bits in the control word set. */
bool vmx_offers(const struct control_msr *control, uint32_t bits);
/** CR0 or CR4 as VMX operation demands them: MSR pairs FIXED0 and FIXED1. */
uint64_t vmx_fixed_cr0(uint64_t value);
uint64_t vmx_fixed_cr4(uint64_t value);

/** Prints a message and ends the run through port F4H with a status that says failure. */
void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...);
