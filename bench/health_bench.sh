#!/usr/bin/env bash
# GET /health of picortex beside nginx, which returns the same body from its configuration: requests a second and the
# server's CPU time for each. In turn, several rounds; the server on CPU 0, wrk on CPU 1.
#
#   health_bench.sh [ROUNDS [SECONDS]]   (5 rounds of 5 seconds; needs nginx, wrk, curl, taskset)
#
# PICORTEX_BINARY: build/release/picortex. BENCH_DIR: where the data go, on a real disk (/var/tmp).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=bench/server.sh
. ./server.sh

binary=${PICORTEX_BINARY:-../build/release/picortex}
rounds=${1:-5}
seconds=${2:-5}
connections=64

start_picortex() {
  start env LOG_LEVEL=info "$binary" serve --listen 127.0.0.1:18701 --data-dir "$work/data"
}

write_nginx_configuration() {
  cat >"$work/nginx.conf" <<END
daemon off; master_process off; worker_processes 1; pid $work/nginx.pid; error_log $work/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 4294967295; keepalive_timeout 75s; default_type "application/json; charset=utf-8";
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4;
  scgi_temp_path $work/t5;
  server { listen 127.0.0.1:18702; location = /health { return 200 '$(cat "$work/body")'; } }
}
END
}

# measure NAME URL: one round against the server that runs.
measure() {
  local before after answered
  wait_for "$2"
  wrk -t1 -c"$connections" -d1s "$2" >/dev/null
  before=$(cpu_us "$server_pid")
  taskset -c 1 wrk -t1 -c"$connections" -d"${seconds}s" --latency "$2" >"$work/wrk.out"
  after=$(cpu_us "$server_pid")
  if grep -q 'Non-2xx' "$work/wrk.out"; then
    cat "$work/wrk.out"
    exit 1
  fi
  answered=$(awk '/requests in/ { print $1 }' "$work/wrk.out")
  awk -v name="$1" -v cpu=$((after - before)) -v answered="$answered" '
    /Requests\/sec/ { rate = $2 } $1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 }
    END { printf "%s %.0f %.2f %s %s\n", name, rate, cpu / answered, p50, p99 }' "$work/wrk.out" |
    tee -a "$work/figures" | awk '{ printf "%-10s %9s %10s %10s %10s\n", $1, $2, $3, $4, $5 }'
}

start_picortex
wait_for http://127.0.0.1:18701/health
curl -s http://127.0.0.1:18701/health >"$work/body"
stop
write_nginx_configuration

printf '%-10s %9s %10s %10s %10s\n' server requests/s 'CPU us/req' p50 p99
for _ in $(seq "$rounds"); do
  start_picortex
  measure picortex http://127.0.0.1:18701/health
  stop
  start nginx -p "$work" -c "$work/nginx.conf"
  measure nginx http://127.0.0.1:18702/health
  stop
done

awk '
  function median(list, n,    i, j, t, a) {
    split(list, a, " ")
    for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (a[j] + 0 < a[i] + 0) { t = a[i]; a[i] = a[j]; a[j] = t }
    return (a[int((n + 1) / 2)] + a[int(n / 2) + 1]) / 2
  }
  { rates[$1] = rates[$1] " " $2; costs[$1] = costs[$1] " " $3; count[$1]++ }
  END {
    for (name in count) { rate[name] = median(rates[name], count[name]); cost[name] = median(costs[name], count[name]) }
    printf "medians: picortex %.0f/s, %.2f us; nginx %.0f/s, %.2f us\n",
      rate["picortex"], cost["picortex"], rate["nginx"], cost["nginx"]
    printf "picortex to nginx: %.2f times the requests/s, %.2f times the CPU a request\n",
      rate["picortex"] / rate["nginx"], cost["picortex"] / cost["nginx"]
  }' "$work/figures"
