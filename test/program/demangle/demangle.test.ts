import { existsSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { demangle } from '../../../src/program/demangle/demangle.ts';
import { lacking, run } from '../toolchain.ts';

/** Names as the ABIs’ own documents and c++filt spell them. */
const NAMES: readonly (readonly [string, string | undefined])[] = [
  ['main', undefined],
  ['_start', undefined],
  ['_Z3foov', 'foo()'],
  ['_Z3fooILi2EEvRAplT_Li1E_i', undefined], // an expression: c++filt takes it apart, this does not
  ['_ZN5Arena5levelE', 'Arena::level'],
  ['_ZN5StackIiiE5levelE', 'Stack<int, int>::level'],
  ['_Z1fI1XEvPVN1AIT_E1TE', 'void f<X>(A<X>::T volatile*)'],
  ['_ZngILi42EEvN1AIXplT_Li2EEE1TE', undefined],
  ['_Z4makeI7FactoryiET_IT0_Ev', 'Factory<int> make<Factory, int>()'],
  ['_ZN3AirC1Ei', 'Air::Air(int)'],
  ['_ZNK3AircvlEv', 'Air::operator long() const'],
  ['_Z3fooPFivEPA5_i', 'foo(int (*)(), int (*) [5])'],
  ['_ZZN3foo3barEvE5local_0', 'foo::bar()::local'],
  ['_ZTV3Air', 'vtable for Air'],
  ['_ZThn16_N3Air3runEv', 'non-virtual thunk to Air::run()'],
  ['_ZN12_GLOBAL__N_14modeE', '(anonymous namespace)::mode'],
  ['_ZNSt6vectorIiSaIiEE9push_backEOi', 'std::vector<int, std::allocator<int> >::push_back(int&&)'],
  ['_Z4eachIJiPKcEEvDpOT_', 'void each<int, char const*>(int&&, char const*&&)'],
  ['_ZN3foo3barE.cold', 'foo::bar'],
  ['_ZN4core3fmt9Formatter3pad17h0123456789abcdefE', 'core::fmt::Formatter::pad'],
  [
    '_ZN48_$LT$fixture..Shape$u20$as$u20$fixture..Area$GT$4area17h76f6a674567292c8E',
    '<fixture::Shape as fixture::Area>::area',
  ],
  ['_RNvXCsai4GBYXPky7_7fixtureNtB2_5ShapeNtB2_4Area4area', '<fixture::Shape as fixture::Area>::area'],
  ['_RINvNtC3std3mem8align_ofjE', 'std::mem::align_of::<usize>'],
  ['_RNCNvC4main3foos_0', 'main::foo::{closure#1}'],
  ['_RINvC1a1fFUKCQmPhEuE', 'a::f::<unsafe extern "C" fn(&mut u32, *const u8)>'],
  ['_RINvC1a1fKj2a_Kb1_E', 'a::f::<42, true>'],
  ['_R', undefined],
  ['_Z', undefined],
  ['_ZN', undefined],
  ['_ZN1aE9', undefined],
  ['_RB', undefined],
  ['_RB_', undefined],
];

describe('demangling', () => {
  it.each(NAMES)('%s', (name, expected) => {
    expect(demangle(name)).toBe(expected);
  });

  it('never fails on damaged names', () => {
    for (const [name] of NAMES) {
      for (let length = 1; length <= name.length; length++) {
        demangle(name.slice(0, length));
        demangle(`${name.slice(0, length)}S_${name.slice(length)}`);
      }
    }
  });

  const LIBRARY = ['/usr/lib/x86_64-linux-gnu/libstdc++.so.6', '/usr/lib64/libstdc++.so.6'].find((path) =>
    existsSync(path),
  );

  it.skipIf(LIBRARY === undefined || lacking('nm', 'c++filt'))('as c++filt has the names of the C++ library', () => {
    const names = [
      ...new Set(
        run('nm', ['-D', LIBRARY!])
          .split('\n')
          .map((line) => line.split(' ').at(-1)!.replace(/@.*$/, ''))
          .filter((name) => name.startsWith('_Z')),
      ),
    ].slice(0, 3000);
    const oracle = execFileSync('c++filt', { input: names.join('\n'), encoding: 'utf8', maxBuffer: 64 << 20 }).split(
      '\n',
    );
    const own = names.map((name) => demangle(name));
    const different = names.filter((_, index) => own[index] !== undefined && own[index] !== oracle[index]);
    expect(different).toEqual([]);
    // Transactional clones and the like stay as they are.
    expect(own.filter((name) => name !== undefined).length).toBeGreaterThan(names.length * 0.95);
  });
});
