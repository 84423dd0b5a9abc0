/* Runs a guest of KVM: 16-bit code that prints ten digits to port E9H, with a CPUID after each, and halts. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { RAM = 0x10000, ENTRY = 0x1000 };

static const unsigned char code[] = {
    0xb9, 0x0a, 0x00, /* mov cx, 10 */
    0x88, 0xc8,       /* mov al, cl */
    0x04, 0x2f,       /* add al, '0' - 1 */
    0xe6, 0xe9,       /* out 0xe9, al */
    0x51,             /* push cx */
    0x31, 0xc0,       /* xor ax, ax */
    0x0f, 0xa2,       /* cpuid */
    0x59,             /* pop cx */
    0xe2, 0xf2,       /* loop to mov al, cl */
    0xf4,             /* hlt */
};

static int checked(int result, const char *what) {
  if (result >= 0)
    return result;
  perror(what);
  printf("kvm-guest: end\n");
  exit(1);
}

int main(void) {
  int kvm = checked(open("/dev/kvm", O_RDWR), "/dev/kvm");
  printf("kvm-guest: KVM API %d\n", ioctl(kvm, KVM_GET_API_VERSION, 0));
  int vm = checked(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  unsigned char *ram = mmap(0, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memcpy(ram + ENTRY, code, sizeof code);
  struct kvm_userspace_memory_region region = {.memory_size = RAM, .userspace_addr = (unsigned long)ram};
  checked(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  int cpu = checked(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  int size = checked(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run *run = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
  struct kvm_sregs system;
  checked(ioctl(cpu, KVM_GET_SREGS, &system), "KVM_GET_SREGS");
  system.cs.base = system.cs.selector = 0;
  checked(ioctl(cpu, KVM_SET_SREGS, &system), "KVM_SET_SREGS");
  struct kvm_regs registers = {.rip = ENTRY, .rsp = 0x8000, .rflags = 2};
  checked(ioctl(cpu, KVM_SET_REGS, &registers), "KVM_SET_REGS");
  printf("kvm-guest: it prints ");
  for (;;) {
    checked(ioctl(cpu, KVM_RUN, 0), "KVM_RUN");
    if (run->exit_reason != KVM_EXIT_IO)
      break;
    fwrite((char *)run + run->io.data_offset, 1, run->io.size * run->io.count, stdout);
  }
  printf("\nkvm-guest: %s (exit reason %u)\n", run->exit_reason == KVM_EXIT_HLT ? "it halted" : "it ended", run->exit_reason);
  printf("kvm-guest: end\n");
  return 0;
}
