#!/usr/bin/env bash
# POST /api/events, one event a request, 64 connections: durable answers a second, the longest turn of the loop meanwhile,
# memory when idle, and bytes that an event takes on disk. The server on CPU 0, wrk on CPU 1, LOG_LEVEL=warn (at info
# each request logs a line).
#
#   events_bench.sh [SECONDS]   (10; needs wrk, curl, taskset)
#
# PICORTEX_BINARY: build/release/picortex. BENCH_DIR: where the data go, on a real disk (/var/tmp).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=bench/server.sh
. ./server.sh

binary=${PICORTEX_BINARY:-../build/release/picortex}
seconds=${1:-10}
url=http://127.0.0.1:18701
data=$work/data

status() {
  curl -sf -H "Authorization: Bearer $TOKEN" "$url/api/status" >"$work/status"
}

start env LOG_LEVEL=warn "$binary" serve --listen 127.0.0.1:18701 --data-dir "$data"
wait_for "$url/health"
TOKEN=$(cat "$data/token")
export TOKEN
sleep 1
idle=$(awk '/VmRSS/ { print $2 }' "/proc/$server_pid/status")
before=$(cpu_us "$server_pid")
taskset -c 1 wrk -t1 -c64 -d"${seconds}s" --latency -s post_event.lua "$url/api/events" >"$work/wrk.out"
after=$(cpu_us "$server_pid")
status
loaded=$(awk '/VmRSS/ { print $2 }' "/proc/$server_pid/status")
cat "$work/wrk.out"
if grep -q 'Non-2xx' "$work/wrk.out"; then exit 1; fi
stop

stored=$(figure events "$work/status")
bytes=$(du -cb "$data"/picortex.db* | awk 'END { print $1 }')
echo "events stored: $stored, $(figure events_per_commit "$work/status") a commit, CPU $((
  (after - before) / stored)) us each"
echo "longest turn: $(figure longest_turn_ms "$work/status") ms, longest hold of the store: $(
  figure longest_hold_ms "$work/status") ms"
echo "resident: $idle kB idle, $loaded kB after the run"
echo "on disk after the end: $((bytes / stored)) bytes an event"
