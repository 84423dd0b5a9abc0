/* The same workloads as a program of this computer's operating system: the yardstick for results and speed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "platform.h"

#ifndef SCALE
#define SCALE 10
#endif
volatile u32 bench_scale = SCALE;

static double last;

void mark(u8 code) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  double now = t.tv_sec * 1e3 + t.tv_nsec / 1e6;
  if (code != '0') printf("%c %.3f ms\n", code, now - last);
  last = now;
}

int main(int argc, char **argv) {
  if (argc > 1) bench_scale = (u32)atoi(argv[1]);
  printf("=%016lx\n", run_all());
  return 0;
}
