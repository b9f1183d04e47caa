#!/usr/bin/env bash
# Builds picortex on a Debian 12 machine and starts it: packages, release build, daemon with logs for people.
# Arguments go to `picortex serve`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=cmake/packages.sh
. cmake/packages.sh

export PICORTEX_LISTEN=${PICORTEX_LISTEN:-127.0.0.1:8787}
export PICORTEX_DATA_DIR=${PICORTEX_DATA_DIR:-$PWD/var}
export PICORTEX_LOG_FORMAT=${PICORTEX_LOG_FORMAT:-pretty}

# Where the daemon will be, as its arguments have the last word.
listen=$PICORTEX_LISTEN
data_dir=$PICORTEX_DATA_DIR
previous=
for argument in "$@"; do
  case $previous in
    --listen) listen=$argument ;;
    --data-dir) data_dir=$argument ;;
  esac
  case $argument in
    --listen=*) listen=${argument#*=} ;;
    --data-dir=*) data_dir=${argument#*=} ;;
    -h | --help) help=yes ;;
  esac
  previous=$argument
done

case $listen in
  unix:*) url="--unix-socket $(printf %q "${listen#unix:}") http://localhost" ;;
  *) url=http://$listen ;;
esac

if [ -z "${help:-}" ]; then
  case $listen in
    unix:*) page='' ;;
    *) page="The page will be at $url/" ;;
  esac
  cat <<END
picortex will listen on $listen and keep its data in $data_dir
${page:+$page
}Once it says that it is listening, try these from another terminal (Ctrl-C ends it):

  curl -i $url/health
  curl -i -H 'Content-Type: application/json' -d '{"level":"info","message":"hello from a page"}' $url/api/frontend-log
  curl -i -H "Authorization: Bearer \$(cat $(printf %q "$data_dir/token"))" -H 'Content-Type: application/json' -d '{"event_type":"linq.inbound","chat_id":"chat-1","msg":"hello from a chat"}' $url/api/events

END
  case $listen in
    127.0.0.1:* | localhost:*)
      if (exec 3<>"/dev/tcp/127.0.0.1/${listen##*:}") 2>/dev/null; then
        echo "error: port ${listen##*:} is taken; stop what listens there, or: ./run.sh --listen 127.0.0.1:PORT" >&2
        exit 1
      fi
      ;;
  esac
fi

install_packages "${build_packages[@]}"
build release picortex
exec build/release/picortex serve "$@"
