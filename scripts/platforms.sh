#!/bin/sh
# Compiles every crate for platforms other than Linux. Nothing is linked and no test runs.
#
#   scripts/platforms.sh [TARGET]..    by default
#                        x86_64-pc-windows-msvc
#                        aarch64-apple-darwin
#
# The toolchain is the one at hand if it has the target, else Debian 12's, as debian-rust.sh says. A check needs no objects of
# C, so a stub takes the place of the C compiler and of the archiver: neither MinGW nor Apple's SDK is needed.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian-rust.sh
export CARGO_TARGET_DIR="$PWD/target/platforms" CARGO_PROFILE_DEV_DEBUG=0
[ $# -gt 0 ] || set -- x86_64-pc-windows-msvc aarch64-apple-darwin

mkdir -p target/platforms
stub=$PWD/target/platforms/cc
cat >"$stub" <<'STUB'
#!/bin/sh
# Creates the file that it is asked for, empty.
case ${1:-} in [a-z]*) : >"$2" ;; esac
while [ $# -gt 0 ]; do
  case $1 in
    -o) : >"$2" ;;
    [-/]Fo?*) : >"${1#?Fo}" ;;
    [-/]out:*) : >"${1#?out:}" ;;
  esac
  shift
done
STUB
chmod +x "$stub"

for target; do
  name=$(echo "$target" | tr - _)
  export "CC_$name=$stub" "CXX_$name=$stub" "AR_$name=$stub"
  cargo_for "$target" std,panic_abort check --workspace --all-features --quiet
  echo "$target: every crate compiles with all features"
done
