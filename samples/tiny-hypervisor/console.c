// COM1, polled: a 16550 at 115200 baud.
#include "console.h"

#include <stdbool.h>

#define COM1 0x3f8
#define LINE_STATUS 5
#define TRANSMITTER_EMPTY 0x20

void console_initialize(void) {
  out8(COM1 + 1, 0x00); // no interrupts
  out8(COM1 + 3, 0x80); // divisor latch
  out8(COM1 + 0, 1);
  out8(COM1 + 1, 0);
  out8(COM1 + 3, 0x03); // 8 bits, no parity, one stop bit
  out8(COM1 + 2, 0x01); // FIFO
}

void print_character(char character) {
  while (!(in8(COM1 + LINE_STATUS) & TRANSMITTER_EMPTY))
    ;
  out8(COM1, (uint8_t)character);
}

static void print_number(uint64_t value, unsigned base) {
  char digits[20];
  unsigned count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0)
    print_character(digits[--count]);
}

void print_list(const char *format, va_list arguments) {
  for (const char *at = format; *at != 0; at++) {
    if (*at != '%') {
      print_character(*at);
      continue;
    }
    bool is_long = *++at == 'l';
    if (is_long)
      at++;
    if (*at == 's') {
      for (const char *text = va_arg(arguments, const char *); *text != 0; text++)
        print_character(*text);
    } else if (*at == 'c') {
      print_character((char)va_arg(arguments, int));
    } else {
      uint64_t value = is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t);
      print_number(value, *at == 'x' ? 16 : 10);
    }
  }
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_list(format, arguments);
  va_end(arguments);
}
