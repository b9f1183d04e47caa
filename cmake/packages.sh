# The Debian 12 packages that run.sh, test.sh and bench.sh need, and how they get them. Sourced, never run.
# shellcheck shell=bash disable=SC2034

# To build and try the daemon.
build_packages=(
  cmake ninja-build g++ pkg-config git ca-certificates curl
  liburing-dev node-llhttp libsimdjson-dev libsqlite3-dev uuid-dev libssl-dev zlib1g-dev
  libbrotli-dev libzstd-dev libfmt-dev libcli11-dev libprotozero-dev
  libboost-test-dev libnetfilter-queue-dev libmnl-dev libpsl-dev libcurl4-openssl-dev
)

# To test it as well.
test_packages=("${build_packages[@]}" clang-format clang-tidy shellcheck sqlite3 tmux lnav util-linux mount coreutils
  iptables iproute2 e2fsprogs systemd dnsmasq-base nginx-light caddy bind9-dnsutils openssl python3
  dpkg-dev debootstrap man-db zstd clickhouse-server libzookeeper-java
  default-jre-headless protobuf-compiler zsh fish)

# To build it for arm64, and to start it on an emulated machine.
arm64_packages=(g++-12-aarch64-linux-gnu qemu-system-arm cpio dpkg-dev)

# To measure it and its peers; make and python3 compile better-sqlite3.
bench_packages=("${build_packages[@]}" libbenchmark-dev wrk nginx-light util-linux coreutils valgrind make python3
  iptables iproute2 ipset dnsmasq-base tmux sqlite3)

# What the fence is measured next to. They bring services of the same names, except squid-openssl.
fence_peer_packages=(haproxy squid-openssl opensnitch)

# has_node: is there a Node.js that can run the end-to-end tests?
has_node() {
  local major
  command -v npm >/dev/null && major=$(node --print 'process.versions.node.split(".")[0]' 2>/dev/null) &&
    [ "$major" -ge 18 ]
}

# install_packages NAME…: installs those that are missing; needs root or sudo only when some are.
install_packages() {
  local name missing=() as_root=() log
  for name in "$@"; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "error: run this as root once, or install: ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "installing ${#missing[@]} packages: ${missing[*]}"
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "error: apt-get could not install: ${missing[*]}" >&2
    return 1
  fi
  rm -f "$log"
}

# show_progress WHAT: reads ninja's output, and shows how far it is: on a terminal in one line, else every tenth part.
show_progress() {
  local line percent shown=0
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    percent=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))
    if [ -t 1 ]; then
      printf '\rbuilding %s: step %d of %d' "$1" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    elif [ "$percent" -ge $((shown + 10)) ]; then
      shown=$((percent - percent % 10))
      echo "building $1: $shown %"
    fi
  done
  if [ -t 1 ]; then printf '\r\033[K'; fi
}

# build PRESET [TARGET…]: configures and builds it; the compiler's output is shown if it fails.
build() {
  local preset=$1 log targets=() started=$SECONDS
  shift
  [ $# -eq 0 ] || targets=(--target "$@")
  log=$(mktemp)
  echo "building $preset"
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" -j"$(nproc)" "${targets[@]}"; } 2>&1 |
    tee "$log" | show_progress "$preset"; then
    cat "$log" >&2
    rm -f "$log"
    echo "error: the $preset build failed" >&2
    return 1
  fi
  rm -f "$log"
  echo "built build/$preset in $((SECONDS - started)) s"
}
