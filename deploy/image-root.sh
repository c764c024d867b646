#!/usr/bin/env bash
# Makes the root folder of the image: one static binary and the CA roots that it trusts. `make image-root` and the
# Dockerfile both call it. So the image can be built and tested without a container engine.
#
#   image-root.sh OUTDIR
#
#   CA_CERTIFICATES   the CA roots to ship, default: those of this machine
set -euo pipefail

die() {
  printf '%s\n' "image-root: $*" >&2
  exit 1
}

[[ $# == 1 ]] || die "usage: image-root.sh OUTDIR"
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=keyspaces-credential-operator
certificates=${CA_CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}
[[ -s $certificates ]] || die "$certificates is missing: install ca-certificates or set CA_CERTIFICATES"
target=$(rustc -vV | sed -n 's/^host: //p')
[[ $target == *-linux-gnu ]] || die "builds for the machine that it runs on, which must be Linux with glibc, not $target"

# `--target` is given although it is the host: with it, cargo does not use RUSTFLAGS for build scripts and procedural macros,
# which cannot be static.
RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --release --target "$target" --package $name --bin $name
binary=${CARGO_TARGET_DIR:-target}/$target/release/$name
if ldd "$binary" 2>/dev/null | grep -q '=>'; then die "$binary is not static, an image of nothing else could not run it"; fi

install -D -m 0755 "$binary" "$out/$name"
install -D -m 0644 "$certificates" "$out/etc/ssl/certs/ca-certificates.crt"
