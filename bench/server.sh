# shellcheck shell=bash
# For the benches: runs servers on CPU 0, and reads what they cost.

work=$(mktemp -d "${BENCH_DIR:-/var/tmp}/picortex-bench.XXXXXX")
server_pid=

# start COMMAND…: in the background on CPU 0; its pid is in server_pid.
start() {
  taskset -c 0 "$@" >"$work/server.out" 2>&1 &
  server_pid=$!
}

stop() {
  [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=
}

finish() {
  stop
  rm -rf "$work"
}
trap finish EXIT

# wait_for URL: until it answers with 200 or 503, for 5 seconds at most.
wait_for() {
  for _ in $(seq 100); do
    if curl -s -o /dev/null "$1"; then return; fi
    sleep 0.05
  done
  echo "nothing answers at $1" >&2
  cat "$work/server.out" >&2
  exit 1
}

# cpu_us PID: its utime and stime so far, and those of its children, in microseconds.
cpu_us() {
  local total=0 pid fields
  for pid in "$1" $(pgrep -P "$1" || true); do
    fields=$(sed 's/.*) //' "/proc/$pid/stat")
    # shellcheck disable=SC2086 # fields 14 and 15 of stat, counted behind the name
    set -- $fields
    total=$((total + (${12} + ${13}) * 1000000 / $(getconf CLK_TCK)))
  done
  echo "$total"
}

# figure NAME FILE: the number of that name in a JSON text.
figure() {
  grep -oE "\"$1\":[0-9.]+" "$2" | head -1 | cut -d: -f2
}
