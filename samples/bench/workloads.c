/* Seven small programs with different habits: streaming bytes, table look-ups, unpredictable branches, multiply-add over
   rows, pointer chasing over many pages, indirect calls, and divides, wide multiplies and narrow arithmetic. */
#include "platform.h"

static u64 random_state = 88172645463325252ul;

u64 next_random(void) {
  u64 x = random_state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  random_state = x;
  return x;
}

/* ---- Sieve of Eratosthenes ---- */
enum { SIEVE_SIZE = 1000000 };
static u8 is_prime[SIEVE_SIZE];

NOINLINE u64 sieve(u32 repetitions) {
  u64 sum = 0;
  for (u32 r = 0; r < repetitions; r++) {
    for (u32 i = 0; i < SIEVE_SIZE; i++) is_prime[i] = 1;
    for (u32 i = 2; i * i < SIEVE_SIZE; i++)
      if (is_prime[i])
        for (u32 j = i * i; j < SIEVE_SIZE; j += i) is_prime[j] = 0;
    for (u32 i = 2; i < SIEVE_SIZE; i++) sum += is_prime[i] ? i : 0;
  }
  return sum;
}

/* ---- CRC-32, by table and bit by bit ---- */
enum { CRC_POLYNOMIAL = 0xEDB88320u, CRC_BYTES = 1 << 18, CRC_BITWISE_BYTES = 4096 };
static u32 crc_table[256];
static u8 crc_data[CRC_BYTES];

NOINLINE u64 crc(u32 repetitions) {
  for (u32 i = 0; i < 256; i++) {
    u32 c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? CRC_POLYNOMIAL ^ (c >> 1) : c >> 1;
    crc_table[i] = c;
  }
  for (u32 i = 0; i < CRC_BYTES; i++) crc_data[i] = next_random();
  u32 c = ~0u;
  for (u32 r = 0; r < repetitions; r++) {
    for (u32 i = 0; i < CRC_BYTES; i++) c = crc_table[(c ^ crc_data[i]) & 255] ^ (c >> 8);
    for (u32 i = 0; i < CRC_BITWISE_BYTES; i++) {
      c ^= crc_data[i];
      for (int k = 0; k < 8; k++) c = (c >> 1) ^ (CRC_POLYNOMIAL & -(c & 1));
    }
  }
  return ~c;
}

/* ---- Quicksort of random numbers ---- */
enum { SORT_COUNT = 100000 };
static u32 numbers[SORT_COUNT];

static NOINLINE void sort_range(u32 *a, i64 low, i64 high) {
  while (low < high) {
    u32 pivot = a[(low + high) >> 1];
    i64 i = low, j = high;
    do {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i <= j) {
        u32 t = a[i];
        a[i++] = a[j];
        a[j--] = t;
      }
    } while (i <= j);
    if (j - low < high - i) {
      sort_range(a, low, j);
      low = i;
    } else {
      sort_range(a, i, high);
      high = j;
    }
  }
}

NOINLINE u64 quicksort(u32 repetitions) {
  u64 sum = 0;
  for (u32 r = 0; r < repetitions; r++) {
    for (u32 i = 0; i < SORT_COUNT; i++) numbers[i] = next_random();
    sort_range(numbers, 0, SORT_COUNT - 1);
    for (u32 i = 0; i < SORT_COUNT; i++) sum = sum * 31 + numbers[i];
  }
  return sum;
}

/* ---- Matrix product of 64-bit integers ---- */
enum { ROWS = 96 };
static u64 left[ROWS][ROWS], right[ROWS][ROWS], product[ROWS][ROWS];

NOINLINE u64 matrix(u32 repetitions) {
  u64 sum = 0;
  for (u32 i = 0; i < ROWS; i++)
    for (u32 j = 0; j < ROWS; j++) {
      left[i][j] = next_random();
      right[i][j] = next_random();
    }
  for (u32 r = 0; r < repetitions; r++) {
    for (u32 i = 0; i < ROWS; i++)
      for (u32 j = 0; j < ROWS; j++) {
        u64 t = 0;
        for (u32 k = 0; k < ROWS; k++) t += left[i][k] * right[k][j];
        product[i][j] = t;
      }
    for (u32 i = 0; i < ROWS; i++)
      for (u32 j = 0; j < ROWS; j++) {
        sum ^= product[i][j] + r;
        left[i][j] += product[j][i] >> 3;
      }
  }
  return sum;
}

/* ---- Walk of a linked list in random order over 1280 pages ---- */
enum { NODES = 16384, NODE_BYTES = 320 };
struct node {
  struct node *next;
  u64 value;
  u32 key;
  u16 factor;
  i8 sign;
  u8 padding[NODE_BYTES - 23];
};
static struct node nodes[NODES];
static u32 order[NODES];

NOINLINE u64 list_walk(u32 repetitions) {
  for (u32 i = 0; i < NODES; i++) order[i] = i;
  for (u32 i = NODES - 1; i; i--) {
    u32 j = next_random() % (i + 1);
    u32 t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  for (u32 i = 0; i < NODES; i++) {
    struct node *n = &nodes[order[i]];
    n->next = i + 1 < NODES ? &nodes[order[i + 1]] : 0;
    n->value = next_random();
    n->key = next_random();
    n->factor = next_random();
    n->sign = next_random();
  }
  u64 sum = 0;
  for (u32 r = 0; r < repetitions; r++)
    for (struct node *n = &nodes[order[0]]; n; n = n->next) {
      sum += n->value ^ n->key;
      sum += (i64)n->sign * n->factor;
      n->value = sum;
    }
  return sum;
}

/* ---- Bytecode interpreter: indirect calls through a table ---- */
struct interpreter {
  u64 stack[64];
  u32 top, pc;
  u64 accumulator, turns;
  const u8 *code;
  int running;
};
#define OPERATION(name) static NOINLINE void name(struct interpreter *v)
#define TOP(depth) v->stack[(v->top - (depth)) & 63]
OPERATION(do_push) { v->stack[v->top++ & 63] = v->code[v->pc++]; }
OPERATION(do_add) { u64 b = v->stack[--v->top & 63]; TOP(1) += b; }
OPERATION(do_sub) { u64 b = v->stack[--v->top & 63]; TOP(1) -= b; }
OPERATION(do_mul) { u64 b = v->stack[--v->top & 63]; TOP(1) *= b | 1; }
OPERATION(do_xor) { u64 b = v->stack[--v->top & 63]; TOP(1) ^= b; }
OPERATION(do_rotate) { u64 a = TOP(1); TOP(1) = (a >> 7) | (a << 57); }
OPERATION(do_dup) { u64 a = TOP(1); v->stack[v->top++ & 63] = a; }
OPERATION(do_accumulate) { v->accumulator += v->stack[--v->top & 63]; }
OPERATION(do_load) { v->stack[v->top++ & 63] = v->accumulator; }
OPERATION(do_narrow) { u64 *p = &TOP(1); *p = (u64)(i64)(i16)*p ^ (*p >> 16); }
OPERATION(do_again) { i8 distance = (i8)v->code[v->pc++]; if (--v->turns) v->pc += distance; }
OPERATION(do_halt) { v->running = 0; }

enum { PUSH, ADD, SUB, MUL, XOR, ROTATE, DUP, ACCUMULATE, LOAD, NARROW, AGAIN, HALT };
static void (*const operations[16])(struct interpreter *) = {
    do_push, do_add,        do_sub,  do_mul,    do_xor,   do_rotate, do_dup,  do_accumulate,
    do_load, do_narrow,     do_again, do_halt,  do_halt,  do_halt,   do_halt, do_halt};
static const u8 bytecode_program[] = {PUSH, 17,   LOAD, ADD,        DUP,  ROTATE, XOR, PUSH, 99,         MUL,   NARROW,
                                      ACCUMULATE, LOAD, PUSH,       3,    SUB,    DUP, MUL,  ACCUMULATE, AGAIN, (u8)-21, HALT};

NOINLINE u64 bytecode(u32 repetitions) {
  static struct interpreter v;
  u64 sum = 0;
  for (u32 r = 0; r < repetitions; r++) {
    v.top = v.pc = 0;
    v.accumulator = r + 1;
    v.turns = 20000;
    v.code = bytecode_program;
    v.running = 1;
    while (v.running) operations[v.code[v.pc++] & 15](&v);
    sum = sum * 7 + v.accumulator;
  }
  return sum;
}

/* ---- Arithmetic: divides, 128-bit products, narrow types, a switch ---- */
static NOINLINE u64 greatest_common_divisor(u64 a, u64 b) {
  while (b) {
    u64 t = a % b;
    a = b;
    b = t;
  }
  return a;
}
static NOINLINE u64 high_product(u64 a, u64 b) { return (u64)(((unsigned __int128)a * b) >> 64); }
static NOINLINE i64 high_signed_product(i64 a, i64 b) { return (i64)(((__int128)a * b) >> 64); }

static NOINLINE u64 choose(u32 x, u64 s) {
  switch (x & 15) {
    case 0: return s + x;
    case 1: return s ^ (s << 3);
    case 2: return s - x * 3ul;
    case 3: return s >> 1;
    case 4: return (i64)s >> 5;
    case 5: return ~s;
    case 6: return -s;
    case 7: return s * 10;
    case 8: return s | x;
    case 9: return s & ~(u64)x;
    case 10: return (s << 9) | (s >> 55);
    case 11: return s + (i8)x;
    case 12: return s + (u8)s;
    case 13: return s + (i16)s;
    case 14: return s % 1000003;
    default: return s / 7;
  }
}

NOINLINE u64 arithmetic(u32 repetitions) {
  u64 s = 1;
  u16 h = 1;
  i8 b = 3;
  i32 q = 12345;
  for (u32 r = 0; r < repetitions; r++)
    for (u32 i = 1; i < 2000; i++) {
      u64 x = next_random();
      s += greatest_common_divisor(x >> (x & 31), i * 77777ul);
      s ^= high_product(x, s | 1) + high_signed_product((i64)x, (i64)s);
      h = (u16)(h * 31 + (x & 0xff) + (h >> 3));
      b = (i8)(b + h);
      q = (i32)((u32)(q / (i32)((i & 63) + 3)) - (u32)x);
      s += (i64)q + (i64)b * h;
      s = choose((u32)(x >> 7), s);
      s = choose((u32)(s >> 9), s);
      s = (s >> (x & 63)) | (s << ((64 - (x & 63)) & 63));
      if ((i32)s < q) s += b;
      if ((u8)s > (u8)h) s -= h;
      s += (i32)s < 0 ? 3 : 5;
    }
  return s;
}

/* ---- All of them ---- */
u64 run_all(void) {
  static const struct {
    u64 (*run)(u32);
    u32 weight;
  } workloads[] = {{sieve, 1}, {crc, 4}, {quicksort, 1}, {matrix, 2}, {list_walk, 30}, {bytecode, 2}, {arithmetic, 20}};
  u64 checksum = 0;
  const u32 scale = bench_scale;
  mark('0');
  for (u32 i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
    checksum = checksum * 1000003 + workloads[i].run(workloads[i].weight * scale);
    mark('1' + i);
  }
  return checksum;
}
