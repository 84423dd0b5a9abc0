#!/bin/sh
# First program of linux-qemu's user space: QEMU boots the same kernel once more, under KVM.
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
for module in irqbypass kvm kvm-intel; do insmod /mod/$module.ko; done
/usr/bin/qemu-system-x86_64 -M microvm,accel=kvm,rtc=on -cpu host -m 128 -nodefaults -no-user-config -display none -serial stdio -no-reboot \
  -L /usr/share/qemu -kernel /boot/vmlinuz -initrd /boot/nested.cpio -append "console=ttyS0 nokaslr earlyprintk=serial panic=-1"
echo "QEMU ended"
exec sh
