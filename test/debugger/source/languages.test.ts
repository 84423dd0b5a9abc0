// C++ and Rust: classes, references, namespaces, enums with data; names and lines.

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateShown } from '../../../src/debugger/evaluation.ts';
import { typeName } from '../../../src/program/debug-types.ts';
import { addressesOfLine } from '../../../src/program/image.ts';
import { askGdb, build, FIXTURES, titleOf, type Variant } from '../../program/compile.ts';
import { lacking, run, temporaryFolder } from '../../program/toolchain.ts';
import { fileSubject } from './file-machine.ts';

describe.skipIf(lacking('g++', 'clang++', 'gdb'))('C++', () => {
  const folder = temporaryFolder();
  const variants: readonly Variant[] = (['gcc', 'clang'] as const).flatMap((compiler) =>
    ([4, 5] as const).map(
      (version) => ({ compiler, version, optimization: version === 4 ? '-O0' : '-O1', bits: 64 }) as const,
    ),
  );

  it.each(variants.map((variant) => [titleOf(variant), variant] as const))('%s', async (_title, variant) => {
    const { context, image, machine } = await fileSubject(build(folder, 'shapes.cpp', variant), '_start');
    const value = (text: string): string => {
      const shown = evaluateShown(text, { ...context, image });
      return shown.ok ? shown.value.text : shown.error.message;
    };
    const own = ['box', 'shape_pointer'].map((name) => typeName(context.source!.global(name)!.type));
    const answers = askGdb(build(folder, 'shapes.cpp', variant), ['whatis box', 'whatis shape_pointer']);
    expect(own).toEqual(answers.map((text) => text.replace(/^type = (?:struct |class )?/, '')));
    expect(value('box')).toBe('{items: [3] {1, 2, 3}}');
    expect(value('box.items[2] * 2')).toBe('6');
    expect(value('geometry::Base::count')).toBe('7');
    expect(value('sizeof(geometry::Shape)')).toBe('0x10');
    // An object where gdb says its members are: a class through its base, a reference.
    const [, size, id, width] = askGdb(build(folder, 'shapes.cpp', variant), [
      'set language c++',
      'output sizeof(geometry::Shape)',
      'output (long)&((geometry::Shape *)0)->id',
      'output (long)&((geometry::Shape *)0)->width_',
    ]);
    expect(size).toBe('16');
    const at = BigInt(machine.ramSize - 0x800);
    const write = (offset: number, bytes: readonly number[]) =>
      machine.pokeLinear('root', at + BigInt(offset), Uint8Array.from(bytes));
    write(Number(id), [5, 0, 0, 0]);
    write(Number(width), [6, 0, 0, 0]);
    write(8, [...new Uint8Array(new BigUint64Array([at]).buffer)]);
    const object = `((geometry::Shape *)0x${at.toString(16)})`;
    expect(value(`${object}->id`)).toBe('5');
    expect(value(`${object}->width_ + ${object}->self.id`)).toBe('11');
    expect(image.byName.has('measure(geometry::Shape const&, int&&)')).toBe(true);
    expect(image.program.debug!.functionsNamed('measure').length).toBeGreaterThan(0);
  });
});

describe('Rust', () => {
  it.each(['v0', 'legacy'])('names of the %s mangling, lines, structures and enums', async (names) => {
    const elf = join(FIXTURES, 'rust', `fixture-${names}.elf`);
    const { context, image } = await fileSubject(elf, '_start');
    expect(image.program.notices).toEqual([]);
    const area = image.byName.get('<fixture::Shape as fixture::Area>::area');
    expect(area?.linkageName).toMatch(/^_[RZ]/);
    expect(image.program.lines.files).toContain('/rust/fixture.rs');
    const value = (text: string): string => {
      const shown = evaluateShown(text, { ...context, image });
      return shown.ok ? shown.value.text : shown.error.message;
    };
    const global = (name: string): string => value(`fixture::${name}`);
    expect(global('ORIGIN')).toBe('{x: -3, y: 14}');
    expect(global('COUNTER')).toBe('0x1122334455667788');
    expect(global('CIRCLE')).toBe('Circle(0x5)');
    expect(global('BOX')).toBe('Rectangle {width: 0x6, height: 0x7}');
    // Strings, slices and enums, those among them that keep their discriminant in what they hold.
    const report = (member: string): string => global(`REPORT.${member}`);
    expect(report('title')).toBe('"gr\u{fc}n \\"x\\""');
    expect(report('empty')).toBe('""');
    expect(report('values')).toBe('[3] {0x1, 0x2, 0xffff}');
    expect(report('values[2]')).toBe('0xffff');
    expect(report('values.length + 1')).toBe('0x4');
    expect(report('maybe')).toBe('Some(0x9)');
    expect(report('missing')).toBe('None');
    expect(report('reference')).toMatch(/^Some\(0x[0-9a-f]+ \(LIMIT\)\)$/);
    expect(report('null')).toBe('None');
    expect(report('nested')).toBe('Some(Rectangle {width: 0x1, height: 0x2})');
    expect(report('level')).toBe('0xc8 (High)');
    expect(report('result')).toBe('Err(-5)');
    expect(report('pair')).toBe('{__0: 0x3, __1: -4}');
    expect(report('letter')).toBe("0x52 ('R')");
    expect(report('flag')).toBe('true');
    expect(typeName(context.source!.global('fixture::REPORT')!.type)).toBe('fixture::Report');
    // The generic function was compiled away into its only caller.
    const inlined = addressesOfLine(image, '/rust/fixture.rs', 37);
    expect(inlined?.path).toBe('/rust/fixture.rs');
    const functions = image.program.debug!.functionsAt(area!.address);
    expect(functions.map(({ name }) => name)).toEqual(['fixture::{impl#0}::area']);
  });

  it.skipIf(lacking('readelf'))('lines as readelf decodes them', async () => {
    const elf = join(FIXTURES, 'rust', 'fixture-v0.elf');
    const { image } = await fileSubject(elf, '_start');
    const oracle = run('readelf', ['-W', '--debug-dump=decodedline', elf])
      .split('\n')
      .flatMap((text) => {
        const match = /^fixture\.rs\s+(\d+)\s+(0x[0-9a-f]+)(?:\[\d+\])?(?:\s+\d+)?(\s+x)?\s*$/.exec(text);
        return match === null ? [] : [`${match[2]} ${match[1]} ${match[3] !== undefined}`];
      });
    const { files, rows } = image.program.lines;
    const own = rows
      .filter((row) => !row.end && files[row.file] === '/rust/fixture.rs')
      .map((row) => `0x${row.address.toString(16)} ${row.line} ${row.statement}`);
    expect(own.length).toBeGreaterThan(10);
    expect(own.toSorted()).toEqual(oracle.toSorted());
  });
});
