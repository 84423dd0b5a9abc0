/* Runs machine code (argument 1) over records of 256 bytes (argument 2): RSI the input, RDI the output, RCX the count. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RECORD 256

static void *read_file(const char *path, size_t *size, int protection) {
  FILE *in = fopen(path, "rb");
  if (!in || fseek(in, 0, SEEK_END)) exit(2);
  *size = (size_t)ftell(in);
  rewind(in);
  void *p = mmap(NULL, *size + 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED || fread(p, 1, *size, in) != *size) exit(2);
  fclose(in);
  return p;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  size_t code_size, size;
  void *code = read_file(argv[1], &code_size, PROT_READ | PROT_WRITE | PROT_EXEC);
  char *input = read_file(argv[2], &size, PROT_READ | PROT_WRITE);
  char *output = calloc(1, size);
  char *from = input, *to = output;
  uint64_t count = size / RECORD;
  __asm__ volatile("fninit; call *%[code]; fninit" : "+S"(from), "+D"(to), "+c"(count) : [code] "r"(code) : "rax", "rbx", "rdx", "memory", "cc");
  FILE *out = fopen(argv[3], "wb");
  if (!out || fwrite(output, 1, size, out) != size || fclose(out)) return 2;
  return 0;
}
