#!/usr/bin/env bash
# Install what the test hosts need: Debian packages, two arm64 root file systems, arm64 wheels, two small programs.
#
#   tools/rig/install.sh       as root, with a network; about a minute, and a fraction of a second when all is there
#
# Packages come from this machine's apt, wheels from its pip. All that is built goes to /var/lib/edgenas-rig (or
# $EDGENAS_RIG), about 600 MB. Exit code 0: all there, or skipped with a note; 1: something could not be built, and the
# tests that need it will skip.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rig=${EDGENAS_RIG:-/var/lib/edgenas-rig}

say() { printf '== test hosts: %s\n' "$*" >&2; }
skip() { say "skipped: $*"; exit 0; }

# alone DESCRIPTOR WHAT: wait, not for ever, until no other process holds the lock.
alone() {
    flock --nonblock "$1" && return
    say "waiting for $2"
    flock --timeout 900 "$1" || { say "gave up after 15 minutes"; return 1; }
}

[ "$(uname -s)" = Linux ] || skip "needs Linux"
[ "$(id -u)" = 0 ] || skip "needs root"
command -v apt-get >/dev/null || skip "needs Debian's apt"

packages=(openssh-server openssh-client iproute2 qemu-user-static mmdebstrap debian-archive-keyring adb
    libnss-wrapper tcsh fish dropbear-bin
    gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross)
# Unpacked only, no maintainer script runs: hence no post-installation links, see board().
board_packages=(base-files bash coreutils dash debianutils findutils gawk grep gzip hostname libc-bin libgcc-s1
    libstdc++6 passwd procps python3 python3-minimal python3-pip python3-venv sed tar util-linux zlib1g)
phone_packages=(adbd libstdc++6 mksh toybox)
wheels=(ai-edge-litert onnxruntime numpy)
old_wheels=(tflite-runtime==2.14.0 "numpy<2") # the same runner must work under both
failed=()

install_packages() {
    local package missing=() policy=/usr/sbin/policy-rc.d new_sshd=
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    # Tests start their own sshd on loopback; the machine's must not come up because of them, now or at the next boot.
    if [[ " ${missing[*]} " == *" openssh-server "* ]]; then
        new_sshd=yes
        [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && trap "rm -f $policy" EXIT; }
    fi
    DEBIAN_FRONTEND=noninteractive nice -n 10 sh -c '
        options="-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o DPkg::Lock::Timeout=300"
        apt-get -qq $options update && apt-get -qq $options install --yes --no-install-recommends "$@"
    ' sh "${missing[@]}" >/dev/null || return 1
    if [ -n "$new_sshd" ] && [ -d /run/systemd/system ]; then
        systemctl --quiet disable ssh.service ssh.socket 2>/dev/null || true
    fi
}

# once NAME KEY FUNCTION: run FUNCTION TARGET, which must make the file or folder TARGET; not again until KEY changes.
once() {
    local name=$1 key=$2 make=$3 target=$rig/$1 fresh=$rig/$1.new started=$SECONDS
    if [ -e "$target" ] && [ "$(cat "$rig/.$name" 2>/dev/null)" = "$key" ]; then return 0; fi
    say "building $target"
    rm -rf "$fresh" "$rig/.$name"
    if "$make" "$fresh" && alone 8 "a lab that uses what is there"; then
        rm -rf "$target" && mv "$fresh" "$target" && printf '%s' "$key" >"$rig/.$name"
        flock --unlock 8
        say "built $target in $((SECONDS - started)) s"
    else
        rm -rf "$fresh"
        failed+=("$name")
        say "could not build $target"
    fi
}

# unpack SUITE TARGET PACKAGE...: an arm64 root file system from the mirror that this machine's apt uses, or, where it
# knows no Debian mirror, mmdebstrap's own default.
unpack() {
    local suite=$1 target=$2 mirror settings
    shift 2
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
    settings=$(mktemp)
    apt-config dump --format '%F "%v";%n' Acquire | grep -E '^Acquire::(http|https|Retries|Check-|ForceIPv)' >"$settings" || true
    nice -n 10 timeout 900 mmdebstrap --quiet --architectures=arm64 --variant=extract --aptopt="$settings" \
        --include="$(IFS=,; echo "$*")" "$suite" "$target" ${mirror:+"$mirror"}
    local code=$?
    rm -f "$settings"
    return $code
}

# precompile ROOT FOLDER...: Python's bytecode, since compiling under emulation makes each first import slow.
precompile() {
    local root=$1 python
    shift
    python=$(PATH=$PATH:/usr/bin command -v python3.11 || true)
    [ -n "$python" ] || { say "no python3.11 here: imports on the board will be slow"; return 0; }
    for folder; do
        nice -n 10 "$python" -m compileall -qq -s "$root" "$root$folder" || true # old syntax samples do not compile
    done
}

board() {
    unpack bookworm "$1" "${board_packages[@]}" || return 1
    # What maintainer scripts would have made.
    [ -e "$1/bin/sh" ] || ln -s dash "$1/bin/sh"
    ln -sf gawk "$1/usr/bin/awk" && ln -sf which.debianutils "$1/usr/bin/which"
    mkdir -p "$1/root" "$1/opt" && chmod 700 "$1/root"
    precompile "$1" /usr/lib/python3.11 /usr/lib/python3
}

phone() { unpack trixie "$1" "${phone_packages[@]}"; }

# carry TARGET WHEEL...: arm64 wheels for Python 3.11 and bookworm's glibc 2.36, in the versions that are tested.
carry() {
    local target=$1 python=$here/../../.venv/bin/python platforms=()
    shift
    [ -x "$python" ] || python=python3
    for glibc in 34 31 28 27 17; do platforms+=(--platform "manylinux_2_${glibc}_aarch64"); done
    nice -n 10 timeout 900 "$python" -m pip install --quiet --disable-pip-version-check --no-compile --target "$target" \
        --only-binary=:all: --implementation cp --python-version 3.11 "${platforms[@]}" --platform manylinux2014_aarch64 "$@"
}

runtimes() {
    # pip warns about this Python's own packages, which the folder has nothing to do with.
    carry "$1/opt/site" --constraint "$here/../constraints.txt" "${wheels[@]}" 2>&1 | grep -v WARNING >&2
    [ "${PIPESTATUS[0]}" = 0 ] || return 1
    carry "$1/opt/site-tflite" "${old_wheels[@]}" >/dev/null 2>&1 || say "no wheels of ${old_wheels[*]}"
    precompile "$1" /opt
}

# What `edgenas devices prepare` carries to a board like this one: both runtimes and what they need, as files.
board_wheels() {
    local python=$here/../../.venv/bin/python
    [ -x "$python" ] || python=python3
    mkdir "$1" && nice -n 10 timeout 900 "$python" -m pip download --quiet --disable-pip-version-check --dest "$1" \
        --only-binary=:all: --implementation cp --python-version 3.11 --platform manylinux_2_34_aarch64 \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
        --platform manylinux2014_aarch64 --constraint "$here/../constraints.txt" ai-edge-litert onnxruntime 2>&1 | grep -v WARNING >&2
    [ "${PIPESTATUS[0]}" = 0 ]
}

benchmark_model() {
    aarch64-linux-gnu-gcc -O3 -static -pthread -Wall -Wextra -Werror -o "$1" "$here/benchmark_model.c" -lm
}

shim() { aarch64-linux-gnu-g++ -O2 -shared -fPIC -Wall -Wextra -o "$1" "$here/adbd_props.cpp"; }

key() { printf '%s\n' "$@" | sha256sum | cut -c1-16; }

mkdir -p "$rig"
exec 9>"$rig/.lock" 8>"$rig/.use" # one installation at a time; lab.sh shares the second lock while it runs
alone 9 "another installation" || exit 1
install_packages || { say "apt could not install what is missing"; failed+=(packages); }
recipe=$(declare -f unpack precompile carry)
once board "$(key "$recipe" "$(declare -f board)" "${board_packages[@]}")" board
once phone "$(key "$recipe" "$(declare -f phone)" "${phone_packages[@]}")" phone
once runtimes "$(key "$recipe" "$(declare -f runtimes)" "$(cat "$here/../constraints.txt")" "${old_wheels[@]}")" runtimes
once wheels "$(key "$(declare -f board_wheels)" "$(cat "$here/../constraints.txt")")" board_wheels
once benchmark_model "$(key "$(cat "$here"/benchmark_{model.c,delegates.h})")" benchmark_model
once adbd_props.so "$(key "$(cat "$here/adbd_props.cpp")")" shim
if [ ${#failed[@]} -gt 0 ]; then
    say "incomplete: ${failed[*]}; tests that need them will skip"
    exit 1
fi
say "ready in $rig"
