// Initrds with BusyBox and the kernel's KVM modules: that of linux-kvm with kvm-guest.c, a program that runs a guest of KVM, and that of
// linux-qemu with QEMU.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/run.mjs';
import { FOLDER, command, fetched } from './packages.mjs';

const HERE = join(ROOT, 'scripts/real');
const MODULES = ['virt/lib/irqbypass.ko', 'arch/x86/kvm/kvm.ko', 'arch/x86/kvm/kvm-intel.ko'];
const EXECUTABLE = 0o100755;
const APPLETS = ['sh', 'mount', 'insmod', 'uname', 'echo', 'cat', 'ls', 'dmesg', 'poweroff'];

/** `kernel`: folder of the unpacked kernel package. The archive, as the kernel takes it. */
export function initrd(kernel) {
  const program = join(FOLDER, 'kvm-guest');
  command('gcc', ['-O2', '-static', '-o', program, join(HERE, 'kvm-guest.c')]);
  return archive([
    ...system('init.sh'),
    ...modules(kernel),
    { path: 'bin/kvm-guest', mode: EXECUTABLE, bytes: readFileSync(program) },
  ]);
}

/** The same with this computer's QEMU, its libraries and firmware, and the kernel for a guest of it. */
export function qemuInitrd(kernel) {
  const qemu = command('which', ['qemu-system-x86_64']).trim();
  const libraries = command('ldd', [qemu]).match(/\/\S+/g) ?? [];
  const image = readdirSync(join(kernel, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  const firmware = ['/usr/share/seabios/bios-microvm.bin', '/usr/share/qemu/linuxboot_dma.bin'];
  const files = [
    ['/usr/bin/qemu-system-x86_64', qemu],
    ['/boot/vmlinuz', join(kernel, 'boot', image)],
    ...libraries.map((path) => [path, path]),
    ...firmware.map((path) => [`/usr/share/qemu/${path.split('/').at(-1)}`, path]),
  ].map(([path, from]) => ({ path: path.slice(1), mode: EXECUTABLE, bytes: readFileSync(from) }));
  const nested = { path: 'boot/nested.cpio', mode: 0o100644, bytes: archive(system('nested.sh')) };
  return archive([...system('qemu.sh'), ...modules(kernel), ...foldersOf([...files, nested]), ...files, nested]);
}

/** BusyBox, folders to mount on, and the first program. */
function system(first) {
  const busybox = join(fetched('busybox-static').folder, 'bin/busybox');
  return [
    ...['bin', 'dev', 'proc', 'sys', 'mod'].map((path) => ({ path, mode: 0o040755 })),
    { path: 'init', mode: EXECUTABLE, bytes: readFileSync(join(HERE, first)) },
    { path: 'bin/busybox', mode: EXECUTABLE, bytes: readFileSync(busybox) },
    ...APPLETS.map((name) => ({ path: `bin/${name}`, mode: 0o120777, bytes: Buffer.from('busybox') })),
  ];
}

function modules(kernel) {
  const [version] = readdirSync(join(kernel, 'lib/modules'));
  const bytes = (path) => readFileSync(join(kernel, 'lib/modules', version, 'kernel', path));
  return MODULES.map((path) => ({ path: `mod/${path.split('/').at(-1)}`, mode: 0o100644, bytes: bytes(path) }));
}

function foldersOf(files) {
  const folders = files.flatMap(({ path }) => {
    const parts = path.split('/').slice(0, -1);
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  });
  return [...new Set(folders)].map((path) => ({ path, mode: 0o040755 }));
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
