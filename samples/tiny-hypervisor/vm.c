// The VMCS of a guest, area by area (SDM, "Virtual Machine Control Structures"), and the loop that runs it.
#include "vm.h"

#include "console.h"
#include "ept.h"
#include "events.h"
#include "shadow.h"

#define RIGHTS_UNUSABLE 0x10000
#define RIGHTS_CODE_64 0xa09b  // present, execute and read, accessed, 64-bit, limit in pages
#define RIGHTS_DATA_32 0xc093  // present, read and write, accessed, 32-bit stack, limit in pages
#define RIGHTS_CODE_16 0x009b
#define RIGHTS_DATA_16 0x0093
#define RIGHTS_BUSY_TSS 0x008b
#define RFLAGS_RESERVED 2
#define TSS_SELECTOR 0x18
#define CR0_WP (1ull << 16)
#define MISC_TIMER_SHIFT 0x1f // IA32_VMX_MISC: the timer counts down each time this bit of the TSC changes

/** A guest's turn, in ticks of the time-stamp counter. */
#define TURN 100000

extern uint8_t gdt[], tss[];
extern const uint8_t vcpu_exited[];
int vcpu_enter(struct registers *registers, bool launched);

static uint8_t io_bitmap[2 * PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t msr_bitmaps[PAGE_SIZE] __attribute__((aligned(4096)));

/** Fields that hold 0 here. VMCLEAR gives no field a value: all that a VM entry reads must be written. */
static const enum vmcs_field zero_fields[] = {
    PAGE_FAULT_ERROR_MASK,  PAGE_FAULT_ERROR_MATCH, CR3_TARGET_COUNT,
    EXIT_MSR_STORE_COUNT,   EXIT_MSR_LOAD_COUNT,   ENTRY_MSR_LOAD_COUNT,           ENTRY_INTERRUPTION_INFORMATION,
    CR0_GUEST_HOST_MASK,    CR0_READ_SHADOW,       GUEST_DEBUGCTL,                 GUEST_INTERRUPTIBILITY,
    GUEST_ACTIVITY_STATE,   GUEST_SYSENTER_CS,     GUEST_SYSENTER_ESP,             GUEST_SYSENTER_EIP,
    HOST_FS_SELECTOR,       HOST_GS_SELECTOR,      GUEST_PENDING_DEBUG_EXCEPTIONS, HOST_FS_BASE,
    HOST_GS_BASE,           HOST_IDTR_BASE,        HOST_SYSENTER_CS,               HOST_SYSENTER_ESP,
    HOST_SYSENTER_EIP,
};

static void set_bit(uint8_t *bitmap, uint32_t bit) { bitmap[bit / 8] |= (uint8_t)(1u << bit % 8); }

bool vm_offers_ept(void) {
  return vmx_offers(&primary, ACTIVATE_SECONDARY_CONTROLS) && vmx_offers(&secondary, ENABLE_EPT);
}

bool vm_offers_unrestricted_guest(void) { return vm_offers_ept() && vmx_offers(&secondary, UNRESTRICTED_GUEST); }

struct guest_state guest_state_64(void (*entry)(void), void *stack_end) {
  const struct segment code = {0x08, 0, 0xffffffff, RIGHTS_CODE_64};
  const struct segment data = {0x10, 0, 0xffffffff, RIGHTS_DATA_32};
  const struct segment none = {0, 0, 0, RIGHTS_UNUSABLE};
  return (struct guest_state){
      .rip = (uintptr_t)entry,
      .rsp = (uintptr_t)stack_end - 8, // as after a CALL
      .cr0 = read_cr0() | CR0_WP,
      .cr3 = read_cr3(),
      .cr4 = CR4_PAE,
      .efer = EFER_LME | EFER_LMA,
      .segments = {[ES] = data, [CS] = code, [SS] = data, [DS] = data, [FS] = none, [GS] = none, [LDTR] = none,
                   [TR] = {TSS_SELECTOR, (uintptr_t)tss, 0x67, RIGHTS_BUSY_TSS}},
  };
}

struct guest_state guest_state_16(uint16_t segment) {
  const struct segment code = {segment, (uint64_t)segment << 4, 0xffff, RIGHTS_CODE_16};
  const struct segment data = {segment, (uint64_t)segment << 4, 0xffff, RIGHTS_DATA_16};
  return (struct guest_state){
      .rip = 0,
      .rsp = 0xfffe,
      .cr0 = CR0_ET,
      .segments = {[ES] = data, [CS] = code, [SS] = data, [DS] = data, [FS] = data, [GS] = data,
                   [LDTR] = {0, 0, 0, RIGHTS_UNUSABLE}, [TR] = {0, 0, 0xffff, RIGHTS_BUSY_TSS}},
      .idt_limit = 0x3ff,
  };
}

/** Controls for a guest whose addresses EPT translates. */
static void write_ept_controls(uint16_t vpid, bool unrestricted) {
  uint32_t wanted = ENABLE_EPT | (unrestricted ? UNRESTRICTED_GUEST : 0);
  if (vmx_offers(&secondary, ENABLE_VPID)) {
    wanted |= ENABLE_VPID;
    vmwrite(VPID, vpid);
  }
  vmwrite(SECONDARY_CONTROLS, vmx_controls(&secondary, wanted));
  vmwrite(EPT_POINTER, ept_identity_map());
  vmwrite(EXCEPTION_BITMAP, 0);
}

static void write_controls(uint16_t vpid, enum paging paging, const struct guest_state *state) {
  bool has_timer = vmx_offers(&pin_based, ACTIVATE_PREEMPTION_TIMER);
  vmwrite(PIN_BASED_CONTROLS, vmx_controls(&pin_based, has_timer ? ACTIVATE_PREEMPTION_TIMER : 0));
  uint32_t wanted = HLT_EXITING | USE_IO_BITMAPS | USE_MSR_BITMAPS;
  if (paging == PAGING_EPT) {
    wanted |= ACTIVATE_SECONDARY_CONTROLS;
    write_ept_controls(vpid, !(state->cr0 & CR0_PG));
  } else {
    wanted |= INVLPG_EXITING | CR3_LOAD_EXITING | CR3_STORE_EXITING;
    vmwrite(EXCEPTION_BITMAP, 1u << VECTOR_PAGE_FAULT);
  }
  vmwrite(PRIMARY_CONTROLS, vmx_controls(&primary, wanted));
  // A processor without "unrestricted guest" may not offer to save and load IA32_EFER: the guest's equals the host's then.
  bool has_efer = vmx_offers(&vm_exit, SAVE_EFER | LOAD_HOST_EFER) && vmx_offers(&vm_entry, LOAD_GUEST_EFER);
  vmwrite(EXIT_CONTROLS, vmx_controls(&vm_exit, HOST_ADDRESS_SPACE_SIZE | (has_efer ? SAVE_EFER | LOAD_HOST_EFER : 0)));
  if (has_efer) {
    vmwrite(HOST_EFER, rdmsr(MSR_EFER));
    vmwrite(GUEST_EFER, state->efer);
  }
  bool is_64_bit = state->efer & EFER_LMA;
  vmwrite(ENTRY_CONTROLS,
          vmx_controls(&vm_entry, (has_efer ? LOAD_GUEST_EFER : 0) | (is_64_bit ? IA32E_MODE_GUEST : 0)));

  // Exits for the made-up device's port and for reads of one MSR; MSRs outside the bitmaps' ranges always exit.
  set_bit(io_bitmap, DEVICE_PORT);
  set_bit(msr_bitmaps, MSR_APIC_BASE);
  vmwrite(IO_BITMAP_A, (uintptr_t)io_bitmap);
  vmwrite(IO_BITMAP_B, (uintptr_t)io_bitmap + PAGE_SIZE);
  vmwrite(MSR_BITMAPS, (uintptr_t)msr_bitmaps);
}

static void write_host_state(void) {
  vmwrite(HOST_CR0, read_cr0());
  vmwrite(HOST_CR3, read_cr3());
  vmwrite(HOST_CR4, read_cr4());
  vmwrite(HOST_CS_SELECTOR, 0x08);
  vmwrite(HOST_SS_SELECTOR, 0x10);
  vmwrite(HOST_DS_SELECTOR, 0x10);
  vmwrite(HOST_ES_SELECTOR, 0x10);
  vmwrite(HOST_TR_SELECTOR, TSS_SELECTOR);
  vmwrite(HOST_TR_BASE, (uintptr_t)tss);
  vmwrite(HOST_GDTR_BASE, (uintptr_t)gdt);
  vmwrite(HOST_RIP, (uintptr_t)vcpu_exited);
}

static void write_guest_state(const struct guest_state *state) {
  uint64_t cr0 = vmx_fixed_cr0(state->cr0);
  // Under "unrestricted guest" PE and PG are the guest's own among the bits that VMX operation fixes in CR0.
  cr0 = (cr0 & ~(CR0_PE | CR0_PG)) | (state->cr0 & (CR0_PE | CR0_PG));
  vmwrite(GUEST_CR0, cr0);
  vmwrite(GUEST_CR3, state->cr3);
  // CR4.VMXE must be set and the guest must not see it: the bit belongs to the host and reads from the shadow.
  vmwrite(GUEST_CR4, vmx_fixed_cr4(state->cr4));
  vmwrite(CR4_GUEST_HOST_MASK, CR4_VMXE);
  vmwrite(CR4_READ_SHADOW, state->cr4);
  for (unsigned index = 0; index < SEGMENT_COUNT; index++) {
    const struct segment *segment = &state->segments[index];
    vmwrite(GUEST_ES_SELECTOR + 2 * index, segment->selector);
    vmwrite(GUEST_ES_BASE + 2 * index, segment->base);
    vmwrite(GUEST_ES_LIMIT + 2 * index, segment->limit);
    vmwrite(GUEST_ES_ACCESS_RIGHTS + 2 * index, segment->rights);
  }
  vmwrite(GUEST_GDTR_BASE, (uintptr_t)gdt);
  vmwrite(GUEST_GDTR_LIMIT, 0x27);
  vmwrite(GUEST_IDTR_BASE, state->idt_base);
  vmwrite(GUEST_IDTR_LIMIT, state->idt_limit);
  vmwrite(GUEST_DR7, 0x400);
  vmwrite(GUEST_RSP, state->rsp);
  vmwrite(GUEST_RIP, state->rip);
  vmwrite(GUEST_RFLAGS, RFLAGS_RESERVED);
  vmwrite(VMCS_LINK_POINTER, ~0ull);
}

void vm_create(struct vm *vm, const char *name, uint16_t vpid, enum paging paging, const struct guest_state *state) {
  vm->name = name;
  vmcs_create(vm->vmcs);
  for (unsigned index = 0; index < sizeof zero_fields / sizeof zero_fields[0]; index++)
    vmwrite(zero_fields[index], 0);
  write_controls(vpid, paging, state);
  write_host_state();
  write_guest_state(state);
  if (paging == PAGING_SHADOW)
    vm->shadow = shadow_create(state->cr3);
}

/** One guest's turn: until its time is over, it waits for an interrupt, or it has halted for good. */
static void run_turn(struct vm *vm) {
  vmcs_make_current(vm->vmcs);
  vm->waiting = false;
  vm->tick_due |= vm->timer_vector != 0;
  if (vmread(PIN_BASED_CONTROLS) & ACTIVATE_PREEMPTION_TIMER)
    vmwrite(GUEST_PREEMPTION_TIMER, TURN >> (rdmsr(MSR_VMX_MISC) & MISC_TIMER_SHIFT));
  for (bool over = false; !over;) {
    events_inject_timer(vm);
    write_cr2(vm->cr2);
    int outcome = vcpu_enter(&vm->registers, vm->launched);
    if (outcome == 1)
      fail("%s: VM entry failed, no current VMCS", vm->name);
    if (outcome == 2)
      fail("%s: VM entry failed, VM-instruction error %lu", vm->name, vmread(VM_INSTRUCTION_ERROR));
    vm->cr2 = read_cr2();
    vm->launched = true;
    over = handle_exit(vm);
  }
}

void vm_run_all(struct vm *const *vms, unsigned count) {
  for (bool any = true; any;) {
    any = false;
    for (unsigned index = 0; index < count; index++) {
      if (vms[index]->done)
        continue;
      run_turn(vms[index]);
      any = true;
    }
  }
}
