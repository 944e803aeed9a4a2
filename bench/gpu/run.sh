#!/bin/sh
# Verifies and measures dlc on this machine's GPUs: see README.md. Needs nothing but Linux on x64 with glibc 2.28,
# libstdc++ and gzip; no network.
set -eu
PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
export PATH
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ "$(uname -s) $(uname -m)" != "Linux x86_64" ]; then
  echo "This bundle is for Linux on x64, not $(uname -s) on $(uname -m)." >&2
  exit 2
fi

# Unpacks to the folder given, which appears only when it is whole.
unpack() {
  rm -rf "$1.part"
  mkdir -p "$1.part"
  gzip -dc "$here/node.gz" >"$1.part/node"
  chmod +x "$1.part/node"
  if ! "$1.part/node" --version >/dev/null; then
    echo "Node.js does not start here: it needs glibc 2.28 or later and libstdc++." >&2
    rm -rf "$1.part"
    exit 2
  fi
  "$1.part/node" "$here/unpack.mjs" "$here/app" "$1.part/app"
  mv "$1.part" "$1"
}

unpacked="$here/unpacked"
if [ ! -d "$unpacked" ]; then
  if mkdir "$unpacked.part" 2>/dev/null || [ -w "$unpacked.part" ]; then
    unpack "$unpacked"
  else
    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT INT TERM
    unpacked="$temporary/unpacked"
    unpack "$unpacked"
  fi
fi
"$unpacked/node" "$unpacked/app/bench/gpu/main.mjs" "$@"
