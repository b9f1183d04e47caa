#!/usr/bin/env bash
# Starts the arm64 package on an emulated arm64 machine, with Debian's own kernel and a root in memory that is made of Debian's packages.
# The machine's first process is tests/arm64_guest.sh: it installs the package, tries it and powers off.
# usage: tests/arm64.sh PACKAGE.deb
set -euo pipefail
package=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=cmake/arm64_packages.sh
. cmake/arm64_packages.sh
readonly state=$PWD/build/arm64-guest
readonly seconds_max=1800  # it takes about a minute when the host's cores are free
work=$(mktemp -d)
root=$work/root
emulator=

clean_up() {
  [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# Debian's packages, as if dpkg had installed them: it then checks what the package depends on.
make_root() {
  local archive kind name
  mkdir -p "$root"/{proc,sys,dev,run,tmp,usr/{bin,sbin,lib},var/lib/dpkg/{info,updates}}
  ln -s usr/bin usr/sbin usr/lib "$root"
  for archive in "$state"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$archive" | tar --extract --keep-directory-symlink --directory "$root" \
      --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/man/*'
    printf '%s\nStatus: install ok installed\n\n' "$(dpkg-deb --field "$archive")" >>"$root/var/lib/dpkg/status"
    : >"$root/var/lib/dpkg/info/$(dpkg-deb --field "$archive" Package).list"
  done
  # What their scripts would have made.
  cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  for kind in account auth password session; do
    echo "$kind required pam_permit.so" >"$root/etc/pam.d/common-$kind"
  done
  for name in ip{,6}tables{,-save,-restore}; do ln -s xtables-nft-multi "$root/usr/sbin/$name"; done
  cp "$package" "$root/tmp/picortex.deb"
  install -m 0755 tests/arm64_guest.sh "$root/init"
}

# The kernel alone, without the packages that would make it boot from a disk, and of its modules the network's and what they need.
unpack_kernel() {
  cd "$work"
  arm64_apt "$state" download linux-image-arm64
  arm64_apt "$state" download "$(dpkg-deb --field linux-image-arm64_*.deb Depends | cut -d' ' -f1)"
  dpkg-deb --extract linux-image-[0-9]*.deb kernel
  (cd kernel && cp --parents --recursive lib/modules/*/{modules.*,kernel/crypto,kernel/lib,kernel/net} "$root/usr")
}

# The machine's serial console is the output. Ended by `timeout`, or with it.
boot() {
  exec timeout --foreground "$seconds_max" qemu-system-aarch64 -M virt -cpu cortex-a57 -smp 2 -m 2048 -no-reboot \
    -display none -monitor none -nic none -serial stdio -append 'console=ttyAMA0 quiet panic=-1' \
    -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/root.cpio" </dev/null
}

download_arm64 "$state" '?essential' "$package" curl iproute2 iptables kmod mount
make_root
(unpack_kernel)
(cd "$root" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet) >"$work/root.cpio"
echo "booting $(basename "$work"/kernel/boot/vmlinuz-*)"
boot >"$work/console" 2>&1 &
emulator=$!
wait "$emulator" || echo "FAILED: the emulator ended with $?"
emulator=
tr -d '\r' <"$work/console" | tee "$work/result"
if ! grep -qE '^[0-9]+ passed, 0 failed$' "$work/result"; then
  echo 'FAILED: the machine has not come to the end of its tests'
  exit 1
fi
