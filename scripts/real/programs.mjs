// Which programs run, and how. `file` names what is run in the package's /boot; gzip is undone.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { initrd, qemuInitrd } from './initrd.mjs';
import { fetched, linuxPackage } from './packages.mjs';

const LINUX = 'earlyprintk=serial,ttyS0,115200 console=ttyS0 nokaslr';
const XEN = 'console=com1 com1=115200,8n1 noreboot loglvl=all';

/** Xen's first domain: Linux with the initrd of linux-kvm. */
function firstDomain() {
  const { folder } = fetched(linuxPackage());
  const boot = join(folder, 'boot');
  const kernel = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
  return { kernel: readFileSync(join(boot, kernel)), initrd: initrd(folder) };
}

export const PROGRAMS = [
  { name: 'xen', package: 'xen-hypervisor-4.17-amd64', file: /^xen-.*\.gz$/, args: XEN, memory: 512 },
  {
    name: 'xen-no-real-mode',
    package: 'xen-hypervisor-4.17-amd64',
    file: /^xen-.*\.gz$/,
    args: `no-real-mode ${XEN}`,
    memory: 512,
  },
  {
    name: 'xen-dom0',
    package: 'xen-hypervisor-4.17-amd64',
    file: /^xen-.*\.gz$/,
    args: `${XEN} dom0_mem=512M`,
    memory: 1024,
    modules: firstDomain,
    until: 'Run /init as init process',
  },
  { name: 'linux-64', package: linuxPackage, file: /^vmlinuz-/, args: LINUX, memory: 512, bits: 64 },
  { name: 'linux-32', package: linuxPackage, file: /^vmlinuz-/, args: LINUX, memory: 512, bits: 32 },
  { name: 'linux-16', package: linuxPackage, file: /^vmlinuz-/, args: `${LINUX} debug`, memory: 512, bits: 16 },
  {
    name: 'linux-kvm',
    package: linuxPackage,
    file: /^vmlinuz-/,
    args: 'console=ttyS0 nokaslr',
    memory: 512,
    bits: 64,
    modules: (folder) => ({ initrd: initrd(folder) }),
    until: 'kvm-guest: end',
  },
  {
    name: 'linux-qemu',
    package: linuxPackage,
    file: /^vmlinuz-/,
    args: 'console=ttyS0 nokaslr',
    memory: 1024,
    bits: 64,
    modules: (folder) => ({ initrd: qemuInitrd(folder) }),
    until: 'QEMU ended',
  },
  {
    name: 'gnumach',
    package: 'gnumach-image-1.8-486',
    file: /^gnumach-.*\.gz$/,
    args: 'console=com0',
    memory: 128,
  },
  {
    name: 'memtest86+-ia32',
    package: 'memtest86+',
    file: /^memtest86\+ia32\.bin$/,
    args: 'console=ttyS0,115200',
    memory: 64,
  },
  {
    name: 'memtest86+-x64',
    package: 'memtest86+',
    file: /^memtest86\+x64\.bin$/,
    args: 'console=ttyS0,115200',
    memory: 64,
  },
  { name: 'ipxe', package: 'ipxe', file: /^ipxe\.lkrn$/, args: '', memory: 64, bits: 16 },
];
