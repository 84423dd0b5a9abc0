// Names of C++ and Rust as their authors wrote them, from what compilers make of them for linkers.
import { demangleItanium } from './itanium.ts';
import { demangleRust } from './rust.ts';

/** The name as people write it; undefined when it is not mangled, or in a way that is not known. */
export function demangle(name: string): string | undefined {
  if (!name.startsWith('_')) return undefined;
  return demangleRust(name) ?? (name.startsWith('_Z') ? demangleItanium(name) : undefined);
}
