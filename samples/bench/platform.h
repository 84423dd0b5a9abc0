/* What a workload needs from where it runs: the bare machine, or (with -DNATIVE) this computer's operating system. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long i64;

#define NOINLINE __attribute__((noinline))

/* Work per run: every workload's repetitions are a multiple of it. A loader may patch it through the symbol, and the
   first decimal number of the multiboot command line overrides it. */
extern volatile u32 bench_scale;

/* A fixed sequence (xorshift), so that every run computes the same. */
u64 next_random(void);

u64 sieve(u32 repetitions);
u64 crc(u32 repetitions);
u64 quicksort(u32 repetitions);
u64 matrix(u32 repetitions);
u64 list_walk(u32 repetitions);
u64 bytecode(u32 repetitions);
u64 arithmetic(u32 repetitions);

/* Runs everything; returns the checksum of all results. */
u64 run_all(void);

/* Called before the first workload with '0' and after workload n with '0' + n. */
void mark(u8 code);
