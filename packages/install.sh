#!/bin/sh
# Installs sevalla-deploy @TAG@ for one user, and takes the download only if its
# hash is the one below. Needs curl or wget, and no root.
#
#   sh install.sh [FOLDER]       FOLDER defaults to ~/.local/bin
#
# SEVALLA_DEPLOY_FROM is the address of a folder with the same files. A release
# has this script with its own hashes; .ci/release/packages fills them in.
[ -z "${ZSH_VERSION:-}" ] || emulate sh # else a trap ends with its function, with another status
set -eu

from='@URL@'
sums='
@SUMS@
'

die() { printf 'install.sh: %s; nothing was installed\n' "$1" >&2; exit 1; }

target() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) echo x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-musl ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    *) die "there is no program for $(uname -s) on $(uname -m), only for Linux and macOS on x86_64 and arm64" ;;
  esac
}

# values | clean COMMAND...: with the variables of a proxy, and no secret of a job. By a
# pipe, as other users see arguments, and the address of a proxy may have a password.
kept='HOME http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy no_proxy NO_PROXY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE'
newline=${sums%"${sums#?}"} # its first character; a value of two lines is none
values() {
  https_proxy=${https_proxy:-${HTTPS_PROXY:-}} no_proxy=${no_proxy:-${NO_PROXY:-}} # wget reads no others
  for name in $kept; do eval "value=\${$name:-}"; case $value in *"$newline"*) value= ;; esac; printf '%s\n' "$value"; done
}
# shellcheck disable=SC2016 # the inner shell expands it
clean() {
  exec env -i PATH="$PATH" sh -c '
    for name in $1; do IFS= read -r value; [ -z "$value" ] || export "$name=$value"; done
    shift; exec "$@" </dev/null' sh "$kept" "$@"
}

# attempt: downloads $from/$file; says in `why` what is wrong. In the background, as a
# shell that waits for a command acts on no signal.
attempt() {
  rm -f "$scratch/$file"; why="$from/$file could not be downloaded"
  if command -v curl >/dev/null; then
    values | clean curl --globoff --fail --silent --show-error --location --proto-redir "$redirects" \
      --connect-timeout 20 --max-time 120 --output "$scratch/$file" "$from/$file" &
  elif command -v timeout >/dev/null; then
    values | clean timeout 120 wget -q -t 1 -O "$scratch/$file" "$from/$file" &
  else
    values | clean wget -q -t 1 -T 60 -O "$scratch/$file" "$from/$file" &
  fi
  child=$!
  wait "$child" || { child=; return 1; }
  child='' why="$from/$file is not the file that was released: its hash is different"
  if command -v sha256sum >/dev/null; then hash=$(sha256sum); else hash=$(shasum -a 256); fi <"$scratch/$file"
  [ "${hash%% *}" = "${sum%% *}" ]
}

finish() {
  trap - EXIT
  [ -z "${child:-}" ] || kill "$child" 2>/dev/null || true
  rm -rf "$scratch"; exit "$1"
}

# In a function, so that a script that arrived in part does nothing.
main() {
  case $from in @*) die 'this copy belongs to no release: download the one of a release' ;; esac
  from=${SEVALLA_DEPLOY_FROM:-$from}; from=${from%/}
  case $from in
    *@*) die 'SEVALLA_DEPLOY_FROM contains an @: it must have no user name or password; in a path, write %40' ;;
    https://*) redirects='=https' ;;
    http://* | file://*) redirects='=http,https' ;;
    *) die "SEVALLA_DEPLOY_FROM is not the address of a folder: $from" ;;
  esac
  folder=${1:-${HOME:?is not set: name a folder}/.local/bin}; case $folder in -*) folder=./$folder ;; esac
  target=$(target)
  sum=$(printf '%s\n' "$sums" | grep -e "-$target\\.tar\\.gz\$") || die "this release has no program for $target"
  file=${sum#*  }
  command -v curl >/dev/null || { command -v wget >/dev/null && [ "$from" = "${from#file:}" ]; } || die 'it needs curl, or wget unless the address is a file:// one'
  command -v sha256sum >/dev/null || command -v shasum >/dev/null || die 'it needs sha256sum or shasum, to check the download'
  [ ! -d "$folder/sevalla-deploy" ] || die "$folder/sevalla-deploy is a folder"
  mkdir -p "$folder" || die "$folder cannot be created"
  # Within the folder: the name appears with the whole file, also while an older one runs.
  scratch=$(mktemp -d "$folder/.sevalla-deploy.XXXXXX") || die "$folder cannot be written"
  trap 'finish $?' EXIT && trap 'finish 129' HUP && trap 'finish 130' INT && trap 'finish 143' TERM
  ulimit -f 131072 2>/dev/null || true # no file of a release is nearly that large
  attempt || { sleep 1 && attempt; } || die "$why"
  tar -xzf "$scratch/$file" -C "$scratch" sevalla-deploy || die "$folder cannot be written"
  version=$("$scratch/sevalla-deploy" --version) || die "the program cannot be run in $folder"
  mv -f "$scratch/sevalla-deploy" "$folder/sevalla-deploy" || die "$folder cannot be written"
  printf 'Installed %s as %s\n' "$version" "$folder/sevalla-deploy"
  case :$PATH: in *":$folder:"*) ;; *) printf 'Add %s to PATH to run it by its name\n' "$folder" ;; esac
}

main "$@"
