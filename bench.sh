#!/usr/bin/env bash
# Measures picortex and its peers: installs what that needs, builds a release, runs the scenarios, prints the table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=cmake/packages.sh
. cmake/packages.sh

scenarios='health frontend-log events durable otlp idle ingest log stall mixed micro start questions queries verdicts soak transport ship no-target page fleet growth'

usage() {
  cat <<END
usage: ./bench.sh [OPTION…] [SCENARIO…]

  health        GET /health with 1, 64 and 512 connections, from a client that costs little, and pipelined by 16
  frontend-log  POST /api/frontend-log, the rate limit lifted
  events        POST /api/events, one by one and in batches of 100, each answer durable
  durable       the same one by one, by 1, 16, 64 and 512 connections, next to servers that only store and sync
  otlp          POST /v1/logs in bodies of 512 records, JSON and protobuf, next to the app, which stores them without a sync
  idle          memory with 0, 1,000 and 10,000 idle connections
  ingest        /health while events come at half the rate that is possible
  log           a log line for each request, to a pipe
  stall         how long the store holds the loop at 5,000 and 20,000 events a second
  mixed         health polls, events and a live tail at once
  micro         parts of the hot paths: CPU time and instructions
  start         start to first answer on a database of --events
  questions     events one by one on that database, with and without somebody who asks meanwhile
  queries       first pages of queries on a database of --events
  verdicts      the egress fence, in network namespaces (root); when it is named, next to other fences too: haproxy, squid-openssl and
                opensnitch are installed for that, and their services switched off
  soak          disk, memory and the longest iteration near the size limit, with queries, streams, backups and a slow reader
  transport     what picortex/pino costs the bot's event loop, next to pino to a file
  page          frames a second and heap of the page's live list at 200 events/s (chromium-headless-shell); only when it is named
  ship          a store shipped to a ClickHouse server, next to clickhouse-client with the same rows, and to the ingest that fed it
                (clickhouse-server, clickhouse-client); only when it is named
  no-target     CPU and disk of storing events without a target of picortex ship, and with one
  fleet         five hosts ship to two ClickHouse servers that are killed, paused, cut off and full, in network namespaces
                (root, clickhouse-server); only when it is named
  growth        what events, pages, starts, requests, matches and look-ups cost as there are more events, connections, allowlist rules,
                names in the DNS cache and chats: from few to --growth-events, --growth-connections, 100,000, 65,536 and 100,000

  --rounds N         rounds of each contestant, in turn (5)
  --seconds N        length of a round (3)
  --stall-seconds N  length of each run of stall (60)
  --soak-seconds N   length of soak (900)
  --page-seconds N   length of page (300)
  --ship-events N    events of ship (300000)
  --fleet-seconds N  length of fleet (600)
  --fleet-rate N     events a second of all hosts of fleet (5000)
  --growth-events N  the most events of growth (1000000; 10000000 takes 5 GB below BENCH_DIR, 100000000 takes 50)
  --growth-connections N
                     the most connections of growth (50000)
  --events N         events of start and queries (10000000: takes minutes and 10 GB below BENCH_DIR)
  --out DIRECTORY    where results.md and results.json go (build/bench)

Without a SCENARIO all of them run, except ship, page and fleet. The contestants: picortex, nginx, the founding document's own stack (Fastify, pino,
better-sqlite3: bench/peers), and null servers, which only send a canned answer, or store a body and sync it first. BENCH_DIR is where data go, on a real
disk (/var/tmp). PICORTEX_BINARY measures another build. Exit status: 0 done, 1 a scenario failed, 2 wrong usage.
END
}

# check_value OPTION VALUE: numbers are from 1 on.
check_value() {
  [ "$1" = --out ] && [ -n "$2" ] && return
  [[ $2 =~ ^[1-9][0-9]{0,9}$ ]] || { echo "bench.sh: $1 takes a whole number from 1 on, not '$2'" >&2 && exit 2; }
}

arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --rounds | --seconds | --stall-seconds | --soak-seconds | --page-seconds | --ship-events | --fleet-seconds | --fleet-rate | --growth-events | --growth-connections | --events | --out)
      [ $# -gt 1 ] || { usage >&2 && exit 2; }
      check_value "$1" "$2"
      arguments+=("$1" "$2")
      shift
      ;;
    --rounds=* | --seconds=* | --stall-seconds=* | --soak-seconds=* | --page-seconds=* | --ship-events=* | --fleet-seconds=* | --fleet-rate=* | --growth-events=* | --growth-connections=* | --events=* | --out=*)
      check_value "${1%%=*}" "${1#*=}"
      arguments+=("$1")
      ;;
    *)
      [[ " $scenarios " == *" $1 "* ]] || { echo "bench.sh: there is no scenario $1" >&2 && usage >&2 && exit 2; }
      arguments+=("$1")
      ;;
  esac
  shift
done

# Other fences, as far as they can be installed: the bench names those that are missing. Their services must not run, neither now
# (invoke-rc.d(8)) nor after the next start of this machine.
install_fence_peers() {
  local name policy=/usr/sbin/policy-rc.d status
  [ "$(id -u)" -eq 0 ] || return 0
  for name in "${fence_peer_packages[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null || true)
    if [ "$status" = installed ] || [ -e "$policy" ]; then continue; fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    install_packages "$name" || true
    rm -f "$policy"
    if command -v systemctl >/dev/null; then systemctl --quiet disable "${name%-openssl}" 2>/dev/null || true; fi
  done
}

if ! has_node; then bench_packages+=(nodejs npm); fi
[[ " ${arguments[*]} " != *" page "* ]] || bench_packages+=(chromium-headless-shell)
[[ " ${arguments[*]} " != *" fleet "* ]] || bench_packages+=(clickhouse-server curl iproute2 e2fsprogs mount)
[[ " ${arguments[*]} " != *" ship "* ]] || bench_packages+=(clickhouse-server clickhouse-client curl)
install_packages "${bench_packages[@]}"
if [[ " ${arguments[*]} " == *" verdicts "* ]]; then install_fence_peers; fi

# install_modules DIRECTORY
install_modules() {
  if [ -d "$1/node_modules" ] && [ ! "$1/package-lock.json" -nt "$1/node_modules" ]; then return; fi
  echo "installing the packages of $1 (better-sqlite3 may have to be compiled)"
  (cd "$1" && npm ci --loglevel=error --no-audit --no-fund && touch node_modules)
}
install_modules bench/peers
[[ " ${arguments[*]} " != *" page "* ]] || install_modules tests/end_to_end
build release picortex bench/all

for port in 18701 18702 18703 18704 18705; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "error: port $port is taken; the contestants listen on 18701 to 18705" >&2
    exit 1
  fi
done

# 10,000 connections on both sides.
ulimit -n "$(ulimit -Hn)"

exec node bench/run.mjs "${arguments[@]}"
