/* Runs machine-code sequences on this computer's processor, in 64-, 32- and 16-bit code segments, and reports registers,
   flags, faults and a digest of memory. Addresses are those of space.ts. Input and output are files of fixed records. */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum {
  DATA = 0x10000000,
  DATA_WRITABLE = 0x2000,
  DATA_SIZE = 0x3000,
  STACK = 0x10008000,
  STACK_SIZE = 0x1000,
  CODE = 0x20000000,
  CODE_BLOCK = 0x10000,
  EXIT_64 = 0x00,
  EXIT_32 = 0x20,
  EXIT_16 = 0x40,
  BASE_16 = 0x0fffc000,
  USER_CS_32 = 0x23,
  USER_DS = 0x2b,
  USER_CS_64 = 0x33,
  LDT_DATA_16 = 0,
  LDT_GS = 1, /* three profiles */
  LDT_CODE_16 = 8, /* one a block */
  NO_FAULT = 0xffffffff,
};

struct header {
  uint32_t count, code_size, dump;
  uint32_t state; /* each test and each result has an FXSAVE image behind it */
};

struct test {
  uint32_t code, mode, gs_profile, flags;
  uint64_t registers[16];
};

struct result {
  uint32_t fault; /* vector, or NO_FAULT */
  uint32_t error;
  uint64_t address; /* CR2 of a page fault */
  uint64_t rip;
  uint64_t registers[16];
  uint32_t flags, digest;
};

/* What the assembly below reads and writes. */
struct context {
  uint64_t registers[16]; /* 0 */
  uint64_t flags;         /* 128 */
  uint64_t target;        /* 136: for 64-bit code */
  uint32_t far_offset;    /* 144: for 32- and 16-bit code */
  uint16_t far_selector;  /* 148 */
  uint16_t stack_selector; /* 150 */
  uint64_t host_stack;    /* 152 */
  uint64_t is_far;        /* 160 */
} context;

void enter(void);
void leave(void);
void abandon(void);

__asm__(
    ".intel_syntax noprefix\n"
    "enter:\n"
    "  push rbx; push rbp; push r12; push r13; push r14; push r15\n"
    "  mov [context+152], rsp\n"
    "  fxrstor64 [state]\n"
    "  push qword ptr [context+128]\n"
    "  popfq\n"
    "  mov rcx, [context+8]; mov rdx, [context+16]; mov rbx, [context+24]; mov rbp, [context+40]\n"
    "  mov rsi, [context+48]; mov rdi, [context+56]; mov r8, [context+64]; mov r9, [context+72]\n"
    "  mov r10, [context+80]; mov r11, [context+88]; mov r12, [context+96]; mov r13, [context+104]\n"
    "  mov r14, [context+112]; mov r15, [context+120]\n"
    "  mov rax, [context+160]\n"
    "  lea rax, [rax*8+enter_ways]\n"
    "  jmp [rax]\n"
    "enter_near:\n"
    "  mov rax, [context]\n"
    "  mov rsp, [context+32]\n"
    "  jmp [context+136]\n"
    "enter_far:\n"
    "  mov rax, [context]\n"
    "  mov ss, [context+150]\n"
    "  mov rsp, [context+32]\n"
    "  jmp fword ptr [context+144]\n"
    "leave:\n"
    "  mov [context], rax; mov [context+8], rcx; mov [context+16], rdx; mov [context+24], rbx\n"
    "  mov [context+32], rsp; mov [context+40], rbp; mov [context+48], rsi; mov [context+56], rdi\n"
    "  mov [context+64], r8; mov [context+72], r9; mov [context+80], r10; mov [context+88], r11\n"
    "  mov [context+96], r12; mov [context+104], r13; mov [context+112], r14; mov [context+120], r15\n"
    "  mov eax, 0x2b\n"
    "  mov ss, eax\n"
    "  mov rsp, [context+152]\n"
    "  pushfq\n"
    "  pop qword ptr [context+128]\n"
    "  fxsave64 [state]\n"
    "  fninit\n"
    "  ldmxcsr [default_mxcsr]\n"
    "abandon:\n" /* from the signal handler, which has saved the registers */
    "  mov rsp, [context+152]\n"
    "  cld\n"
    "  pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx\n"
    "  ret\n"
    "enter_ways: .quad enter_near, enter_far\n"
    "default_mxcsr: .long 0x1f80\n"
    ".att_syntax prefix\n");

static struct result result;

/* The x87 and SSE registers that a test begins with, and then those it ends with: an FXSAVE image. */
static uint8_t state[512] __attribute__((aligned(16), used));

static void on_fault(int signal, siginfo_t *info, void *opaque) {
  (void)signal;
  (void)info;
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  const greg_t *r = ((ucontext_t *)opaque)->uc_mcontext.gregs;
  for (int i = 0; i < 16; i++) result.registers[i] = (uint64_t)r[order[i]];
  result.flags = (uint32_t)r[REG_EFL];
  memcpy(state, ((ucontext_t *)opaque)->uc_mcontext.fpregs, sizeof state);
  result.fault = (uint32_t)r[REG_TRAPNO];
  result.error = (uint32_t)r[REG_ERR];
  result.address = result.fault == 14 ? (uint64_t)r[REG_CR2] : 0;
  uint32_t selector = (uint32_t)r[REG_CSGSFS] & 0xffff;
  uint64_t base = selector & 4 ? CODE + (uint64_t)((selector >> 3) - LDT_CODE_16) * CODE_BLOCK : 0;
  result.rip = base + (uint64_t)r[REG_RIP];
  if (result.rip < CODE || result.rip >= CODE + 0x8000000) {
    fprintf(stderr, "fault %u outside the sequence, at %lx\n", result.fault, (unsigned long)result.rip);
    _exit(3);
  }
  abandon();
}

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static void *map(uint64_t address, size_t size, int protection) {
  void *p = mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (p != (void *)address) fail("mmap");
  return p;
}

static uint16_t set_segment(uint32_t entry, uint32_t base, uint32_t limit, uint32_t contents, uint32_t is_32, uint32_t read_only) {
  struct user_desc d = {.entry_number = entry,
                        .base_addr = base,
                        .limit = limit,
                        .seg_32bit = is_32,
                        .contents = contents,
                        .read_exec_only = read_only,
                        .limit_in_pages = 0,
                        .seg_not_present = 0,
                        .useable = 1};
  if (syscall(SYS_modify_ldt, 1, &d, sizeof d)) fail("modify_ldt");
  return (uint16_t)(entry << 3 | 7);
}

static uint32_t digest_part(uint32_t h, const uint32_t *words, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes / 4; i++) h = (h ^ words[i]) * 0x01000193u;
  return h;
}

static void write_exits(uint8_t *block) {
  uint64_t target = (uint64_t)leave;
  static const uint8_t jump[6] = {0xff, 0x25, 0, 0, 0, 0};
  memcpy(block + EXIT_64, jump, 6);
  memcpy(block + EXIT_64 + 6, &target, 8);
  uint16_t selector = USER_CS_64;
  block[EXIT_32] = 0xea;
  memcpy(block + EXIT_32 + 1, &target, 4);
  memcpy(block + EXIT_32 + 5, &selector, 2);
  block[EXIT_16] = 0x66;
  block[EXIT_16 + 1] = 0xea;
  memcpy(block + EXIT_16 + 2, &target, 4);
  memcpy(block + EXIT_16 + 6, &selector, 2);
}

static void load_gs(uint32_t mode, uint32_t profile) {
  static const uint32_t bases[3] = {DATA + 0x340, DATA - 0x1000, DATA + 0x123};
  uint16_t selector = mode == 64 ? 0 : (uint16_t)((LDT_GS + profile) << 3 | 7);
  __asm__ volatile("mov %0, %%gs" ::"r"(selector));
  if (mode == 64 && syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)bases[profile])) fail("arch_prctl");
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  struct header header;
  if (!in || !out || fread(&header, sizeof header, 1, in) != 1) fail("files");

  uint8_t *data = map(DATA, DATA_SIZE, PROT_READ | PROT_WRITE);
  uint8_t *stack = map(STACK, STACK_SIZE, PROT_READ | PROT_WRITE);
  uint32_t blocks = (header.code_size + CODE_BLOCK - 1) / CODE_BLOCK;
  uint8_t *code = map(CODE, (size_t)blocks * CODE_BLOCK, PROT_READ | PROT_WRITE | PROT_EXEC);
  static uint8_t pattern[DATA_SIZE + STACK_SIZE];
  if (fread(pattern, sizeof pattern, 1, in) != 1 || fread(code, 1, header.code_size, in) != header.code_size) fail("input");
  memcpy(data, pattern, DATA_SIZE);
  if (mprotect(data + DATA_WRITABLE, DATA_SIZE - DATA_WRITABLE, PROT_READ)) fail("mprotect");

  set_segment(LDT_DATA_16, BASE_16, 0xffff, MODIFY_LDT_CONTENTS_DATA, 0, 0);
  set_segment(LDT_GS + 0, DATA + 0x340, 0x17ff, MODIFY_LDT_CONTENTS_DATA, 1, 0);
  set_segment(LDT_GS + 1, DATA - 0x1000, 0x12ff, MODIFY_LDT_CONTENTS_STACK, 1, 0);
  set_segment(LDT_GS + 2, DATA + 0x123, 0x1fff, MODIFY_LDT_CONTENTS_DATA, 1, 1);
  for (uint32_t i = 0; i < blocks; i++) {
    write_exits(code + i * CODE_BLOCK);
    set_segment(LDT_CODE_16 + i, CODE + i * CODE_BLOCK, 0xffff, MODIFY_LDT_CONTENTS_CODE, 0, 0);
  }

  static uint8_t signal_stack[65536];
  stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  if (sigaltstack(&alternate, NULL)) fail("sigaltstack");
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaction(signals[i], &action, NULL);
  alarm(60);
  __asm__ volatile("fxsave64 %0" : "=m"(state));
  static uint8_t initial[sizeof state];
  memcpy(initial, state, sizeof state);

  for (uint32_t i = 0; i < header.count; i++) {
    struct test test;
    if (fread(&test, sizeof test, 1, in) != 1) fail("input");
    memcpy(state, initial, sizeof state);
    if (header.state && fread(state, sizeof state, 1, in) != 1) fail("input");
    memcpy(data, pattern, DATA_WRITABLE);
    memcpy(stack, pattern + DATA_SIZE, STACK_SIZE);
    memcpy(context.registers, test.registers, sizeof context.registers);
    context.flags = test.flags;
    context.target = test.code;
    context.is_far = test.mode != 64;
    uint32_t block = (test.code - CODE) / CODE_BLOCK;
    context.far_offset = test.mode == 16 ? (test.code - CODE) % CODE_BLOCK : test.code;
    context.far_selector = test.mode == 16 ? (uint16_t)((LDT_CODE_16 + block) << 3 | 7) : USER_CS_32;
    context.stack_selector = test.mode == 16 ? (uint16_t)(LDT_DATA_16 << 3 | 7) : USER_DS;
    load_gs(test.mode, test.gs_profile);
    uint16_t data_selector = test.mode == 16 ? context.stack_selector : USER_DS;
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(data_selector));
    memset(&result, 0, sizeof result);
    result.fault = NO_FAULT;
    enter();
    if (result.fault == NO_FAULT) {
      memcpy(result.registers, context.registers, sizeof result.registers);
      result.flags = (uint32_t)context.flags;
    }
    result.digest = digest_part(digest_part(0x811c9dc5u, (uint32_t *)data, DATA_WRITABLE), (uint32_t *)stack, STACK_SIZE);
    fwrite(&result, sizeof result, 1, out);
    if (header.state) fwrite(state, sizeof state, 1, out);
    if (header.dump) {
      fwrite(data, DATA_WRITABLE, 1, out);
      fwrite(stack, STACK_SIZE, 1, out);
    }
  }
  return fclose(out) ? 2 : 0;
}
