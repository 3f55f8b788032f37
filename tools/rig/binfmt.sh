#!/bin/sh
# Have the kernel run arm64 programs with qemu, also inside a chroot. Does nothing where it already does; needs root.
# Lasts until the next boot.
set -eu
folder=/proc/sys/fs/binfmt_misc
[ -e $folder/register ] || mount -t binfmt_misc binfmt_misc $folder
if [ -e $folder/qemu-aarch64 ]; then
    grep -q '^flags:.*F' $folder/qemu-aarch64 && exit 0
    printf -- -1 >$folder/qemu-aarch64 # registered without F: works only where qemu itself can be seen
fi
qemu=$(command -v qemu-aarch64-static || true)
[ -n "$qemu" ] || { echo "$0: qemu-aarch64-static is not installed; type: tools/rig/install.sh" >&2; exit 1; }
# Magic and mask: a 64-bit little-endian ELF program for machine 0xb7 (AArch64). Flags: F opens qemu now, O and C pass
# an open file and its credentials (set-uid), P keeps argv[0].
printf '%s' ":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:$qemu:FPOC" >$folder/register
