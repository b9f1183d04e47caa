#!/usr/bin/env bash
# Prints the Debian packages that an arm64 program needs, as a Depends field has them, by the libraries that it names and the packages
# of build/arm64-packages: dpkg-shlibdeps knows only packages that are installed. usage: cmake/arm64_depends.sh PROGRAM
set -euo pipefail
program=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t libraries < <(aarch64-linux-gnu-objdump -p "$program" | awk '$1 == "NEEDED" && $2 !~ /^ld-linux/ { print $2 }')
depends=()

for package in build/arm64-packages/cache/archives/*.deb; do
  case $package in *-dev_* | *-data_* | *-doc_*) continue ;; esac  # they have no library, and some are large
  files=$(dpkg-deb --contents "$package")
  for library in "${libraries[@]}"; do
    if [[ $files == *"/$library "* || $files == *"/$library"$'\n'* ]]; then
      # The other names change with the interface, and Debian 12 has one version of each.
      name=$(dpkg-deb --field "$package" Package)
      version=$(dpkg-deb --field "$package" Version)
      [ "$name" != libc6 ] || name="libc6 (>= ${version%-*})"
      depends+=("$name")
    fi
  done
done
printf '%s\n' "${depends[@]}" | sort -u | paste -sd, | sed 's/,/, /g'
