#pragma once
#include <stdarg.h>
#include <stdint.h>

void console_initialize(void);
void print_character(char character);
/** %s text, %c character, %u and %x 32-bit, %lu and %lx 64-bit numbers; nothing else. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_list(const char *format, va_list arguments);

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
