// The imports of the core (module `host`); README.md says what each answers.

/** Throws a JavaScript value through the WebAssembly frames back to the caller of `run`; never returns. */
export declare function unwind(): void;
export declare function host_cpuid(leaf: u32, subleaf: u32): void;
export declare function host_rdmsr(index: u32): u32;
export declare function host_wrmsr(index: u32): u32;
export declare function host_in(port: u32, size: u32): u32;
export declare function host_out(port: u32, size: u32, value: u32): u32;
export declare function host_mmio_read(physical: u64, size: u32): u64;
export declare function host_mmio_write(physical: u64, size: u32, value: u64): void;
