#!/bin/sh
# lab.sh COMMAND...    run COMMAND in a private lab, as root
#
# The lab has its own network (only loopback, no default route), mounts, processes and host name, so no packet of a
# test leaves the machine and nothing outlives the command: boards, phones, adb servers, cables and overlays end with
# it, also on kill -9. Meanwhile install.sh replaces nothing. Exit code: the command's.
set -eu
[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 2; }
rig=${EDGENAS_RIG:-/var/lib/edgenas-rig}
if [ -d "$rig" ]; then
    exec 8>>"$rig/.use"
    flock --shared 8
fi
# Process 1 is a shell that stays, because it reaps what daemons leave behind; hence no exec before "$@".
exec unshare --net --mount --uts --ipc --pid --fork --kill-child=KILL --mount-proc sh -c '
    mount --make-rprivate / &&
    mkdir -p /run/netns /run/edgenas-lab &&
    mount -t tmpfs -o mode=755 tmpfs /run/netns &&
    mount -t tmpfs -o mode=755 tmpfs /run/edgenas-lab &&
    ip link set lo up || exit 2
    "$0" || echo "lab: goes on without arm64 emulation" >&2
    EDGENAS_LAB=1 "$@"
    exit $?' "$(dirname "$0")/binfmt.sh" "$@"
