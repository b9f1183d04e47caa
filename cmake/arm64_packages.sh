# Debian's arm64 packages as files, for cmake/arm64_sysroot.sh and tests/arm64.sh. Nothing of them is installed, and none of their
# programs runs, so neither root nor a foreign architecture of dpkg is needed. Sourced, never run.
# shellcheck shell=bash

# arm64_apt FOLDER ARGUMENT…: apt-get for arm64, with its lists, its cache and an empty list of installed packages in the folder.
arm64_apt() {
  local folder=$1
  shift
  apt-get -qq -o Dir::State::Lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" \
    -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}

# download_arm64 FOLDER PACKAGE…: the packages and what they depend on, to FOLDER/cache/archives; older versions there are deleted.
download_arm64() {
  local folder=$1
  shift
  mkdir -p "$folder"/{lists/partial,cache/archives/partial} && : >"$folder/status"
  arm64_apt "$folder" update
  arm64_apt "$folder" autoclean
  arm64_apt "$folder" install -y --no-install-recommends --download-only "$@"
}
