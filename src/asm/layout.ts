// Where sections lie in the flat image, as NASM's "bin" format places them.
import { type Assembly, type Section, addProblem, originOf } from './assembly.ts';
import { sectionBelowOrigin, sectionOverlap, unknownSection } from './errors.ts';

const up = (value: number, align: number): number => (align <= 1 ? value : Math.ceil(value / align) * align);

/** Sets address, file offset and size of every section; true when an address changed. */
export function layoutSections(a: Assembly): boolean {
  const origin = originOf(a);
  let changed = false;
  const set = (section: Section, start: number, fileOffset: number): void => {
    const address = section.virtualStart ?? start;
    if (section.address !== address || section.size !== section.position || section.fileOffset !== fileOffset)
      changed = true;
    section.address = address;
    section.fileOffset = fileOffset;
    section.size = section.position;
  };
  const stored = a.sections.filter((s) => !s.reserved);
  const fixed = stored.filter((s) => s.start !== undefined).sort((x, y) => x.start! - y.start!);
  const floating = stored.filter((s) => s.start === undefined && s.follows === undefined);
  const order: Section[] = [...floating, ...fixed];
  let pending = stored.filter((s) => s.start === undefined && s.follows !== undefined);
  while (pending.length > 0) {
    const rest: Section[] = [];
    for (const section of pending) {
      const at = order.findIndex((s) => s.name === section.follows);
      if (at < 0) rest.push(section);
      else order.splice(at + 1, 0, section);
    }
    if (rest.length === pending.length) {
      for (const section of rest) addProblem(a, unknownSection(section.follows!), section.place, undefined);
      order.push(...rest);
      break;
    }
    pending = rest;
  }
  let end = origin;
  for (const section of order) {
    const start = section.start ?? up(end, section.align);
    if (start < origin && section.position > 0)
      addProblem(a, sectionBelowOrigin(section.name), section.place, undefined);
    else if (start < end && section.position > 0)
      addProblem(
        a,
        sectionOverlap(section.name, order[order.indexOf(section) - 1]?.name ?? '.text'),
        section.place,
        undefined,
      );
    set(section, start, start - origin);
    end = Math.max(end, start + section.position);
  }
  // Reserved sections continue the addresses of the last stored one, not its place in the image.
  const last = order.filter((s) => s.position > 0).at(-1);
  if (last?.virtualStart !== undefined) end = last.address + last.position;
  for (const section of a.sections.filter((s) => s.reserved)) {
    const after = section.follows === undefined ? undefined : a.sections.find((s) => s.name === section.follows);
    const start = section.start ?? up(after === undefined ? end : after.address + after.position, section.align);
    set(section, start, start - origin);
    end = Math.max(end, start + section.position);
  }
  for (const section of a.sections) {
    if (section.virtualFollows === undefined) continue;
    const other = a.sections.find((s) => s.name === section.virtualFollows);
    if (other === undefined) addProblem(a, unknownSection(section.virtualFollows), section.place, undefined);
    else {
      const address = up(other.address + other.position, section.virtualAlign || section.align);
      if (address !== section.address) {
        section.address = address;
      }
    }
  }
  return changed;
}

/** The image: all stored sections at their offsets, zeros between them. */
export function buildImage(a: Assembly): Uint8Array {
  const stored = a.sections.filter((s) => !s.reserved && s.position > 0);
  const size = stored.reduce((max, s) => Math.max(max, s.fileOffset + s.position), 0);
  const image = new Uint8Array(size);
  for (const section of stored) image.set(section.buffer.slice(0), section.fileOffset);
  return image;
}
