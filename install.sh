#!/bin/sh
# Installs wippy for the current user.
#
#   sh install.sh                        from the releases that WIPPY_RELEASES names; in a clone, from its sources
#   sh install.sh --from FOLDER|ADDRESS  from a folder or an address of releases (http, https, file)
#   sh install.sh --try                  then runs the example hello
#   sh install.sh --uninstall            removes what was installed
#
#   --prefix DIR     instead of ~/.local: the program goes to DIR/bin
#   --target NAME    instead of the target of this machine, such as linux-x64-musl
set -eu

# scripts/release writes the address of the releases here.
releases=${WIPPY_RELEASES:-}
prefix=${HOME:-}/.local
target='' uninstall='' try='' work='' draft=''

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

clean() {
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$draft" ] || rm -rf "$draft"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

while [ $# -gt 0 ]; do
  case $1 in
    --from | --prefix | --target)
      [ $# -ge 2 ] && [ -n "$2" ] || fail "$1 needs a value"
      case $1 in
        --from) releases=$2 ;;
        --prefix) prefix=$2 ;;
        --target) target=$2 ;;
      esac
      shift
      ;;
    --uninstall) uninstall=yes ;;
    --try) try=yes ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown argument $1; sh install.sh --help lists them" ;;
  esac
  shift
done

case $prefix in
  /.local) fail "HOME is not set; name a folder with --prefix" ;;
  /*) ;;
  *) prefix=$PWD/$prefix ;;
esac
bin=$prefix/bin
share=$prefix/share/wippy
man=$prefix/share/man/man1

if [ -n "$uninstall" ]; then
  found=''
  for path in "$bin/wippy" "$bin/wippy.exe" "$bin/wippy.previous" "$share" "$man/wippy.1" \
    "$prefix/share/bash-completion/completions/wippy" "$prefix/share/zsh/site-functions/_wippy" \
    "$prefix/share/fish/vendor_completions.d/wippy.fish"; do
    [ -e "$path" ] || continue
    rm -rf "$path" || fail "cannot remove $path: no permission"
    found=yes
  done
  [ -n "$found" ] || fail "there is no wippy in $prefix"
  echo "Removed wippy from $prefix. State folders (.wippy) of applications are untouched."
  exit 0
fi

# Sets the target of this machine, as archives name it.
detect() {
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    MINGW* | MSYS* | CYGWIN*) system=windows ;;
    *) fail "there is no release for $(uname -s); the targets are linux, darwin and windows" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "there is no release for $(uname -m) processors; the targets are x64 and arm64" ;;
  esac
  # A shell under Rosetta sees an x64 machine.
  if [ "$system-$machine" = darwin-x64 ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then
    machine=arm64
  fi
  target=$system-$machine
  [ "$system" = linux ] || return 0
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null || :)
  case $glibc in
    'glibc '*) old_glibc "${glibc#glibc }" ;;
    *) target=$target-musl ;;
  esac
}

old_glibc() {
  major=${1%%.*} minor=${1#*.} minor=${minor%%.*}
  [ "$major" -gt 2 ] || [ "$minor" -ge 17 ] ||
    fail "this machine has glibc $1, and wippy needs 2.17 or later; nothing was installed"
}

known='linux-x64 linux-arm64 linux-x64-musl linux-arm64-musl darwin-x64 darwin-arm64 windows-x64'
if [ -z "$target" ]; then detect; fi
case " $known " in
  *" $target "*) ;;
  *) fail "there is no target $target; the targets are: $known" ;;
esac

# Fetches a file of the releases.
fetch() {
  case $releases in
    http://* | https://*)
      if command -v curl >/dev/null 2>&1; then
        curl -fsSL --retry 2 -o "$2" "$releases/$1" 2>/dev/null
      elif command -v wget >/dev/null 2>&1; then
        wget -q -O "$2" "$releases/$1"
      else
        fail "curl or wget is needed to download"
      fi
      ;;
    file://*) cp "${releases#file://}/$1" "$2" 2>/dev/null ;;
    *) cp "$releases/$1" "$2" 2>/dev/null ;;
  esac
}

sum() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1"
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1"
  else
    openssl dgst -sha256 -r "$1"
  fi | cut -d ' ' -f 1
}

work=$(mktemp -d) || fail "cannot make a temporary folder"
source=$(cd "$(dirname "$0")" 2>/dev/null && pwd || :)
if [ -z "$releases" ] && [ -f "$source/scripts/release" ]; then
  echo "Building wippy from the sources in $source ..."
  "$source/scripts/release" --snapshot --archives --target "$target" --out "$work/release" >"$work/log" 2>&1 ||
    { tail -n 5 "$work/log" >&2; fail "wippy could not be built (see above); nothing was installed"; }
  releases=$work/release
fi
[ -n "$releases" ] || fail "name the folder or address of the releases with --from or WIPPY_RELEASES"
releases=${releases%/}

fetch SHA256SUMS "$work/SHA256SUMS" || fail "cannot read $releases/SHA256SUMS; nothing was installed"
ending=tar.gz
[ "$target" != windows-x64 ] || ending=zip
archive=$(sed -n "s/^[0-9a-f]\{64\}  \(wippy-[0-9][^ ]*-$target\.$ending\)\$/\1/p" "$work/SHA256SUMS" | tail -n 1)
[ -n "$archive" ] || fail "$releases has no wippy for $target; nothing was installed"
fetch "$archive" "$work/$archive" || fail "cannot read $releases/$archive; nothing was installed"
wanted=$(sed -n "s/^\([0-9a-f]\{64\}\)  $archive\$/\1/p" "$work/SHA256SUMS")
[ "$(sum "$work/$archive")" = "$wanted" ] ||
  fail "the checksum of $archive is wrong: the download is damaged or not the published file; nothing was installed"

mkdir "$work/new"
if [ "$ending" = zip ]; then
  unzip -q "$work/$archive" -d "$work/new"
else
  tar xzf "$work/$archive" -C "$work/new"
fi || fail "$archive cannot be unpacked; nothing was installed"
new=$work/new/${archive%."$ending"}
program=wippy
[ "$target" != windows-x64 ] || program=wippy.exe
if ! says=$("$new/$program" version --short 2>&1); then
  case $target:$says in
    *musl*:*libstdc++*) fail "wippy for musl needs libstdc++; install it (Alpine: apk add libstdc++), then run this again" ;;
    *:*GLIBC_*) fail "the C library of this machine is too old for wippy ($says); nothing was installed" ;;
    *) fail "the program for $target does not run on this machine${says:+ ($(echo "$says" | head -n 1))}; nothing was installed" ;;
  esac
fi

mkdir -p "$bin" 2>/dev/null && [ -w "$bin" ] || fail "cannot write to $bin; choose another folder with --prefix"
# Renamed once complete, so that a running wippy keeps its executable and no partial file is left.
draft=$bin/.wippy.$$
cp "$new/$program" "$draft" 2>/dev/null || fail "cannot write to $bin; nothing was installed"
chmod 755 "$draft"
mv -f "$draft" "$bin/$program"
draft=''

# Installs an accompanying file; the executable works without them.
place() {
  mkdir -p "$(dirname "$2")" 2>/dev/null && cp -R "$1" "$2" 2>/dev/null || echo "install.sh: skipped $2: no permission" >&2
}
rm -rf "$share"
mkdir -p "$share/examples"
for file in README.md LICENSE NOTICES.txt CHANGES.md; do place "$new/$file" "$share/$file"; done
# For wippy upgrade. A build from sources has no location of releases.
case $releases in
  "$work"/*) ;;
  /* | *://*) echo "$releases" >"$share/releases" ;;
  *) echo "$PWD/$releases" >"$share/releases" ;;
esac
place "$new/examples/hello" "$share/examples/hello"
place "$new/man/wippy.1" "$man/wippy.1"
place "$new/completions/wippy.bash" "$prefix/share/bash-completion/completions/wippy"
place "$new/completions/_wippy" "$prefix/share/zsh/site-functions/_wippy"
place "$new/completions/wippy.fish" "$prefix/share/fish/vendor_completions.d/wippy.fish"

echo "Installed wippy $says ($target) as $bin/$program."
name=wippy
case ":$PATH:" in
  *":$bin:"*) ;;
  *)
    name=$bin/wippy
    echo "Add it to your PATH: export PATH=\"$bin:\$PATH\""
    ;;
esac
example=$share/examples/hello
if [ -n "$try" ]; then
  echo "Running: $name -C $example run hello"
  "$bin/$program" -C "$example" run hello
else
  echo "Try it: $name -C $example run hello"
fi
