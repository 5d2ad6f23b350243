# Sourced by the scripts that compile for another target:
#
#   cargo_for TARGET STD COMMAND [ARGUMENT]..
#
# runs `cargo COMMAND` for TARGET by the toolchain at hand, if it has the target (`rustup target add`). If not, by that of
# Debian 12, unpacked into target/debian and not installed, which builds STD, the crates of the standard library, from its
# own source.
cargo_for() {
  target=$1 std=$2 command=$3
  shift 3
  if [ -d "$(rustc --print target-libdir --target "$target" 2>/dev/null)" ]; then
    cargo "$command" --target "$target" "$@"
    return
  fi
  tools=$PWD/target/debian
  if [ ! -x "$tools/usr/bin/rustc" ]; then
    mkdir -p target/debian/packages
    (cd target/debian/packages && apt-get download rustc-web cargo-web libstd-rust-web-dev rust-web-src \
      "$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')" \
      libllvm22 libgit2-1.5 libssh2-1 libhttp-parser2.9 libmbedcrypto7 libmbedtls14 libmbedx509-1)
    for package in target/debian/packages/*.deb; do dpkg -x "$package" "$tools"; done
  fi
  LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu RUSTC=$tools/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    "$tools/usr/bin/cargo" "$command" -Zbuild-std="$std" --target "$target" "$@"
}
