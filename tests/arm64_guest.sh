#!/bin/bash
# The first process of the machine that tests/arm64.sh starts: installs the package, tries the daemon over loopback, and powers off.
set -euo pipefail
export PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive PICORTEX_TMUX_SOCKET=none
readonly url=http://127.0.0.1:8787
readonly log=/run/picortex.log
passed=0
daemon=

power_off() {
  echo o >/proc/sysrq-trigger
  sleep 60  # the kernel does it a moment later
}
trap power_off EXIT

# expect WHAT COMMAND…: counts it, or ends the test with what it said.
expect() {
  local what=$1
  shift
  # In this shell, of which the daemon is a child.
  if ! "$@" >/run/output 2>&1; then
    echo "FAILED: $what"
    tail -n 100 /run/output "$log"
    exit 1
  fi
  echo "ok: $what"
  passed=$((passed + 1))
}

# As the package's unit does: its user, and the capabilities that the fence needs.
start_daemon() {
  local capabilities=+net_admin,+sys_ptrace,+dac_read_search
  setpriv --reuid=picortex --regid=picortex --clear-groups --inh-caps=$capabilities --ambient-caps=$capabilities \
    picortex serve >>"$log" 2>&1 &
  daemon=$!
}

is_healthy() {
  until [ "$(curl -s --max-time 10 -o /run/health -w "%{http_code}" "$url/health")" = 200 ]; do
    kill -0 "$daemon" || return 1
  done
}

stop_daemon() {
  kill -TERM "$daemon" && wait "$daemon"
}

post_event() {
  curl -fsS -H "Authorization: Bearer $(cat /var/lib/picortex/token)" -H 'Content-Type: application/json' \
    -d '{"event_type":"arm64.posted","chat_id":"chat-1","level":"error","msg":"grüße, 世界 17"}' "$url/api/events" | grep '"accepted":1'
}

# has_event TYPE TEXT
has_event() {
  picortex logs --json --type "$1" | grep -F "$2"
}

# Where `char` is signed, as on amd64, the error has the same fingerprint.
has_fingerprint() {
  picortex errors --json | grep -F '"fingerprint":"a0527a3b187d0344"'
}

# Its findings about a machine this bare are warnings.
doctor_answers() {
  local findings
  findings=$(picortex doctor --json) || [ $? -eq 1 ]
  echo "$findings"
  grep -q '"check":"kernel.io_uring","severity":"ok"' <<<"$findings" && ! grep -q '"severity":"problem"' <<<"$findings"
}

# The fence around a user, with the kernel's packet queue. What needs another machine is skipped.
fence_holds() {
  picortex egress selftest --oracle 192.0.2.1 && has_event egress.rejected '"host":"192.0.2.1"'
}

: >"$log"
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
depmod  # the kernel loads its diagnosis of sockets and its packet filter by itself
ip link set lo up
ip address add 192.0.2.1/32 dev lo

expect 'it is arm64' test "$(uname -m)" = aarch64
expect 'it installs' dpkg --install /tmp/picortex.deb
expect 'it runs' picortex --version
install -d -o picortex -g picortex -m 0700 /var/lib/picortex

begin=${EPOCHREALTIME/./}
start_daemon
expect 'it starts' is_healthy
echo "/health answered 200 after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
expect 'it stores an event' post_event
expect 'logs has the event' has_event arm64.posted 'grüße, 世界 17'
expect 'its fingerprint is that of amd64' has_fingerprint
expect 'emit sends one' picortex emit arm64.emitted --chat chat-1 --msg 'sent by emit' size:=1
expect 'logs has that one too' has_event arm64.emitted 'sent by emit'
expect 'doctor answers' doctor_answers
expect 'SIGTERM ends it with 0' stop_daemon
start_daemon
expect 'it starts again' is_healthy
expect 'the events are kept' has_event arm64.posted 'grüße, 世界 17'
expect 'SIGTERM ends it with 0 again' stop_daemon

adduser --system --quiet --no-create-home fenced
export PICORTEX_EGRESS_MODE=enforce PICORTEX_EGRESS_USER=fenced
start_daemon
expect 'it starts with a fence' is_healthy
expect 'the fence holds' fence_holds
expect 'its rules are as expected' picortex egress status
expect 'SIGTERM ends it with 0, fenced' stop_daemon
echo "$passed passed, 0 failed"
