#!/bin/sh
# First program of the guest that QEMU runs under KVM.
/bin/busybox mount -t proc none /proc
echo "the guest in the guest: Linux $(/bin/busybox uname -r)"
/bin/busybox poweroff -f
