#!/bin/sh
# Prints a cargo setting for a fast linker, for use as `$(sh scripts/linker.sh) cargo build`.
#
# Since Rust 1.90 rustc links with its own lld on x86-64 Linux; there, and where no fast linker is
# installed, this prints nothing. A cargo configuration file cannot ask what is installed.
set -eu

command -v rustc >/dev/null || exit 0
host=$(rustc -vV | sed -n 's/^host: //p')
case "$host" in
    x86_64-unknown-linux-gnu) [ -x "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" ] && exit 0 ;;
    *-linux-gnu) ;;
    *) exit 0 ;;
esac
if command -v mold >/dev/null; then linker=mold
elif command -v ld.lld >/dev/null; then linker=lld
else exit 0
fi
target=$(printf '%s' "$host" | tr 'a-z-' 'A-Z_')
printf 'CARGO_TARGET_%s_RUSTFLAGS=-Clink-arg=-fuse-ld=%s\n' "$target" "$linker"
