#!/usr/bin/env bash
# Gathers what the lean, fully static program is linked from, one folder an architecture:
# build/deps/ARCH is a sysroot, Debian's static libraries under usr/, curl and libmicrohttpd, built
# from Debian's sources with only what the program uses, under usr/local/. Invariant: a folder with
# a stamp is whole, and the stamp says by which recipe.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/lean.sh [--update | --verify] [amd64|arm64]

Fetches Debian's static libraries and the sources of curl and libmicrohttpd, builds both with only
what the program uses, and leaves a sysroot in build/deps/ARCH (this machine's architecture unless
named). It asks the machine's own apt sources, through lists and settings of its own under
build/deps/apt; apt checks the signed Release file and from it every hash. A second run finds
everything there, and needs no network. --update asks for newer versions. --verify builds dependencies and
program once more, in two copies of this tree elsewhere, and compares.

The folder is the option AKH_DEPS of a build with AKH_STATIC=ON:
  cmake -S . -B DIR -G Ninja -DAKH_STATIC=ON -DAKH_DEPS=$PWD/build/deps/amd64
TXT
}

update='' verify=''
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --update) update=yes; shift ;;
  --verify) verify=yes; shift ;;
esac
arch=${1:-$(dpkg --print-architecture)}
case "$arch" in
  amd64) machine=x86_64 flags=(-fcf-protection=full) ;;
  arm64) machine=aarch64 flags=(-mbranch-protection=standard) ;;
  *) usage >&2; exit 2 ;;
esac

deps=$PWD/build/deps
work=$deps/build-$arch
root=$work/root
# What is linked, the headers for it, and what tests alone link (CUnit, seccomp).
packages=(libc6-dev linux-libc-dev libssl-dev libnghttp2-dev libyajl-dev libyaml-dev libprotobuf-c-dev
  uthash-dev libcunit1-dev libseccomp-dev)
sources=(curl libmicrohttpd)

# built TREE: its program, from nothing, in a folder of its own, past any cache.
built() {
  local preset=lean
  [ "$arch" = amd64 ] || preset=lean-$arch
  (
    cd "$1"
    rm -rf build-verify
    cmake --preset "$preset" -B build-verify >/dev/null
    CCACHE_DISABLE=1 cmake --build build-verify --target autoscaler-keda-hpa >build-verify/out 2>&1 ||
      { tail -20 build-verify/out >&2; exit 1; }
  )
}

# digests TREE: of all that shall be the same.
digests() {
  (cd "$1" && sha256sum "build/deps/$arch"/usr/local/lib/*.a build-verify/autoscaler-keda-hpa{,.debug})
}

# Two copies of this tree, one with the libraries that are here, one that builds its own from the
# packages and sources that are here.
verify() {
  local first second path
  hack/lean.sh "$arch"
  first=$(mktemp -d)
  second=$(mktemp -d "${TMPDIR:-/tmp}/in-a-folder-of-another-length.XXXXXX")
  # shellcheck disable=SC2064 # now: at the end their names are gone
  trap "rm -rf '$first' '$second'" EXIT
  tar -c --exclude='./build*' . | tar -x -C "$first"
  cp -a "$first/." "$second"
  mkdir -p "$first/build/deps" "$second/build/deps"
  cp -a "build/deps/$arch" "$first/build/deps/"
  cp -a build/deps/packages build/deps/sources "$second/build/deps/"
  "$second/hack/lean.sh" "$arch"
  built "$first"
  built "$second"
  diff <(digests "$first") <(digests "$second") ||
    { echo "hack/lean.sh: two builds differ" >&2; return 1; }
  for path in "$PWD" "$first" "$second"; do
    ! grep -qF "$path" {"$first","$second"}/build-verify/autoscaler-keda-hpa{,.debug} ||
      { echo "hack/lean.sh: the program names $path" >&2; return 1; }
  done
  digests "$first"
}

# private COMMAND ...: apt with lists, cache and sources of its own, which name the sources too.
private() {
  "$@" -qq \
    -o Dir::Etc::SourceList="$deps/apt/sources.list" -o Dir::Etc::SourceParts="$deps/apt/parts" \
    -o Dir::State="$deps/apt/state" -o Dir::State::status="$deps/apt/status" \
    -o Dir::Cache="$deps/apt/cache" -o APT::Sandbox::User=root \
    -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 \
    -o Acquire::AllowInsecureRepositories=false -o Acquire::AllowDowngradeToInsecureRepositories=false
}

# The machine's sources, all of them with "deb-src", none for one architecture only.
derive_sources() {
  local from
  mkdir -p "$deps"/apt/{parts,state/lists/partial,cache/archives/partial}
  : >"$deps/apt/status"
  : >"$deps/apt/sources.list"
  rm -f "$deps"/apt/parts/*
  for from in /etc/apt/sources.list.d/*.sources; do
    [ -r "$from" ] || continue
    sed -E '/^Architectures:/d; s/^Types:.*/Types: deb deb-src/' "$from" \
      >"$deps/apt/parts/${from##*/}"
  done
  for from in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$from" ] || continue
    sed -nE 's/arch=[^] ]*//; /^deb[ \t]/{p; s/^deb/deb-src/p}' "$from" >>"$deps/apt/sources.list"
  done
}

# fetch: this architecture's packages into packages/ARCH, the sources into sources/, unless they are
# there: both architectures are built from the same sources.
fetch() {
  [ -z "$update" ] || rm -rf "$deps/packages/$arch" "$deps/sources"
  local have=$deps/packages/$arch/stamp
  if [ "$(cat "$have" 2>/dev/null)" != "${packages[*]}" ] || [ ! -e "$deps/sources/stamp" ]; then
    derive_sources
    private apt-get update
  fi
  if [ "$(cat "$have" 2>/dev/null)" != "${packages[*]}" ]; then
    rm -rf "${have%/*}"
    mkdir -p "${have%/*}"
    (cd "${have%/*}" && private apt-get download "${packages[@]/%/:$arch}")
    echo "${packages[*]}" >"$have"
  fi
  if [ ! -e "$deps/sources/stamp" ]; then
    rm -rf "$deps/sources"
    mkdir -p "$deps/sources"
    (cd "$deps/sources" && private apt-get source --download-only "${sources[@]}")
    : >"$deps/sources/stamp"
  fi
}

# unpack PACKAGE: its source, patched by Debian, into an empty folder; prints the folder. Its name
# does not depend on where this tree is.
unpack() {
  local to=$work/$1
  rm -rf "$to"
  dpkg-source --no-check -x "$deps/sources/$1"_*.dsc "$to" >/dev/null
  echo "$to"
}

# configured FOLDER OPTION ...: only an archive, with the program's own hardening, each function in
# a section of its own, no trace of the folder in it.
configured() {
  local from=$1
  shift
  cd "$from"
  ./configure --host="$machine-linux-gnu" --prefix=/usr/local --disable-shared --enable-static \
    CC="$machine-linux-gnu-gcc --sysroot=$root -B$root/usr/lib/$machine-linux-gnu" AR="$machine-linux-gnu-ar" AR_FLAGS=crD ARFLAGS=crD \
    RANLIB="$machine-linux-gnu-ranlib -D" LDFLAGS=-static \
    CPPFLAGS="-D_FORTIFY_SOURCE=3" PKG_CONFIG=false \
    CFLAGS="-O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection ${flags[*]} \
-ffunction-sections -fdata-sections -ffile-prefix-map=$from=/usr/src/${from##*/} \
-ffile-prefix-map=$root=" \
    "$@" >configure.out 2>&1 || { tail -40 configure.out >&2; return 1; }
}

# made FOLDER TARGET ...
made() {
  local from=$1
  shift
  make -C "$from" -j"$(nproc)" DESTDIR="$root" "$@" >>"$from.out" 2>&1 ||
    { tail -40 "$from.out" >&2; return 1; }
}

# HTTP/1.1 and HTTP/2 over OpenSSL, HTTP, HTTPS and SOCKS5 proxies with user and password, names by
# a thread, nothing else.
build_curl() {
  local from
  from=$(unpack curl)
  (configured "$from" --with-openssl --with-nghttp2="$root/usr" --enable-threaded-resolver \
    --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path \
    --without-zlib --without-brotli --without-zstd --without-libpsl --without-libidn2 \
    --without-librtmp --without-libssh2 --without-libgsasl --without-nghttp3 --without-ngtcp2 \
    --disable-alt-svc --disable-aws --disable-cookies --disable-crypto-auth --disable-dateparse \
    --disable-dict --disable-dnsshuffle --disable-doh --disable-file --disable-ftp \
    --disable-get-easy-options --disable-gopher --disable-headers-api --disable-hsts \
    --disable-imap --disable-ldap --disable-ldaps --disable-libcurl-option --disable-manual \
    --disable-mime --disable-mqtt --disable-netrc --disable-ntlm --disable-pop3 \
    --disable-progress-meter --disable-rtsp --disable-smb --disable-smtp --disable-telnet \
    --disable-tftp --disable-tls-srp --disable-unix-sockets)
  made "$from/lib" install
  made "$from/include" install
}

# Plain HTTP; the programs' epoll descriptor drives it.
build_libmicrohttpd() {
  local from
  from=$(unpack libmicrohttpd)
  (configured "$from" --disable-https --disable-bauth --disable-curl --disable-dauth --disable-doc \
    --disable-examples --disable-httpupgrade --disable-postprocessor --disable-tools)
  made "$from/src/microhttpd" install
  made "$from/src/include" install
}

# What the folder depends on: how it is built, and from which versions.
recipe() {
  {
    declare -f unpack configured made build_curl build_libmicrohttpd
    echo "${flags[@]}" "${packages[@]}"
    (cd "$deps" && ls "packages/$arch" sources)
  } 2>/dev/null | sha256sum
}

if [ -n "$verify" ]; then
  verify
  exit
fi
mkdir -p "$deps"
exec 9>"$deps/lock"
flock 9
if [ -z "$update" ] && [ "$(cat "$deps/$arch/stamp" 2>/dev/null)" = "$(recipe)" ]; then
  exit 0
fi

groups=(build lean)
[ "$arch" = "$(dpkg --print-architecture)" ] || groups+=("$arch")
hack/deps.sh "${groups[@]}"
fetch
rm -rf "$work"
mkdir -p "$root"
for package in "$deps/packages/$arch"/*.deb; do
  dpkg-deb -x "$package" "$root"
done
build_curl
build_libmicrohttpd
recipe >"$root/stamp"
rm -rf "${deps:?}/$arch"
mv "$root" "$deps/$arch"
rm -rf "$work"
