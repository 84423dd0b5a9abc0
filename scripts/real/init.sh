#!/bin/sh
# First program of linux-kvm's user space.
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
echo "user space of Linux $(uname -r)"
for module in irqbypass kvm kvm-intel; do insmod /mod/$module.ko; done
kvm-guest
exec sh
