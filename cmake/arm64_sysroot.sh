#!/usr/bin/env bash
# Makes build/arm64-sysroot for the preset arm64: the files of Debian's arm64 packages, in a folder of their own. The compiler comes
# from the package g++-12-aarch64-linux-gnu.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=cmake/packages.sh
. cmake/packages.sh
# shellcheck source=cmake/arm64_packages.sh
. cmake/arm64_packages.sh
readonly root=$PWD/build/arm64-sysroot
readonly state=$PWD/build/arm64-packages

# What the machine that builds has for itself.
libraries=(libc6-dev libstdc++-12-dev)
for name in "${build_packages[@]}"; do
  case $name in *-dev | node-llhttp) libraries+=("$name") ;; esac
done

download_arm64 "$state" "${libraries[@]}"

rm -rf "$root" && mkdir -p "$root"
for package in "$state"/cache/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
# Links that begin at / would lead to the libraries of this machine.
find "$root" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
  ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$root$target")" "$link"
done
echo "made $root from $(find "$state/cache/archives" -name '*.deb' | wc -l) packages"
