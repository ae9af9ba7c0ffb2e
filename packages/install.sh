#!/bin/sh
# Installs sevalla-deploy @TAG@ for one user, and takes the download only if its
# hash is the one below. Needs curl or wget, and no root.
#
#   sh install.sh [FOLDER]       FOLDER defaults to ~/.local/bin
#
# SEVALLA_DEPLOY_FROM is the address of a folder with the same files. A release
# has this script with its own hashes; .ci/release/packages fills them in.
set -eu

from='@URL@'
sums='
@SUMS@
'

die() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

target() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) echo x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-musl ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    *) die "there is no program for $(uname -s) on $(uname -m), only for Linux and macOS on x86_64 and arm64" ;;
  esac
}

# download ADDRESS FILE
download() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --proto-redir '=https' --retry 1 \
      --connect-timeout 20 --max-time 120 --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -q -T 60 -t 2 -O "$2" "$1"
  else
    die 'it needs curl or wget'
  fi
}

# hash_of FILE
hash_of() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$1"
  elif command -v shasum >/dev/null; then
    shasum -a 256 "$1"
  else
    die 'it needs sha256sum or shasum, to check the download'
  fi
}

# In a function, so that a script that arrived in part does nothing.
main() {
  case $from in @*) die 'this copy belongs to no release: download the one of a release' ;; esac
  from=${SEVALLA_DEPLOY_FROM:-$from}
  folder=${1:-${HOME:?is not set: name a folder}/.local/bin}
  target=$(target)
  sum=$(printf '%s\n' "$sums" | grep -e "-$target\\.tar\\.gz\$") || die "this release has no program for $target"
  file=${sum#*  }

  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  download "$from/$file" "$scratch/$file" || die "$from/$file could not be downloaded; nothing was installed"
  hash=$(hash_of "$scratch/$file")
  [ "${hash%% *}" = "${sum%% *}" ] \
    || die "$from/$file is not the file that was released: its hash is different; nothing was installed"
  tar -xzf "$scratch/$file" -C "$scratch" sevalla-deploy

  mkdir -p "$folder" || die "$folder cannot be created"
  # The name appears with the whole file, also while an older one runs.
  cp "$scratch/sevalla-deploy" "$folder/.sevalla-deploy.$$" || die "$folder cannot be written"
  mv "$folder/.sevalla-deploy.$$" "$folder/sevalla-deploy"
  printf 'Installed %s as %s\n' "$("$folder/sevalla-deploy" --version)" "$folder/sevalla-deploy"
  case :$PATH: in
    *":$folder:"*) ;;
    *) printf 'Add %s to PATH to run it by its name\n' "$folder" ;;
  esac
}

main "$@"
