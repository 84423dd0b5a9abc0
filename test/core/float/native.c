/* Floating-point operations on this computer's processor. Input and output: records of 32 bytes, see src/core/float/batch.ts. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

struct record {
  uint8_t operation, format;
  uint16_t flags;
  uint32_t mxcsr;
  uint64_t x, y, answer;
};

static sigjmp_buf again;
static volatile uint32_t faulting;

static void on_fault(int signal, siginfo_t *info, void *opaque) {
  (void)signal;
  (void)info;
  faulting = ((ucontext_t *)opaque)->uc_mcontext.fpregs->mxcsr;
  siglongjmp(again, 1);
}

#define TWO(name) \
  if (r->format) __asm__ volatile("movq %1, %%xmm0; movq %2, %%xmm1; ldmxcsr %3; " name "sd %%xmm1, %%xmm0; stmxcsr %4; ldmxcsr %5; movq %%xmm0, %0" : "=r"(r->answer) : "r"(r->x), "r"(r->y), "m"(mxcsr), "m"(after), "m"(usual) : "xmm0", "xmm1", "memory"); \
  else __asm__ volatile("movq %1, %%xmm0; movq %2, %%xmm1; ldmxcsr %3; " name "ss %%xmm1, %%xmm0; stmxcsr %4; ldmxcsr %5; movq %%xmm0, %0" : "=r"(r->answer) : "r"(r->x), "r"(r->y), "m"(mxcsr), "m"(after), "m"(usual) : "xmm0", "xmm1", "memory");
#define ONE(of64, of32) \
  if (r->format) __asm__ volatile("pxor %%xmm0, %%xmm0; movq %1, %%xmm1; ldmxcsr %2; " of64 "; stmxcsr %3; ldmxcsr %4; movq %%xmm0, %0" : "=r"(r->answer) : "r"(r->x), "m"(mxcsr), "m"(after), "m"(usual) : "xmm0", "xmm1", "rax", "memory"); \
  else __asm__ volatile("pxor %%xmm0, %%xmm0; movq %1, %%xmm1; ldmxcsr %2; " of32 "; stmxcsr %3; ldmxcsr %4; movq %%xmm0, %0" : "=r"(r->answer) : "r"(r->x), "m"(mxcsr), "m"(after), "m"(usual) : "xmm0", "xmm1", "rax", "memory");
/* LESS 0, EQUAL 1, GREATER 2, UNORDERED 3 from ZF PF CF */

static uint64_t relation(uint64_t flags) {
  if (flags & 4) return 3;
  if (flags & 0x40) return 1;
  return flags & 1 ? 0 : 2;
}

#define COMPARE(name) \
  if (r->format) __asm__ volatile("movq %1, %%xmm0; movq %2, %%xmm1; ldmxcsr %3; " name "sd %%xmm1, %%xmm0; pushfq; popq %0; stmxcsr %4; ldmxcsr %5" : "=r"(r->answer) : "r"(r->x), "r"(r->y), "m"(mxcsr), "m"(after), "m"(usual) : "xmm0", "xmm1", "memory", "cc"); \
  else __asm__ volatile("movq %1, %%xmm0; movq %2, %%xmm1; ldmxcsr %3; " name "ss %%xmm1, %%xmm0; pushfq; popq %0; stmxcsr %4; ldmxcsr %5" : "=r"(r->answer) : "r"(r->x), "r"(r->y), "m"(mxcsr), "m"(after), "m"(usual) : "xmm0", "xmm1", "memory", "cc"); \
  r->answer = relation(r->answer);

static void operate(struct record *r) {
  static volatile uint32_t after;
  static const uint32_t usual = 0x1f80;
  uint32_t mxcsr = r->mxcsr & ~0x3f;
  switch (r->operation) {
    case 0: TWO("add") break;
    case 1: TWO("mul") break;
    case 2: TWO("sub") break;
    case 3: TWO("div") break;
    case 4: ONE("sqrtsd %%xmm1, %%xmm0", "sqrtss %%xmm1, %%xmm0") break;
    case 5: COMPARE("ucomi") break;
    case 6: COMPARE("comi") break;
    case 7: ONE("cvtsd2ss %%xmm1, %%xmm0", "cvtss2sd %%xmm1, %%xmm0") break;
    case 8: ONE("cvtsd2si %%xmm1, %%eax; movq %%rax, %%xmm0", "cvtss2si %%xmm1, %%eax; movq %%rax, %%xmm0") break;
    case 9: ONE("cvtsd2si %%xmm1, %%rax; movq %%rax, %%xmm0", "cvtss2si %%xmm1, %%rax; movq %%rax, %%xmm0") break;
    case 10: ONE("cvttsd2si %%xmm1, %%rax; movq %%rax, %%xmm0", "cvttss2si %%xmm1, %%rax; movq %%rax, %%xmm0") break;
    case 11: ONE("movq %%xmm1, %%rax; cvtsi2sdq %%rax, %%xmm0", "movq %%xmm1, %%rax; cvtsi2ssq %%rax, %%xmm0") break;
    case 12: ONE("movq %%xmm1, %%rax; cvtsi2sdl %%eax, %%xmm0", "movq %%xmm1, %%rax; cvtsi2ssl %%eax, %%xmm0") break;
    case 13: ONE("roundsd $4, %%xmm1, %%xmm0", "roundss $4, %%xmm1, %%xmm0") break;
    default: ONE("roundsd $9, %%xmm1, %%xmm0", "roundss $9, %%xmm1, %%xmm0") break;
  }
  r->flags = after & 0x3f;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  if (!in || !out) return 2;
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGFPE, &action, NULL);
  static struct record r;
  while (fread(&r, sizeof r, 1, in) == 1) {
    if (sigsetjmp(again, 0)) {
      r.flags = faulting & 0x3f;
      r.answer = 0xdead;
    } else operate(&r);
    fwrite(&r, sizeof r, 1, out);
  }
  return fclose(out) ? 2 : 0;
}
