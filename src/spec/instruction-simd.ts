// What SIMD instructions do, from how their names are built: a stem, then the kind of the elements.

const FLOAT_KINDS: Readonly<Record<string, string>> = {
  ps: 'packed single-precision values',
  pd: 'packed double-precision values',
  ph: 'packed half-precision values',
  ss: 'the low single-precision value',
  sd: 'the low double-precision value',
  sh: 'the low half-precision value',
  bf16: 'packed BF16 values',
  nepbf16: 'packed BF16 values',
};
const INTEGER_KINDS: Readonly<Record<string, string>> = {
  b: 'packed bytes',
  w: 'packed words',
  d: 'packed doublewords',
  q: 'packed quadwords',
  dq: 'the whole register',
};

/** Stems before a floating-point kind; `*` stands for the kind. */
const FLOAT_STEMS: Readonly<Record<string, string>> = {
  add: 'Adds *.',
  sub: 'Subtracts *.',
  mul: 'Multiplies *.',
  div: 'Divides *.',
  min: 'Takes the smaller of *.',
  max: 'Takes the larger of *.',
  sqrt: 'Square roots of *.',
  rcp: 'Approximate reciprocals of *.',
  rsqrt: 'Approximate reciprocal square roots of *.',
  rcp14: 'Approximate reciprocals (14 bits) of *.',
  rsqrt14: 'Approximate reciprocal square roots (14 bits) of *.',
  and: 'Bitwise AND of *.',
  andn: 'Bitwise NOT of the first source, AND with the second, of *.',
  or: 'Bitwise OR of *.',
  xor: 'Bitwise XOR of *.',
  cmp: 'Compares *; the predicate gives masks of ones or zeros.',
  comi: 'Compares * and sets ZF, PF and CF; signals invalid for any NaN.',
  ucomi: 'Compares * and sets ZF, PF and CF.',
  hadd: 'Adds neighbours among *.',
  hsub: 'Subtracts neighbours among *.',
  addsub: 'Subtracts the even and adds the odd of *.',
  shuf: 'Selects among * by a number.',
  unpckh: 'Interleaves the upper halves of *.',
  unpckl: 'Interleaves the lower halves of *.',
  blend: 'Selects * from two sources by a number.',
  blendv: 'Selects * from two sources by a mask.',
  blendm: 'Selects * from two sources by a mask register.',
  dp: 'Dot product of *.',
  round: 'Rounds * to integers.',
  rndscale: 'Rounds * to a number of fraction bits.',
  mova: 'Moves *; memory must be aligned.',
  movu: 'Moves *; memory need not be aligned.',
  movnt: 'Stores * without keeping them in the caches.',
  movmsk: 'Collects the sign bits of *.',
  movl: 'Moves the low 64 bits of *.',
  movh: 'Moves the high 64 bits of *.',
  movhl: 'Moves the high to the low 64 bits of *.',
  movlh: 'Moves the low to the high 64 bits of *.',
  mov: 'Moves *.',
  maskmov: 'Moves * that a mask selects.',
  broadcast: 'Copies one element to all of *.',
  perm: 'Permutes *.',
  permil: 'Permutes * within each 128-bit lane.',
  permi2: 'Selects among * of two tables by the indices in the destination.',
  permt2: 'Selects among * of two tables by indices; the first table is overwritten.',
  test: 'Sets ZF and CF by the sign bits of *.',
  gatherd: 'Loads * from addresses with doubleword indices.',
  gatherq: 'Loads * from addresses with quadword indices.',
  scatterd: 'Stores * to addresses with doubleword indices.',
  scatterq: 'Stores * to addresses with quadword indices.',
  compress: 'Packs the selected * together.',
  expand: 'Spreads elements to the selected places of *.',
  getexp: 'Exponents of *.',
  getmant: 'Significands of *.',
  scalef: 'Scales * by powers of 2.',
  fixupimm: 'Replaces special values among *.',
  range: 'Smaller or larger, with sign control, of *.',
  reduce: 'What is left of * after rounding.',
  fpclass: 'Classifies *.',
  fmulc: 'Multiplies complex numbers: *.',
  fcmulc: 'Multiplies by complex conjugates: *.',
  fmaddc: 'Multiplies and adds complex numbers: *.',
  fcmaddc: 'Multiplies by complex conjugates and adds: *.',
  extract: 'Copies one of * to a register or memory.',
  insert: 'Replaces one of *.',
  minmax: 'Smaller or larger of *, by a number.',
};

/** Stems before an integer kind. */
const INTEGER_STEMS: Readonly<Record<string, string>> = {
  padd: 'Adds *.',
  padds: 'Adds * with signed saturation.',
  paddus: 'Adds * with unsigned saturation.',
  psub: 'Subtracts *.',
  psubs: 'Subtracts * with signed saturation.',
  psubus: 'Subtracts * with unsigned saturation.',
  pmull: 'Multiplies *, keeping the low halves.',
  pmulh: 'Multiplies *, keeping the high halves.',
  pmulhu: 'Multiplies unsigned *, keeping the high halves.',
  pmulhrs: 'Multiplies *, rounds and scales.',
  pavg: 'Averages *.',
  pmaxs: 'Takes the larger of signed *.',
  pmaxu: 'Takes the larger of unsigned *.',
  pmins: 'Takes the smaller of signed *.',
  pminu: 'Takes the smaller of unsigned *.',
  pabs: 'Absolute values of *.',
  psign: 'Gives * the sign of the second source.',
  pcmpeq: 'Compares * for equality.',
  pcmpgt: 'Compares * for greater (signed).',
  pcmp: 'Compares signed * by a predicate.',
  pcmpu: 'Compares unsigned * by a predicate.',
  psll: 'Shifts * left.',
  psrl: 'Shifts * right.',
  psra: 'Shifts * right with sign.',
  psllv: 'Shifts * left, each by its own count.',
  psrlv: 'Shifts * right, each by its own count.',
  psrav: 'Shifts * right with sign, each by its own count.',
  pshld: 'Concatenates and shifts * left.',
  pshrd: 'Concatenates and shifts * right.',
  pshldv: 'Concatenates and shifts * left by counts.',
  pshrdv: 'Concatenates and shifts * right by counts.',
  prol: 'Rotates * left.',
  pror: 'Rotates * right.',
  prolv: 'Rotates * left by counts.',
  prorv: 'Rotates * right by counts.',
  pshuf: 'Selects among *.',
  phadd: 'Adds neighbours among *.',
  phsub: 'Subtracts neighbours among *.',
  pextr: 'Copies one of * to a register or memory.',
  pinsr: 'Replaces one of *.',
  pblend: 'Selects * from two sources by a number.',
  pblendm: 'Selects * from two sources by a mask register.',
  pbroadcast: 'Copies one element to all of *.',
  pmaskmov: 'Moves * that a mask selects.',
  perm: 'Permutes *.',
  permi2: 'Selects among * of two tables by the indices in the destination.',
  permt2: 'Selects among * of two tables by indices.',
  pgatherd: 'Loads * from addresses with doubleword indices.',
  pgatherq: 'Loads * from addresses with quadword indices.',
  pscatterd: 'Stores * to addresses with doubleword indices.',
  pscatterq: 'Stores * to addresses with quadword indices.',
  pcompress: 'Packs the selected * together.',
  pexpand: 'Spreads elements to the selected places of *.',
  popcnt: 'Counts the bits that are 1 in *.',
  plzcnt: 'Counts leading zero bits of *.',
  pconflict: 'Finds equal elements among *.',
  pternlog: 'Any bitwise function of three sources, on *.',
  ptestm: 'Sets mask bits where * have common bits.',
  ptestnm: 'Sets mask bits where * have no common bits.',
  pmovm2: 'Expands mask bits to *.',
  mova: 'Moves *; memory must be aligned.',
  movu: 'Moves *; memory need not be aligned.',
  movdqa: 'Moves *; memory must be aligned.',
  movdqu: 'Moves *; memory need not be aligned.',
  kadd: 'Adds mask registers.',
  kand: 'Bitwise AND of mask registers.',
  kandn: 'Bitwise AND NOT of mask registers.',
  kmov: 'Moves a mask register.',
  knot: 'Bitwise NOT of a mask register.',
  kor: 'Bitwise OR of mask registers.',
  kortest: 'Sets ZF and CF by the OR of mask registers.',
  kshiftl: 'Shifts a mask register left.',
  kshiftr: 'Shifts a mask register right.',
  ktest: 'Sets ZF and CF by the AND of mask registers.',
  kxnor: 'Bitwise XNOR of mask registers.',
  kxor: 'Bitwise XOR of mask registers.',
};

const EXACT: Readonly<Record<string, string>> = {
  pand: 'Bitwise AND.',
  pandn: 'Bitwise NOT of the first source, AND with the second.',
  por: 'Bitwise OR.',
  pxor: 'Bitwise XOR.',
  pandd: 'Bitwise AND of packed doublewords.',
  pandq: 'Bitwise AND of packed quadwords.',
  pandnd: 'Bitwise AND NOT of packed doublewords.',
  pandnq: 'Bitwise AND NOT of packed quadwords.',
  pord: 'Bitwise OR of packed doublewords.',
  porq: 'Bitwise OR of packed quadwords.',
  pxord: 'Bitwise XOR of packed doublewords.',
  pxorq: 'Bitwise XOR of packed quadwords.',
  movd: 'Moves 32 bits between a SIMD and a general register or memory.',
  movq: 'Moves 64 bits between a SIMD and a general register or memory.',
  movdqa: 'Moves a whole register; memory must be aligned.',
  movdqu: 'Moves a whole register; memory need not be aligned.',
  movdq2q: 'Moves the low 64 bits of an XMM register to an MMX register.',
  movq2dq: 'Moves an MMX register to the low 64 bits of an XMM register.',
  movntdq: 'Stores a whole register without keeping it in the caches.',
  movntdqa: 'Loads a whole register, hinting that it will not be used again.',
  movntq: 'Stores an MMX register without keeping it in the caches.',
  maskmovq: 'Stores the bytes that a mask selects at [rDI].',
  maskmovdqu: 'Stores the bytes that a mask selects at [rDI].',
  movddup: 'Duplicates the low double-precision value.',
  movshdup: 'Duplicates the odd single-precision values.',
  movsldup: 'Duplicates the even single-precision values.',
  lddqu: 'Loads a whole register; memory need not be aligned.',
  pmaddwd: 'Multiplies packed words and adds neighbours.',
  pmaddubsw: 'Multiplies unsigned by signed bytes and adds neighbours with saturation.',
  pmuludq: 'Multiplies unsigned doublewords to quadwords.',
  pmuldq: 'Multiplies signed doublewords to quadwords.',
  psadbw: 'Sums of absolute differences of bytes.',
  mpsadbw: 'Several sums of absolute differences of bytes.',
  phminposuw: 'The smallest unsigned word and its index.',
  packsswb: 'Packs words to bytes with signed saturation.',
  packssdw: 'Packs doublewords to words with signed saturation.',
  packuswb: 'Packs words to bytes with unsigned saturation.',
  packusdw: 'Packs doublewords to words with unsigned saturation.',
  palignr: 'Concatenates two sources and takes bytes from the middle.',
  pshufhw: 'Selects among the high packed words.',
  pshuflw: 'Selects among the low packed words.',
  psllq: 'Shifts packed quadwords left.',
  pslldq: 'Shifts the whole register left by bytes.',
  psrldq: 'Shifts the whole register right by bytes.',
  pmovmskb: 'Collects the sign bits of packed bytes.',
  pblendvb: 'Selects packed bytes from two sources by a mask.',
  ptest: 'Sets ZF and CF by the AND and AND NOT of the operands.',
  pclmulqdq: 'Multiplies two quadwords without carry.',
  phaddsw: 'Adds neighbouring words with saturation.',
  phsubsw: 'Subtracts neighbouring words with saturation.',
  aesenc: 'One round of AES encryption.',
  aesenclast: 'The last round of AES encryption.',
  aesdec: 'One round of AES decryption.',
  aesdeclast: 'The last round of AES decryption.',
  aesimc: 'AES inverse mix columns.',
  aeskeygenassist: 'Helps to generate AES round keys.',
  permilps: 'Permutes packed single-precision values within each 128-bit lane.',
  alignd: 'Concatenates two sources and takes doublewords from the middle.',
  alignq: 'Concatenates two sources and takes quadwords from the middle.',
  kunpckbw: 'Concatenates mask registers.',
  kunpckwd: 'Concatenates mask registers.',
  kunpckdq: 'Concatenates mask registers.',
  pmovb2m: 'Collects the sign bits of packed bytes in a mask register.',
  pmovw2m: 'Collects the sign bits of packed words in a mask register.',
  pmovd2m: 'Collects the sign bits of packed doublewords in a mask register.',
  pmovq2m: 'Collects the sign bits of packed quadwords in a mask register.',
  pmadd52luq: 'Multiplies 52-bit integers and adds the low halves.',
  pmadd52huq: 'Multiplies 52-bit integers and adds the high halves.',
  pmultishiftqb: 'Selects unaligned bytes of packed quadwords.',
  pshufbitqmb: 'Selects bits of packed quadwords into a mask register.',
  zeroupper: 'Clears the upper halves of all YMM registers.',
  zeroall: 'Clears all YMM registers.',
  ldmxcsr: 'Loads MXCSR.',
  stmxcsr: 'Stores MXCSR.',
  gf2p8mulb: 'Multiplies packed bytes in the field GF(2^8).',
  gf2p8affineqb: 'Affine transformation in the field GF(2^8).',
  gf2p8affineinvqb: 'Affine transformation of the inverse in the field GF(2^8).',
};

const INTERLEAVE = /^punpck([hl])(bw|wd|dq|qdq)$/;
const EXTEND = /^pmov([sz])x([bwd])([wdq])$/;
const NARROW = /^pmov(us|s)?([wdq])([bwd])$/;
const FUSED = /^f(n?)m(addsub|subadd|add|sub)(132|213|231|312|123|321)?(ps|pd|ph|ss|sd|sh|nepbf16)$/;
const CONVERT = /^cvt(ne|bias)?(t)?(.+?)2(.+)$/;
const STRINGS = /^pcmp([ei])str([im])(64)?$/;
const SHA = /^sha(1|256|512)(msg1|msg2|nexte|rnds4|rnds2)$/;
const LANES = /^(broadcast|extract|insert|shuf|perm2)([fi])(\d+x\d+|128)$/;
const PREDICATE = /^cmp(n?(?:eq|lt|le|ge|gt)|unord|ord|false|true)(?:_[ou][qs])?(ps|pd|ss|sd)$/;
const INTEGER_PREDICATE = /^p(?:cmp|com)(n?(?:eq|lt|le|ge|gt)|false|true)(u?)([bwdq])$/;
const CARRYLESS = /^pclmul([lh])q([lh])qdq$/;
const DOT = /^(pdp|dp)([bw]\w+|[bf]f?16ps)$/;

const WIDE: Readonly<Record<string, string>> = { b: 'bytes', w: 'words', d: 'doublewords', q: 'quadwords' };

function special(name: string): string | undefined {
  let m = INTERLEAVE.exec(name);
  if (m)
    return `Interleaves the ${m[1] === 'h' ? 'upper' : 'lower'} ${m[2]!.startsWith('qdq') ? 'quadwords' : WIDE[m[2]![0]!]}.`;
  m = EXTEND.exec(name);
  if (m) return `${m[1] === 's' ? 'Sign' : 'Zero'}-extends packed ${WIDE[m[2]!]} to ${WIDE[m[3]!]}.`;
  m = NARROW.exec(name);
  if (m)
    return `Narrows packed ${WIDE[m[2]!]} to ${WIDE[m[3]!]}${m[1] === undefined ? '' : m[1] === 's' ? ' with signed saturation' : ' with unsigned saturation'}.`;
  m = FUSED.exec(name);
  if (m) {
    const how = {
      add: 'adds',
      sub: 'subtracts',
      addsub: 'subtracts (even) and adds (odd)',
      subadd: 'adds (even) and subtracts (odd)',
    };
    return `Multiplies, then ${how[m[2] as keyof typeof how]}, with one rounding${m[1] === 'n' ? ', the product negated' : ''}: ${FLOAT_KINDS[m[4]!]}.`;
  }
  m = STRINGS.exec(name);
  if (m)
    return `Compares strings of ${m[1] === 'e' ? 'explicit' : 'implicit'} length and gives ${m[2] === 'i' ? 'an index in ECX' : 'a mask in XMM0'}.`;
  m = SHA.exec(name);
  if (m) return `A step of SHA-${m[1]}.`;
  m = LANES.exec(name);
  if (m) {
    const verbs = {
      broadcast: 'Copies',
      extract: 'Extracts',
      insert: 'Inserts',
      shuf: 'Selects among',
      perm2: 'Permutes',
    };
    return `${verbs[m[1] as keyof typeof verbs]} blocks of ${m[2] === 'f' ? 'floating-point' : 'integer'} elements (${m[3]}).`;
  }
  m = PREDICATE.exec(name);
  if (m) return `Compares ${FLOAT_KINDS[m[2]!]} for "${m[1]}"; gives masks of ones or zeros.`;
  m = INTEGER_PREDICATE.exec(name);
  if (m) return `Compares packed ${m[2] === 'u' ? 'unsigned' : 'signed'} ${WIDE[m[3]!]} for "${m[1]}".`;
  m = CARRYLESS.exec(name);
  if (m) return 'Multiplies two quadwords without carry.';
  m = CONVERT.exec(name);
  if (m) return `Converts ${element(m[3]!)} to ${element(m[4]!)}${m[2] === 't' ? ', cutting off fractions' : ''}.`;
  return DOT.test(name) ? 'Multiplies pairs and adds the products to the destination.' : undefined;
}

const ELEMENTS: Readonly<Record<string, string>> = {
  ...FLOAT_KINDS,
  pi: 'packed doublewords (MMX)',
  si: 'an integer',
  usi: 'an unsigned integer',
  dq: 'packed doublewords',
  qq: 'packed quadwords',
  udq: 'packed unsigned doublewords',
  uqq: 'packed unsigned quadwords',
  w: 'packed words',
  uw: 'packed unsigned words',
  phx: 'packed half-precision values',
  psx: 'packed single-precision values',
};

const element = (text: string): string => ELEMENTS[text] ?? text.toUpperCase();

function byStem(
  name: string,
  kinds: Readonly<Record<string, string>>,
  stems: Readonly<Record<string, string>>,
): string | undefined {
  for (const [suffix, kind] of Object.entries(kinds)) {
    if (!name.endsWith(suffix)) continue;
    const text = stems[name.slice(0, -suffix.length)];
    if (text !== undefined) return text.replace('*', kind);
  }
  return undefined;
}

/** The operation of a SIMD mnemonic, or undefined. */
export function simdOperation(mnemonic: string): string | undefined {
  const names = mnemonic.startsWith('v') ? [mnemonic.slice(1), mnemonic] : [mnemonic];
  for (const name of names) {
    const found =
      EXACT[name] ??
      special(name) ??
      byStem(name, FLOAT_KINDS, FLOAT_STEMS) ??
      byStem(name, INTEGER_KINDS, INTEGER_STEMS);
    if (found !== undefined) return found;
  }
  return movdq(names[0]!);
}

function movdq(name: string): string | undefined {
  const match = /^movdq([au])(8|16|32|64)$/.exec(name);
  if (!match) return undefined;
  return `Moves packed ${match[2]}-bit integers; memory ${match[1] === 'a' ? 'must be' : 'need not be'} aligned.`;
}
