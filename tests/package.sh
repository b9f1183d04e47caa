#!/usr/bin/env bash
# The Debian package in a fresh Debian 12 in a folder: installs, runs, upgrades with its data kept, is removed and purged.
# The units as systemd reads them. usage: tests/package.sh BUILD_DIRECTORY; needs root, for the folder's own root.
set -euo pipefail
build=$(realpath "$1")
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
work=$(mktemp -d)
root=$work/root
passed=0

clean_up() {
  for mount in "$root/proc" "$root/dev"; do
    ! mountpoint -q "$mount" || umount -l "$mount"
  done
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

# expect WHAT COMMAND…: counts it, or ends the test with what it said.
expect() {
  local what=$1 output
  shift
  if ! output=$("$@" 2>&1); then
    printf 'FAILED: %s\n%s\n' "$what" "$output"
    exit 1
  fi
  echo "ok: $what"
  passed=$((passed + 1))
}

inside() {
  DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$root" "$@"
}

# make_package VERSION: answers the path of its .deb.
make_package() {
  mkdir "$work/$1"
  (cd "$build" && cpack -G DEB -B "$work/$1" -D CPACK_PACKAGE_VERSION="$1" >"$work/cpack.log" 2>&1) || {
    cat "$work/cpack.log" >&2
    return 1
  }
  echo "$work/$1"/*.deb
}

install_package() {
  cp "$1" "$root/tmp/picortex.deb"
  inside apt-get install -y -q --no-install-recommends /tmp/picortex.deb
}

is_unit_clean() {
  local output
  output=$(systemd-analyze verify --man=no --root="$root" picortex.service picortex.socket picortex-ship.service 2>&1 | grep -i picortex) || return 0
  echo "$output"
  return 1
}

# Debian's archive as this machine reaches it.
archive=$(apt-cache policy | grep -oE 'https?://[^ ]+ bookworm/main' | head -n 1 | cut -d' ' -f1)
[ -n "$archive" ] || { echo "FAILED: apt knows no archive of bookworm" && exit 1; }

first=$(make_package 0.1.0)
second=$(make_package 0.1.1)
expect 'the dependencies are computed' grep -q 'libsqlite3-0' <(dpkg-deb --field "$first" Depends)
expect 'a fresh Debian 12' debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$archive"
# apt reaches the archive as this machine does.
cp -a /etc/apt/. "$root/etc/apt/"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
expect 'apt is up to date' inside apt-get update -q

expect 'it installs' install_package "$first"
expect 'it runs' inside picortex --version
expect 'every linked library is there' sh -c "! chroot '$root' ldd /usr/bin/picortex | grep 'not found'"
expect 'its user is there' inside getent passwd picortex
expect 'systemd accepts the units' is_unit_clean
expect 'the sandbox is tight' systemd-analyze security --offline=yes --threshold=29 "$source/deploy/picortex.service"
expect 'the sandbox of the shipper is tighter' systemd-analyze security --offline=yes --threshold=15 "$source/deploy/picortex-ship.service"
expect 'the shipper starts only when it is enabled' test -s "$root/lib/systemd/system/picortex-ship.service" \
  -a ! -e "$root/etc/systemd/system/multi-user.target.wants/picortex-ship.service"
expect 'the units start with the host' test -L "$root/etc/systemd/system/multi-user.target.wants/picortex.service" \
  -a -L "$root/etc/systemd/system/sockets.target.wants/picortex.socket"
expect 'the configuration is closed to others' test "$(stat -c %a "$root/etc/picortex/picortex.conf")" = 640
for page in man1/picortex.1 man5/picortex.conf.5 man8/picortex-egress.8; do
  expect "the man page ${page#*/} is there" test -s "$root/usr/share/man/$page.gz"
  expect "the man page ${page#*/} has no warnings" sh -c "! man -l --warnings -Tutf8 '$source/deploy/${page#*/}' 2>&1 >/dev/null | grep ."
done
for script in bash-completion/completions/picortex zsh/vendor-completions/_picortex fish/vendor_completions.d/picortex.fish; do
  expect "the completion ${script%%/*} is there" test -s "$root/usr/share/$script"
done
# shellcheck disable=SC2016 # for the inner shell
expect 'bash completes' inside bash -c '. /usr/share/bash-completion/completions/picortex
  COMP_WORDS=(picortex egress al) COMP_CWORD=2 && _picortex && test "${COMPREPLY[*]}" = allow'
expect 'the documentation is there' test -s "$root/usr/share/doc/picortex/docs/reference/events.md"
expect 'the clients are there' test -s "$root/usr/share/picortex/clients/examples/bot/bot.js" -a -s "$root/usr/share/picortex/clients/node/package.json"
expect 'the Node.js client is a package' sh -c "tar tzf '$root'/usr/share/picortex/clients/picortex-*.tgz | grep -qx package/src/pino.js"

mkdir -p "$root/var/lib/picortex"
echo kept >"$root/var/lib/picortex/picortex.db"
echo 'docs.example.org' >>"$root/etc/picortex/egress-allowlist.txt"
expect 'it upgrades' install_package "$second"
expect 'to the new version' grep -q '^Version: 0.1.1' <(inside dpkg -s picortex)
expect 'the data is kept' grep -q kept "$root/var/lib/picortex/picortex.db"
expect 'the allowlist is kept' grep -q docs.example.org "$root/etc/picortex/egress-allowlist.txt"
expect 'it is removed' inside apt-get remove -y -q picortex
expect 'removed, the data is kept' grep -q kept "$root/var/lib/picortex/picortex.db"
expect 'removed, the configuration is kept' grep -q docs.example.org "$root/etc/picortex/egress-allowlist.txt"
expect 'it is purged' inside apt-get purge -y -q picortex
expect 'purged, nothing is left' test ! -e "$root/var/lib/picortex" -a ! -e "$root/etc/picortex"
echo "$passed passed, 0 failed"
