#!/usr/bin/env bash
# The one command that tests picortex: installs what is missing, builds, runs every test, says what failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=cmake/packages.sh
. cmake/packages.sh

usage() {
  cat <<'END'
usage: ./test.sh [PART…]

  unit   debug build with warnings as errors, its unit tests and fuzz corpora, the shape of the sources
  e2e    release build, the end-to-end tests against it, the Debian package in a fresh Debian
  asan   address and undefined behaviour sanitizers: unit tests and end-to-end tests again

Without a PART all three run. Missing Debian packages are installed with apt-get (root or sudo).
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

# What each layer may include; the arrows of ARCHITECTURE.md.
layers=()
for layer in base reactor storage handlers netfilter cli; do
  [ ! -d "$layer" ] || layers+=("$layer")
done
declare -A may_include=(
  [base]='base'
  [reactor]='reactor|base'
  [storage]='storage|base'
  [handlers]='handlers|storage|reactor|base'
  [netfilter]='netfilter|storage|reactor|base'
  [cli]='cli|netfilter|handlers|storage|reactor|base'
)
declare -A owner_of=(
  [liburing.h]=reactor [sqlite3.h]=storage [zlib.h]=handlers [llhttp.h]='handlers|cli' [libnetfilter_queue]=netfilter
)

includes_point_down() {
  local layer library wrong
  wrong=$(
    for layer in "${layers[@]}"; do
      grep -rnE '^#include "[a-z_]+/' --include='*.h' --include='*.cpp' "$layer" |
        grep -vE "#include \"(${may_include[$layer]})/" || true
      for library in "${!owner_of[@]}"; do
        [[ $layer =~ ^(${owner_of[$library]})$ ]] ||
          grep -rnE "^#include [<\"]([a-z]+/)?$library" --include='*.h' --include='*.cpp' "$layer" || true
      done
    done
  )
  [ -z "$wrong" ] || { echo "$wrong" && return 1; }
}

# unit_tests PRESET: its ctest, counted.
unit_tests() {
  local log summary
  log=$(mktemp)
  ctest --preset "$1" -j"$(nproc)" 2>&1 | tee "$log" || true
  summary=$(grep -E '[0-9]+ tests failed out of [0-9]+' "$log" || true)
  rm -f "$log"
  if [[ $summary =~ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
    fail "${BASH_REMATCH[1]}"
    pass $((BASH_REMATCH[2] - BASH_REMATCH[1]))
  else
    echo "FAILED: ctest told no result"
    fail 1
  fi
}

# end_to_end_tests PRESET: all of them against its binary, counted.
end_to_end_tests() {
  local log concurrency=() status=0 name count counted=0
  log=$(mktemp)
  echo "end to end, against build/$1/picortex"
  if node --help | grep -q -- --test-concurrency; then concurrency=(--test-concurrency=2); fi
  (
    cd tests/end_to_end
    PICORTEX_BINARY=$OLDPWD/build/$1/picortex node "${concurrency[@]}" --test ./*.test.mjs
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
    echo "FAILED: the end-to-end tests ended without a result"
    fail 1
  fi
}

# The Debian package, counted.
package_tests() {
  local log
  if [ "$(id -u)" -ne 0 ]; then
    echo 'skipped: the tests of the Debian package need root, for a Debian in a folder'
    return
  fi
  log=$(mktemp)
  tests/package.sh "build/$1" 2>&1 | tee "$log" || fail 1
  pass "$(grep -c '^ok: ' "$log")"
  rm -f "$log"
}

parts=()
for argument in "$@"; do
  case $argument in
    unit | e2e | asan) parts+=("$argument") ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(unit e2e asan)

if ! has_node; then test_packages+=(nodejs npm); fi
install_packages "${test_packages[@]}"
if [[ " ${parts[*]} " =~ \ (e2e|asan)\  ]]; then
  echo "installing the packages of tests/end_to_end"
  (cd tests/end_to_end && npm ci --loglevel=error)
fi

for part in "${parts[@]}"; do
  case $part in
    unit)
      check 'sources are formatted' sources_are_formatted
      check 'includes point down' includes_point_down
      check 'scripts are clean' shellcheck -x run.sh test.sh bench.sh .ci/run cmake/packages.sh tests/package.sh deploy/debian/postinst \
        deploy/debian/prerm deploy/debian/postrm
      build dev
      unit_tests dev
      ;;
    e2e)
      build release picortex
      end_to_end_tests release
      package_tests release
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
