// The initrd of linux-kvm: BusyBox, the kernel's KVM modules and kvm-guest.c, a program that runs a guest of KVM.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/run.mjs';
import { FOLDER, command, fetched } from './packages.mjs';

const HERE = join(ROOT, 'scripts/real');
const MODULES = ['virt/lib/irqbypass.ko', 'arch/x86/kvm/kvm.ko', 'arch/x86/kvm/kvm-intel.ko'];
const APPLETS = ['sh', 'mount', 'insmod', 'uname', 'echo', 'cat', 'ls', 'dmesg', 'poweroff'];

/** `kernel`: folder of the unpacked kernel package. The archive, as the kernel takes it. */
export function initrd(kernel) {
  const busybox = fetched('busybox-static').folder;
  const program = join(FOLDER, 'kvm-guest');
  command('gcc', ['-O2', '-static', '-o', program, join(HERE, 'kvm-guest.c')]);
  const [version] = readdirSync(join(kernel, 'lib/modules'));
  const module = (path) => readFileSync(join(kernel, 'lib/modules', version, 'kernel', path));
  return archive([
    ...['bin', 'dev', 'proc', 'sys', 'mod'].map((path) => ({ path, mode: 0o040755 })),
    { path: 'init', mode: 0o100755, bytes: readFileSync(join(HERE, 'init.sh')) },
    { path: 'bin/busybox', mode: 0o100755, bytes: readFileSync(join(busybox, 'bin/busybox')) },
    ...APPLETS.map((name) => ({ path: `bin/${name}`, mode: 0o120777, bytes: Buffer.from('busybox') })),
    { path: 'bin/kvm-guest', mode: 0o100755, bytes: readFileSync(program) },
    ...MODULES.map((path) => ({ path: `mod/${path.split('/').at(-1)}`, mode: 0o100644, bytes: module(path) })),
  ]);
}

/** A cpio archive in the "newc" format of the kernel's documentation on initramfs buffers. */
function archive(entries) {
  const all = [...entries, { path: 'TRAILER!!!', mode: 0 }];
  return Buffer.concat(
    all.flatMap(({ path, mode, bytes = Buffer.alloc(0) }, index) => entry(path, mode, bytes, index)),
  );
}

function entry(path, mode, bytes, inode) {
  const links = 1;
  const fields = [inode + 1, mode, 0, 0, links, 0, bytes.length, 0, 0, 0, 0, path.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${path}\0`;
  return [padded(Buffer.from(head)), padded(bytes)];
}

/** Filled up with zeros to a multiple of four bytes. */
function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
