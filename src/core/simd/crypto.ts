// AES, carry-less multiplication and SHA (SDM "Advanced Encryption Standard (AES) Instructions", "PCLMULQDQ", "SHA Extensions").

import { SCRATCH, XMM } from '../layout.ts';

const A: usize = SCRATCH + 0x40;
const B: usize = SCRATCH + 0x50;
const OUT: usize = SCRATCH + 0x60;

/** The doublewords of a vector, the lowest first. */
function vector(w0: u32, w1: u32, w2: u32, w3: u32): v128 {
  store<u32>(OUT, w0);
  store<u32>(OUT, w1, 4);
  store<u32>(OUT, w2, 8);
  store<u32>(OUT, w3, 12);
  return load<v128>(OUT);
}

// ---- AES --------------------------------------------------------------------------------------------------------------------

/** Product in the field of AES, GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function fieldProduct(x: u32, y: u32): u32 {
  let product: u32 = 0;
  let factor = x;
  for (let rest = y; rest; rest >>= 1) {
    if (rest & 1) product ^= factor;
    factor = (factor << 1) ^ (factor & 0x80 ? 0x11b : 0);
  }
  return product;
}

const SUBSTITUTE: usize = memory.data(256);
const SUBSTITUTE_BACK: usize = memory.data(256);

/** The substitution box: inverses in the field (0 stays), then an affine map. Powers of 3 run through all elements. */
function makeTables(): void {
  if (load<u8>(SUBSTITUTE) == 0x63) return;
  let power: u32 = 1; // 3^i
  let inverse: u32 = 1; // 3^-i; 0xf6 is the inverse of 3
  for (let i = 0; i < 255; i++) {
    setPair(power, inverse);
    power = fieldProduct(power, 3);
    inverse = fieldProduct(inverse, 0xf6);
  }
  setPair(0, 0);
}

function setPair(x: u32, inverse: u32): void {
  let value: u32 = 0x63 ^ inverse;
  for (let turn: u32 = 1; turn < 5; turn++) value ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
  store<u8>(SUBSTITUTE + <usize>x, <u8>value);
  store<u8>(SUBSTITUTE_BACK + <usize>value, <u8>x);
}

/** One column times a fixed matrix, whose first row is m0 m1 m2 m3. */
function mixColumn(from: usize, to: usize, m0: u32, m1: u32, m2: u32, m3: u32): void {
  const a = <u32>load<u8>(from);
  const b = <u32>load<u8>(from, 1);
  const c = <u32>load<u8>(from, 2);
  const d = <u32>load<u8>(from, 3);
  for (let row: usize = 0; row < 4; row++) {
    const w = row == 0 ? a : row == 1 ? b : row == 2 ? c : d;
    const x = row == 0 ? b : row == 1 ? c : row == 2 ? d : a;
    const y = row == 0 ? c : row == 1 ? d : row == 2 ? a : b;
    const z = row == 0 ? d : row == 1 ? a : row == 2 ? b : c;
    const sum = fieldProduct(w, m0) ^ fieldProduct(x, m1) ^ fieldProduct(y, m2) ^ fieldProduct(z, m3);
    store<u8>(to + row, <u8>sum);
  }
}

/** AESENC and AESENCLAST (`last`): shift rows, substitute bytes, mix columns, add the round key. */
export function aesEncrypt(a: v128, key: v128, last: bool): v128 {
  makeTables();
  store<v128>(A, a);
  for (let i: usize = 0; i < 16; i++) {
    const from = (i + 4 * (i & 3)) & 15; // row i & 3 turns left by as many columns
    store<u8>(B + i, load<u8>(SUBSTITUTE + <usize>load<u8>(A + from)));
  }
  if (last) return v128.xor(load<v128>(B), key);
  for (let column: usize = 0; column < 16; column += 4) mixColumn(B + column, OUT + column, 2, 3, 1, 1);
  return v128.xor(load<v128>(OUT), key);
}

export function aesDecrypt(a: v128, key: v128, last: bool): v128 {
  makeTables();
  store<v128>(A, a);
  for (let i: usize = 0; i < 16; i++) {
    const from = (i - 4 * (i & 3)) & 15;
    store<u8>(B + i, load<u8>(SUBSTITUTE_BACK + <usize>load<u8>(A + from)));
  }
  return v128.xor(last ? load<v128>(B) : aesMixBack(load<v128>(B)), key);
}

/** AESIMC: columns times the inverse matrix. */
export function aesMixBack(a: v128): v128 {
  store<v128>(A, a);
  for (let column: usize = 0; column < 16; column += 4) mixColumn(A + column, OUT + column, 14, 11, 13, 9);
  return load<v128>(OUT);
}

function substituteWord(word: u32): u32 {
  let result: u32 = 0;
  for (let shift: u32 = 0; shift < 32; shift += 8) {
    result |= (<u32>load<u8>(SUBSTITUTE + <usize>((word >> shift) & 0xff))) << shift;
  }
  return result;
}

/** AESKEYGENASSIST. */
export function aesKey(a: v128, n: u32): v128 {
  makeTables();
  const low = substituteWord(i32x4.extract_lane(a, 1));
  const high = substituteWord(i32x4.extract_lane(a, 3));
  return vector(low, rotr<u32>(low, 8) ^ n, high, rotr<u32>(high, 8) ^ n);
}

// ---- PCLMULQDQ --------------------------------------------------------------------------------------------------------------

/** Product without carries of a quadword of a (n[0]) and one of b (n[4]). */
export function carrylessProduct(a: v128, b: v128, n: u32): v128 {
  const x: u64 = n & 1 ? i64x2.extract_lane(a, 1) : i64x2.extract_lane(a, 0);
  const y: u64 = n & 0x10 ? i64x2.extract_lane(b, 1) : i64x2.extract_lane(b, 0);
  let low: u64 = 0;
  let high: u64 = 0;
  for (let i: u64 = 0; i < 64; i++) {
    if (!((y >> i) & 1)) continue;
    low ^= x << i;
    if (i) high ^= x >> (64 - i);
  }
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}

// ---- SHA --------------------------------------------------------------------------------------------------------------------

function word(at: usize, i: usize): u32 {
  return load<u32>(at + (i << 2));
}

/** SHA1RNDS4: four rounds; the immediate chooses their function and constant. State A to D in a (A on top), words in b. */
export function sha1Rounds(x: v128, y: v128, n: u32): v128 {
  store<v128>(A, x);
  store<v128>(B, y);
  let a = word(A, 3);
  let b = word(A, 2);
  let c = word(A, 1);
  let d = word(A, 0);
  let e: u32 = 0; // the first word has E added
  const which = n & 3;
  const constant: u32 = which == 0 ? 0x5a827999 : which == 1 ? 0x6ed9eba1 : which == 2 ? 0x8f1bbcdc : 0xca62c1d6;
  for (let i: usize = 0; i < 4; i++) {
    const f = which == 0 ? (b & c) ^ (~b & d) : which == 2 ? (b & c) ^ (b & d) ^ (c & d) : b ^ c ^ d;
    const next = f + rotl<u32>(a, 5) + word(B, 3 - i) + e + constant;
    e = d;
    d = c;
    c = rotl<u32>(b, 30);
    b = a;
    a = next;
  }
  return vector(d, c, b, a);
}

/** SHA1NEXTE: what E is after four rounds, added to the top word of b. */
export function sha1NextE(a: v128, b: v128): v128 {
  return i32x4.replace_lane(b, 3, <u32>i32x4.extract_lane(b, 3) + rotl<u32>(i32x4.extract_lane(a, 3), 30));
}

/** SHA1MSG1. */
export function sha1Message1(a: v128, b: v128): v128 {
  return v128.xor(a, v128.shuffle<i32>(b, a, 2, 3, 4, 5));
}

/** SHA1MSG2: the last word needs the first one's result. */
export function sha1Message2(x: v128, y: v128): v128 {
  store<v128>(A, x);
  store<v128>(B, y);
  const w16 = rotl<u32>(word(A, 3) ^ word(B, 2), 1);
  const w17 = rotl<u32>(word(A, 2) ^ word(B, 1), 1);
  const w18 = rotl<u32>(word(A, 1) ^ word(B, 0), 1);
  const w19 = rotl<u32>(word(A, 0) ^ w16, 1);
  return vector(w19, w18, w17, w16);
}

function smallSigma0(x: u32): u32 {
  return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
}

function smallSigma1(x: u32): u32 {
  return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10);
}

/** SHA256RNDS2: two rounds; C D G H in x, A B E F in y (A on top), words with constants in the low half of XMM0. */
export function sha256Rounds(x: v128, y: v128): v128 {
  store<v128>(A, x);
  store<v128>(B, y);
  let a = word(B, 3);
  let b = word(B, 2);
  let c = word(A, 3);
  let d = word(A, 2);
  let e = word(B, 1);
  let f = word(B, 0);
  let g = word(A, 1);
  let h = word(A, 0);
  for (let i: usize = 0; i < 2; i++) {
    const sigma1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const sigma0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const first = ((e & f) ^ (~e & g)) + sigma1 + word(XMM, i) + h;
    const second = ((a & b) ^ (a & c) ^ (b & c)) + sigma0;
    h = g;
    g = f;
    f = e;
    e = first + d;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  return vector(f, e, b, a);
}

/** SHA256MSG1. */
export function sha256Message1(x: v128, y: v128): v128 {
  store<v128>(A, x);
  const w4: u32 = i32x4.extract_lane(y, 0);
  return vector(
    word(A, 0) + smallSigma0(word(A, 1)),
    word(A, 1) + smallSigma0(word(A, 2)),
    word(A, 2) + smallSigma0(word(A, 3)),
    word(A, 3) + smallSigma0(w4),
  );
}

/** SHA256MSG2: the upper words need the lower ones' results. */
export function sha256Message2(x: v128, y: v128): v128 {
  store<v128>(A, x);
  store<v128>(B, y);
  const w16 = word(A, 0) + smallSigma1(word(B, 2));
  const w17 = word(A, 1) + smallSigma1(word(B, 3));
  const w18 = word(A, 2) + smallSigma1(w16);
  const w19 = word(A, 3) + smallSigma1(w17);
  return vector(w16, w17, w18, w19);
}
