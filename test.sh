#!/usr/bin/env bash
# The one command that tests picortex: installs what is missing, builds, runs every test, says what failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=cmake/packages.sh
. cmake/packages.sh

usage() {
  cat <<'END'
usage: ./test.sh [PART…]

  shape     the sources: format, layers, folders, prose, linters
  release   what is shipped: release build, the end-to-end tests that load it, the attack on the fence, the Debian package in a fresh
            Debian
  asan      address and undefined behaviour sanitizers: unit tests, fuzz corpora and all end-to-end tests

Without a PART these three run. Others, for work on one thing:

  unit      debug build of each file by itself, its unit tests and fuzz corpora: for daily work
  e2e       all end-to-end tests with the release build
  attack    the attack on the fence alone
  arm64     the Debian package for arm64, cross-built, on an emulated machine with Debian's kernel
  claude    Claude Code itself, from npm (400 MB), in a network namespace, against a stand-in for the model's API; needs root
  includes  debug build without precompiled headers: a missing include fails

Missing Debian packages are installed with apt-get (root or sudo).
END
}

passed=0
failed=0

pass() {
  passed=$((passed + $1))
}

fail() {
  failed=$((failed + $1))
}

# check WHAT COMMAND…: counts as one test; its output is shown when it fails.
check() {
  local what=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok: $what"
    pass 1
  else
    printf '%s\nFAILED: %s\n' "$output" "$what"
    fail 1
  fi
}

sources_are_formatted() {
  find . \( -name build -o -name node_modules -o -name .git \) -prune -o \
    \( -name '*.cpp' -o -name '*.h' \) -print0 | xargs -0 clang-format --dry-run --Werror
}

# The linter of the JavaScript, in the version of scripts/package-lock.json.
javascript_is_clean() {
  (cd scripts && npm ci --loglevel=error) && scripts/node_modules/.bin/biome lint --error-on-warnings
}

# unit_tests PRESET [OPTION…]: its ctest, counted.
unit_tests() {
  local log summary
  log=$(mktemp)
  ctest --preset "$@" -j"$(nproc)" 2>&1 | tee "$log" || true
  summary=$(grep -E '[0-9]+ tests failed out of [0-9]+' "$log" || true)
  rm -f "$log"
  if [[ $summary =~ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
    fail "${BASH_REMATCH[1]}"
    pass $((BASH_REMATCH[2] - BASH_REMATCH[1]))
  else
    echo "FAILED: ctest reported no result"
    fail 1
  fi
}

# node_tests FOLDER PRESET [NAME…]: these test files of the folder, or all, against the preset's binary, counted. With a
# `namespace`, in a network namespace of their own that has loopback alone.
node_tests() {
  local folder=$1 preset=$2 log concurrency=() within=() status=0 name count counted=0
  shift 2
  log=$(mktemp)
  if [ -n "${namespace:-}" ]; then within=(unshare --net sh -c 'ip link set lo up && exec "$@"' sh); fi
  if node --help | grep -q -- --test-concurrency; then concurrency=(--test-concurrency=2); fi
  (
    binary=$PWD/build/$preset/picortex
    cd "$folder"
    files=(./*.test.mjs)
    [ $# -eq 0 ] || files=("${@/%/.test.mjs}")
    PICORTEX_BINARY=$binary "${within[@]}" node "${concurrency[@]}" --test "${files[@]}"
  ) 2>&1 | tee "$log" || status=1
  while read -r _ name count; do
    case $name in
      pass) pass "$count" && counted=1 ;;
      fail | cancelled) fail "$count" ;;
      skipped)
        if [ "$count" -gt 0 ] && [ "$(id -u)" -eq 0 ]; then
          echo "FAILED: $count tests were skipped"
          fail "$count"
        fi
        ;;
    esac
  done < <(grep -E '^(#|ℹ) (pass|fail|cancelled|skipped) [0-9]+$' "$log")
  rm -f "$log"
  if [ "$counted" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
    echo "FAILED: the tests of $folder ended without a result"
    fail 1
  fi
}

# Where speed, memory or a crash decides, a sanitized build proves too little: these run with the release build as well.
readonly load_tests=(clock crash egress egress_failure intake load_shape logs otlp_pressure pino_ingest session ship_receivers
  slow_clients slow_stdout stalled_disk storage_faults stream)

# end_to_end_tests PRESET [NAME…]
end_to_end_tests() {
  echo "end to end, against build/$1/picortex"
  node_tests tests/end_to_end "$@"
}

# The attack on the fence, counted by state; its table counts the combinations.
attack_tests() {
  if [ "$(id -u)" -ne 0 ]; then
    echo 'skipped: the attack on the fence needs root, to make network namespaces'
    return
  fi
  echo "attack, against build/$1/picortex"
  node_tests tests/attack "$1"
}

# The version that the tests were made for; CLAUDE_VERSION names another one.
readonly claude_version=${CLAUDE_VERSION:-2.1.332}

# claude_tests PRESET: the real client in a namespace that reaches nothing but loopback. Its home and its key are made up.
claude_tests() {
  local folder client
  if [ "$(id -u)" -ne 0 ]; then
    echo 'skipped: the tests with Claude Code need root, to make a network namespace'
    return
  fi
  folder=$(mktemp -d)
  echo "Claude Code $claude_version, against build/$1/picortex"
  if npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "@anthropic-ai/claude-code@$claude_version"; then
    client=$folder/node_modules/.bin/claude
    CLAUDE_BINARY=$client namespace=yes node_tests tests/claude "$1"
  else
    echo "FAILED: npm cannot install @anthropic-ai/claude-code@$claude_version"
    fail 1
  fi
  rm -rf "$folder"
}

# script_tests SCRIPT ARGUMENT…: counts the lines of its tests.
script_tests() {
  local log
  log=$(mktemp)
  "$@" 2>&1 | tee "$log" || fail 1
  pass "$(grep -c '^ok: ' "$log" || true)"
  rm -f "$log"
}

package_tests() {
  if [ "$(id -u)" -ne 0 ]; then
    echo 'skipped: the tests of the Debian package need root, for a Debian in a folder'
    return
  fi
  script_tests tests/package.sh "build/$1"
}

arm64_tests() {
  cmake/arm64_sysroot.sh
  build arm64
  rm -f build/arm64/picortex_*.deb
  (cd build/arm64 && cpack -G DEB)
  script_tests tests/arm64.sh build/arm64/picortex_*.deb
}

parts=()
for argument in "$@"; do
  case $argument in
    shape | unit | release | e2e | attack | arm64 | claude | includes | asan) parts+=("$argument") ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(shape release asan)

if ! has_node; then test_packages+=(nodejs npm); fi
if [[ " ${parts[*]} " == *' arm64 '* ]]; then test_packages+=("${arm64_packages[@]}"); fi
install_packages "${test_packages[@]}"
if [[ " ${parts[*]} " =~ \ (release|e2e|attack|asan)\  ]]; then
  # Chromium itself will do where nothing can be installed; it takes twice the processor time.
  install_packages chromium-headless-shell || install_packages chromium
  echo "installing the packages of tests/end_to_end"
  (cd tests/end_to_end && npm ci --loglevel=error)
fi

for part in "${parts[@]}"; do
  case $part in
    shape)
      check 'sources are formatted' sources_are_formatted
      check 'includes point down' scripts/check_includes.sh
      check 'no folder is too full' scripts/check_folders.sh
      check 'JavaScript is clean' javascript_is_clean
      check 'prose uses the glossary' node scripts/check_prose.mjs
      check 'scripts are clean' shellcheck -x run.sh test.sh bench.sh .ci/run cmake/*.sh scripts/*.sh tests/*.sh \
        deploy/completions/picortex.bash deploy/debian/postinst deploy/debian/prerm deploy/debian/postrm
      check 'parsers are tidy' scripts/check_tidy.sh
      ;;
    unit)
      build dev
      unit_tests dev
      ;;
    release)
      build release picortex allocation_tests
      # A sanitizer's heap counts nothing.
      unit_tests release --tests-regex '^allocation$'
      end_to_end_tests release "${load_tests[@]}"
      attack_tests release
      package_tests release
      ;;
    e2e)
      build release picortex
      end_to_end_tests release
      ;;
    includes) build includes picortex && pass 1 ;;
    attack)
      build release picortex
      attack_tests release
      ;;
    arm64) arm64_tests ;;
    claude)
      build release picortex
      claude_tests release
      ;;
    asan)
      build asan
      unit_tests asan
      end_to_end_tests asan
      ;;
  esac
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
