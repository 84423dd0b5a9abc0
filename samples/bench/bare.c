/* The bare machine: markers go to port E9H, the result as text to COM1 and port E9H, and the run ends through port F4H. */
#include "platform.h"

enum { PORT_DEBUG = 0xE9, PORT_COM1 = 0x3F8, PORT_EXIT = 0xF4, EXIT_SUCCESS = 0 };

#ifndef SCALE
#define SCALE 10
#endif
volatile u32 bench_scale = SCALE;

static inline void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory"); }

void mark(u8 code) { out8(PORT_DEBUG, code); }

static void print(const char *text) {
  for (; *text; text++) {
    out8(PORT_DEBUG, (u8)*text);
    out8(PORT_COM1, (u8)*text);
  }
}

struct multiboot_info {
  u32 flags, memory_lower, memory_upper, boot_device, command_line;
};
enum { MULTIBOOT_MAGIC = 0x2BADB002, MULTIBOOT_HAS_COMMAND_LINE = 4 };

/* The first word of the command line that is a decimal number, or 0. */
static u32 scale_argument(const char *text) {
  while (*text) {
    while (*text == ' ') text++;
    u32 value = 0;
    const char *word = text;
    for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (u32)(*text - '0');
    if (text != word && (*text == ' ' || !*text)) return value;
    while (*text && *text != ' ') text++;
  }
  return 0;
}

void bench_main(u32 magic, const struct multiboot_info *info) {
  if (magic == MULTIBOOT_MAGIC && (info->flags & MULTIBOOT_HAS_COMMAND_LINE)) {
    u32 scale = scale_argument((const char *)(u64)info->command_line);
    if (scale) bench_scale = scale;
  }
  u64 checksum = run_all();
  char line[] = "=................\n";
  for (int i = 0; i < 16; i++) line[1 + i] = "0123456789abcdef"[(checksum >> (60 - 4 * i)) & 15];
  print(line);
  out8(PORT_EXIT, EXIT_SUCCESS);
}
