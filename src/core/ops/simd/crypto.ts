// AES, carry-less multiplication, SHA.
import { type Row, xmm } from './row.ts';

/** SHA1RNDS4 and its kin have no prefix. */
const sha = (map: 2 | 3, opcode: number, name: string, expression: string): Row =>
  xmm([map, 0, opcode], name, 'sha', expression);

export const cryptoRows: readonly Row[] = [
  xmm([2, 0x66, 0xdb], 'aesimc', 'aes', 'aesMixBack(b)'),
  xmm([2, 0x66, 0xdc], 'aesenc', 'aes', 'aesEncrypt(a,b,false)'),
  xmm([2, 0x66, 0xdd], 'aesenclast', 'aes', 'aesEncrypt(a,b,true)'),
  xmm([2, 0x66, 0xde], 'aesdec', 'aes', 'aesDecrypt(a,b,false)'),
  xmm([2, 0x66, 0xdf], 'aesdeclast', 'aes', 'aesDecrypt(a,b,true)'),
  { ...xmm([3, 0x66, 0xdf], 'aeskeygenassist', 'aes', 'aesKey(b,n)'), immediate: true },
  { ...xmm([3, 0x66, 0x44], 'pclmulqdq', 'pclmulqdq', 'carrylessProduct(a,b,n)'), immediate: true },
  { ...sha(3, 0xcc, 'sha1rnds4', 'sha1Rounds(a,b,n)'), immediate: true },
  sha(2, 0xc8, 'sha1nexte', 'sha1NextE(a,b)'),
  sha(2, 0xc9, 'sha1msg1', 'sha1Message1(a,b)'),
  sha(2, 0xca, 'sha1msg2', 'sha1Message2(a,b)'),
  sha(2, 0xcb, 'sha256rnds2', 'sha256Rounds(a,b)'),
  sha(2, 0xcc, 'sha256msg1', 'sha256Message1(a,b)'),
  sha(2, 0xcd, 'sha256msg2', 'sha256Message2(a,b)'),
];
