#!/bin/sh
# Runs the tests of the core on other processors, which QEMU plays:
#
#   scripts/cross.sh [CPU]..        by default
#                    aarch64        NEON
#                    i686           32 bits, without vectors
#                    s390x          big-endian, without vectors
#
# Needs Debian: its compilers, C libraries and QEMU are installed when missing. The toolchain is the one at hand if it has the
# target, else that of Debian 12, as debian-rust.sh says.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian-rust.sh
export CARGO_TARGET_DIR="$PWD/target/cross" CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0
[ $# -gt 0 ] || set -- aarch64 i686 s390x

for cpu; do
  case $cpu in
    aarch64) debian=arm64 qemu=qemu-aarch64 ;;
    i686) debian=i386 qemu=qemu-i386 ;;
    *) debian=$cpu qemu=qemu-$cpu ;;
  esac
  if ! { command -v "$cpu-linux-gnu-gcc" && command -v "$qemu"; } >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends qemu-user "gcc-$cpu-linux-gnu" "libc6-dev-$debian-cross"
  fi
  variable=CARGO_TARGET_$(echo "$cpu" | tr '[:lower:]' '[:upper:]')_UNKNOWN_LINUX_GNU
  export "${variable}_LINKER=$cpu-linux-gnu-gcc" "${variable}_RUNNER=$qemu -L /usr/$cpu-linux-gnu"
  cargo_for "$cpu-unknown-linux-gnu" std,test test -p sse-proto --all-features --lib --tests
done
