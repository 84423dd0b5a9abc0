// Everything that can be wrong with what a user brings, as named functions. Loaders reject with nothing else.

/** A mistake in the user's file or options: `code` for tests and documentation, the message for people. */
export class ProgramError extends Error {
  readonly code: string;
  /** File that is at fault, as the caller named it. */
  readonly file: string;
  /** Byte offset in the file, where there is one. */
  readonly offset: number | undefined;
  /** What to do about it. */
  readonly advice: string;

  constructor(code: string, file: string, offset: number | undefined, what: string, advice: string) {
    const where = offset === undefined ? file : `${file}, offset 0x${offset.toString(16)}`;
    super(`${where}: ${what}. ${advice}`);
    this.name = 'ProgramError';
    this.code = code;
    this.file = file;
    this.offset = offset;
    this.advice = advice;
  }
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** What is read, or `otherwise` where the file is damaged: one part of it never takes the rest with it. */
export function unlessDamaged<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof ProgramError) return otherwise;
    throw thrown;
  }
}

export const unreadable = (file: string, reason: string): ProgramError =>
  new ProgramError('unreadable', file, undefined, `cannot be read: ${reason}`, 'Check the path and its permissions.');

export const emptyFile = (file: string): ProgramError =>
  new ProgramError('empty-file', file, 0, 'the file is empty', 'Build the program first.');

export const truncated = (file: string, offset: number, what: string): ProgramError =>
  new ProgramError(
    'truncated',
    file,
    offset,
    `the file ends inside ${what}`,
    'It was cut off or damaged: build or copy it again.',
  );

export const badStructure = (file: string, offset: number | undefined, what: string): ProgramError =>
  new ProgramError(
    'bad-structure',
    file,
    offset,
    what,
    'The file is damaged or was not made by a common linker: build it again.',
  );

export const unsupportedElf = (file: string, offset: number, what: string, advice: string): ProgramError =>
  new ProgramError('unsupported-elf', file, offset, what, advice);

export const notASymbolFile = (file: string): ProgramError =>
  new ProgramError(
    'not-a-symbol-file',
    file,
    undefined,
    'symbols and source lines are read from ELF files, lists of symbols (System.map, the output of nm) and assembly sources (.asm); it is none',
    'Name the ELF file that the image was made from, before objcopy.',
  );

export const objectWithoutAddress = (file: string): ProgramError =>
  new ProgramError(
    'object-without-address',
    file,
    undefined,
    'a relocatable object does not say where it lies in memory',
    'Give the address of its code (of a Linux module: /sys/module/NAME/sections/.text), or "find".',
  );

export const noCodeInObject = (file: string): ProgramError =>
  new ProgramError('no-code-in-object', file, undefined, 'the relocatable object holds no code', 'Name one that does.');

export const badSymbolLine = (file: string, line: number, text: string): ProgramError =>
  new ProgramError(
    'bad-symbol-line',
    file,
    undefined,
    `line ${line} is not an address, a letter and a name: ${JSON.stringify(text)}`,
    'Make the list with nm, or take System.map or /proc/kallsyms.',
  );

export const noSymbolAddresses = (file: string): ProgramError =>
  new ProgramError(
    'no-symbol-addresses',
    file,
    undefined,
    'every address in the list of symbols is 0',
    'Read /proc/kallsyms as root with kernel.kptr_restrict = 0; a package\u2019s System.map may be a stand-in: take the one of the build.',
  );

export const notMovable = (file: string): ProgramError =>
  new ProgramError(
    'not-movable',
    file,
    undefined,
    'only an ELF file with code can be found in memory by itself; it is none',
    'Name the address of its first byte instead.',
  );

export const noSuchSymbol = (file: string, name: string): ProgramError =>
  new ProgramError(
    'no-such-symbol',
    file,
    undefined,
    `it has no symbol "${name}", by which its address was to be known`,
    'Name a symbol of this file, or leave "symbol" out: then the expression tells the address of its first byte.',
  );

export const noSegments = (file: string): ProgramError =>
  new ProgramError(
    'no-segments',
    file,
    undefined,
    'no program header says what to load',
    'Link it into an executable (ld, or gcc without -c).',
  );

export const noBootHeader = (file: string): ProgramError =>
  new ProgramError(
    'no-boot-header',
    file,
    undefined,
    'there is no multiboot 1 header (1BADB002H on a 4-byte boundary, with a right checksum) in the first 8192 bytes',
    'Add one to a section that the linker script puts first, or set "bits" to 16, 32 or 64 to start at the entry point in that mode.',
  );

export const unsupportedBootFlags = (file: string, offset: number, flags: number): ProgramError =>
  new ProgramError(
    'unsupported-boot-flags',
    file,
    offset,
    `the multiboot header demands features that are not offered (flags ${hex(flags)}: only bits 0, 1, 2 and 16 are known)`,
    'Clear the other bits among 0 to 15.',
  );

export const badBootAddresses = (file: string, offset: number, what: string): ProgramError =>
  new ProgramError(
    'bad-boot-addresses',
    file,
    offset,
    `the address fields of the multiboot header do not fit: ${what}`,
    'They must satisfy load_addr <= header_addr, load_addr <= load_end_addr <= bss_end_addr, inside the file.',
  );

export const noLinuxHeader = (file: string): ProgramError =>
  new ProgramError(
    'no-linux-header',
    file,
    undefined,
    'there is no Linux setup header (AA55H at offset 0x1fe and "HdrS" at 0x202)',
    'Give a bzImage (vmlinuz, arch/x86/boot/bzImage), not the ELF file vmlinux that it was made from.',
  );

export const badLinuxHeader = (file: string, offset: number, what: string): ProgramError =>
  new ProgramError(
    'bad-linux-header',
    file,
    offset,
    `the Linux setup header is wrong: ${what}`,
    'The file is damaged: build or copy it again.',
  );

export const unsupportedLinux = (file: string, offset: number, what: string): ProgramError =>
  new ProgramError(
    'unsupported-linux',
    file,
    offset,
    `this Linux image cannot be loaded: ${what}`,
    'Give a bzImage with boot protocol 2.02 or newer (every kernel since 2.4).',
  );

export const initrdDoesNotFit = (file: string, size: number, above: number, limit: number): ProgramError =>
  new ProgramError(
    'initrd-does-not-fit',
    file,
    undefined,
    `the initrd of ${size} bytes does not fit between ${hex(above)}, where the kernel's memory ends, and ${hex(limit)}`,
    'Give the machine more memory, or a smaller initrd.',
  );

export const bitsNeeded = (file: string): ProgramError =>
  new ProgramError(
    'bits-needed',
    file,
    undefined,
    'this is neither an ELF file, nor has it a multiboot header or a Linux setup header, nor is it a boot sector',
    'Set "bits" to 16, 32 or 64 to load it as a flat binary (and "address", when it is not the usual one).',
  );

export const outsideMemory = (
  file: string,
  address: number | bigint,
  size: number | bigint,
  ramSize: number,
): ProgramError =>
  new ProgramError(
    'outside-memory',
    file,
    undefined,
    `its bytes at physical address ${hex(address)}, size ${hex(size)}, do not fit into ${ramSize / 0x100000} MiB of memory`,
    'Give the machine more memory, or link the program at a lower physical address (readelf -l shows which section it is: a build ID goes astray easily).',
  );

export const segmentsOverlap = (file: string, first: number, second: number): ProgramError =>
  new ProgramError(
    'segments-overlap',
    file,
    undefined,
    `what it loads at ${hex(first)} and at ${hex(second)} overlaps in physical memory`,
    'Check the load addresses (AT) in the linker script, and the modules.',
  );

export const badOption = (file: string, option: string, what: string, advice: string): ProgramError =>
  new ProgramError('bad-option', file, undefined, `option "${option}" ${what}`, advice);

export const assemblyFailed = (file: string, diagnostics: string): ProgramError =>
  new ProgramError(
    'assembly-failed',
    file,
    undefined,
    `it does not assemble:\n${diagnostics}\n`,
    'Correct these lines.',
  );
