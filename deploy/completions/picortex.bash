# Completes the command line of picortex in bash. Made by: picortex completion bash
# shellcheck shell=bash

_picortex() {
  local word=${COMP_WORDS[COMP_CWORD]} path='' is_help='' flag='' commands flags valued argument i
  COMPREPLY=()
  _picortex_command "$path"
  for ((i = 1; i < COMP_CWORD; ++i)); do
    local past=${COMP_WORDS[i]}
    if [[ $past == -- && $path == run ]]; then
      _picortex_program "$i"
      return
    elif [[ $past == = ]]; then
      [[ $flag ]] || flag=${COMP_WORDS[i - 1]}
    elif [[ $flag ]]; then
      flag=
    elif [[ " $valued " == *" $past "* ]]; then
      flag=$past
    elif [[ $past == help && ! $path ]]; then
      is_help=yes
    elif [[ " $commands " == *" $past "* ]]; then
      path=${path:+$path }$past
      _picortex_command "$path"
    fi
  done
  [[ $word != = ]] || { flag=${COMP_WORDS[COMP_CWORD - 1]} && word=; }
  if [[ $is_help ]]; then
    _picortex_propose words "$commands"
  elif [[ $flag ]]; then
    _picortex_value "$path" "$flag"
  elif [[ $word == -* ]]; then
    _picortex_propose words "$flags"
  elif [[ $commands ]]; then
    _picortex_propose words "$commands"
  else
    # shellcheck disable=SC2086 # a kind and its words
    _picortex_propose $argument
  fi
}

# _picortex_propose KIND WORD…: what begins with $word.
_picortex_propose() {
  local kind=$1
  shift
  case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$*" -- "$word") ;;
    user) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
    program) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
    file | directory)
      mapfile -t COMPREPLY < <(compgen "-${kind:0:1}" -- "$word")
      compopt -o filenames 2>/dev/null
      ;;
  esac
}

# _picortex_program DASHES: another program's command line follows the word of that number.
_picortex_program() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$(($1 + 1))"
  elif ((COMP_CWORD == $1 + 1)); then
    _picortex_propose program
  else
    _picortex_propose file
  fi
}

# _picortex_command PATH: sets what may follow that command.
_picortex_command() {
  case $1 in
    '')
      commands='serve health run logs why emit turns stats chats errors doctor db forget ship token claude egress help version completion' argument='none'
      flags='-h --help --version'
      valued=''
      ;;
    'serve')
      commands='' argument='none'
      flags='-h --help --config --listen --hosts --trusted-proxies --peers --connections-max --idle-timeout-ms --header-timeout-ms --body-timeout-ms --send-timeout-ms --drain-seconds --data-dir --durability --compress-data --retention-days --max-db-bytes --min-free-bytes --log-level --log-format --log-level-format --frontend-log-max-bytes --frontend-log-rate --linq-secret --sentry-ingest --sentry-rate --telemetry-rate --chat-budget --alert-command --alert-on --tmux-socket --egress-mode --egress-user --egress-allowlist --egress-upload --egress-dns-port --check --color'
      valued='--config --listen --hosts --trusted-proxies --peers --connections-max --idle-timeout-ms --header-timeout-ms --body-timeout-ms --send-timeout-ms --drain-seconds --data-dir --durability --retention-days --max-db-bytes --min-free-bytes --log-level --log-format --log-level-format --frontend-log-max-bytes --frontend-log-rate --linq-secret --sentry-rate --telemetry-rate --chat-budget --alert-command --alert-on --tmux-socket --egress-mode --egress-user --egress-allowlist --egress-upload --egress-dns-port --color'
      ;;
    'health')
      commands='' argument='none'
      flags='-h --help --config --listen --data-dir --timeout --json --color'
      valued='--config --listen --data-dir --timeout --color'
      ;;
    'run')
      commands='' argument='none'
      flags='-h --help --config --chat --data-dir --listen --log-events --no-argv'
      valued='--config --chat --data-dir --listen --log-events'
      ;;
    'logs')
      commands='' argument='none'
      flags='-h --help --config --data-dir --from --host --chat --request --type --level --since --until --text --where -n --limit --around --ids -f --follow --chart --json --utc --color --no-pager'
      valued='--config --data-dir --from --host --chat --request --type --level --since --until --text --where -n --limit --around --color'
      ;;
    'why')
      commands='' argument='none'
      flags='-h --help --config --data-dir --from --host --chat --last --json --utc --color --no-pager'
      valued='--config --data-dir --from --host --chat --color'
      ;;
    'emit')
      commands='' argument='none'
      flags='-h --help --config --chat --request --level --msg --data-dir --listen'
      valued='--config --chat --request --level --msg --data-dir --listen'
      ;;
    'turns')
      commands='' argument='none'
      flags='-h --help --config --data-dir --from --host --chat --since --until --sort -n --limit --json --utc --color --no-pager'
      valued='--config --data-dir --from --host --chat --since --until --sort -n --limit --color'
      ;;
    'stats')
      commands='' argument='none'
      flags='-h --help --config --data-dir --from --host --chat --request --type --level --since --until --text --where --by --count --sum --max --p50 --p95 --chart -n --limit --json --utc --color --no-pager'
      valued='--config --data-dir --from --host --chat --request --type --level --since --until --text --where --by --sum --max --p50 --p95 -n --limit --color'
      ;;
    'chats')
      commands='' argument='none'
      flags='-h --help --config --data-dir --from --host --chat --request --type --level --since --until --text --where -n --limit --json --utc --color --no-pager'
      valued='--config --data-dir --from --host --chat --request --type --level --since --until --text --where -n --limit --color'
      ;;
    'errors')
      commands='' argument='none'
      flags='-h --help --config --data-dir --from --host --listen --chat --request --type --level --since --until --text --where --all --mute --resolve --open -n --limit --json --utc --color --no-pager'
      valued='--config --data-dir --from --host --listen --chat --request --type --level --since --until --text --where --mute --resolve --open -n --limit --color'
      ;;
    'doctor')
      commands='' argument='none'
      flags='-h --help --config --data-dir --listen --client-user --json --color'
      valued='--config --data-dir --listen --client-user --color'
      ;;
    'db')
      commands='check backup restore export import' argument='none'
      flags='-h --help'
      valued=''
      ;;
    'db check')
      commands='' argument='none'
      flags='-h --help --config --data-dir'
      valued='--config --data-dir'
      ;;
    'db backup')
      commands='' argument='file'
      flags='-h --help --config --data-dir'
      valued='--config --data-dir'
      ;;
    'db restore')
      commands='' argument='file'
      flags='-h --help --config --data-dir'
      valued='--config --data-dir'
      ;;
    'db export')
      commands='' argument='none'
      flags='-h --help --config --data-dir --since --until'
      valued='--config --data-dir --since --until'
      ;;
    'db import')
      commands='' argument='file'
      flags='-h --help --config --data-dir --retention-days'
      valued='--config --data-dir --retention-days'
      ;;
    'forget')
      commands='' argument='none'
      flags='-h --help --config --chat --yes --listen --data-dir'
      valued='--config --chat --listen --data-dir'
      ;;
    'ship')
      commands='init status' argument='none'
      flags='-h --help --config --to --host --data-dir'
      valued='--config --to --host --data-dir'
      ;;
    'ship init')
      commands='' argument='none'
      flags='-h --help --config --to --apply --data-dir'
      valued='--config --to --data-dir'
      ;;
    'ship status')
      commands='' argument='none'
      flags='-h --help --config --data-dir --json'
      valued='--config --data-dir'
      ;;
    'token')
      commands='create list revoke rotate' argument='none'
      flags='-h --help'
      valued=''
      ;;
    'token create')
      commands='' argument='none'
      flags='-h --help --config --scope --data-dir'
      valued='--config --scope --data-dir'
      ;;
    'token list')
      commands='' argument='none'
      flags='-h --help --config --data-dir'
      valued='--config --data-dir'
      ;;
    'token revoke')
      commands='' argument='none'
      flags='-h --help --config --data-dir'
      valued='--config --data-dir'
      ;;
    'token rotate')
      commands='' argument='none'
      flags='-h --help --config --data-dir'
      valued='--config --data-dir'
      ;;
    'claude')
      commands='install status remove hook' argument='none'
      flags='-h --help'
      valued=''
      ;;
    'claude install')
      commands='' argument='none'
      flags='-h --help --config --user --listen --data-dir'
      valued='--config --user --listen --data-dir'
      ;;
    'claude status')
      commands='' argument='none'
      flags='-h --help --config --user --listen --data-dir'
      valued='--config --user --listen --data-dir'
      ;;
    'claude remove')
      commands='' argument='none'
      flags='-h --help --config --user --listen --data-dir'
      valued='--config --user --listen --data-dir'
      ;;
    'claude hook')
      commands='' argument='none'
      flags='-h --help --config --user --listen --data-dir'
      valued='--config --user --listen --data-dir'
      ;;
    'egress')
      commands='allow deny list hosts test why request proposals approve suggest selftest install remove status' argument='none'
      flags='-h --help'
      valued=''
      ;;
    'egress allow')
      commands='' argument='none'
      flags='-h --help --config --for --upload --yes --egress-allowlist --data-dir'
      valued='--config --for --upload --egress-allowlist --data-dir'
      ;;
    'egress deny')
      commands='' argument='none'
      flags='-h --help --config --egress-allowlist --data-dir'
      valued='--config --egress-allowlist --data-dir'
      ;;
    'egress list')
      commands='' argument='none'
      flags='-h --help --config --egress-allowlist --data-dir --listen --grants -n --limit'
      valued='--config --egress-allowlist --data-dir --listen -n --limit'
      ;;
    'egress hosts')
      commands='' argument='none'
      flags='-h --help --config --text --verdict -n --limit --data-dir --utc'
      valued='--config --text --verdict -n --limit --data-dir'
      ;;
    'egress test')
      commands='' argument='none'
      flags='-h --help --config --edit --since --json --egress-allowlist --data-dir'
      valued='--config --edit --since --egress-allowlist --data-dir'
      ;;
    'egress why')
      commands='' argument='none'
      flags='-h --help --config --json --data-dir --listen'
      valued='--config --data-dir --listen'
      ;;
    'egress request')
      commands='' argument='none'
      flags='-h --help --config --reason --data-dir --listen'
      valued='--config --reason --data-dir --listen'
      ;;
    'egress proposals')
      commands='' argument='none'
      flags='-h --help --config --egress-allowlist --data-dir'
      valued='--config --egress-allowlist --data-dir'
      ;;
    'egress approve')
      commands='' argument='none'
      flags='-h --help --config --for --upload --yes --egress-allowlist --data-dir'
      valued='--config --for --upload --egress-allowlist --data-dir'
      ;;
    'egress suggest')
      commands='' argument='none'
      flags='-h --help --config --egress-allowlist --data-dir'
      valued='--config --egress-allowlist --data-dir'
      ;;
    'egress selftest')
      commands='' argument='none'
      flags='-h --help --config --egress-user --target --allowed-host --forbidden-host --open-domain --allowed-http-host --oracle'
      valued='--config --egress-user --target --allowed-host --forbidden-host --open-domain --allowed-http-host --oracle'
      ;;
    'egress install')
      commands='' argument='none'
      flags='-h --help --config --egress-mode --egress-user --listen --egress-dns-port --egress-allowlist --egress-upload --data-dir'
      valued='--config --egress-mode --egress-user --listen --egress-dns-port --egress-allowlist --egress-upload --data-dir'
      ;;
    'egress remove')
      commands='' argument='none'
      flags='-h --help --config --egress-mode --egress-user --listen --egress-dns-port --egress-allowlist --egress-upload --data-dir'
      valued='--config --egress-mode --egress-user --listen --egress-dns-port --egress-allowlist --egress-upload --data-dir'
      ;;
    'egress status')
      commands='' argument='none'
      flags='-h --help --config --egress-mode --egress-user --listen --egress-dns-port --egress-allowlist --egress-upload --data-dir'
      valued='--config --egress-mode --egress-user --listen --egress-dns-port --egress-allowlist --egress-upload --data-dir'
      ;;
    'help')
      commands='' argument='none'
      flags='-h --help'
      valued=''
      ;;
    'version')
      commands='' argument='none'
      flags='-h --help'
      valued=''
      ;;
    'completion')
      commands='' argument='words bash zsh fish'
      flags='-h --help'
      valued=''
      ;;
  esac
}

# _picortex_value PATH FLAG: proposes values of that command's flag.
_picortex_value() {
  case "$1 $2" in
    'serve --config') _picortex_propose file ;;
    'serve --data-dir') _picortex_propose directory ;;
    'serve --durability') _picortex_propose words power process ;;
    'serve --log-level') _picortex_propose words trace debug info warn error fatal ;;
    'serve --log-format') _picortex_propose words auto json pretty ;;
    'serve --log-level-format') _picortex_propose words label number ;;
    'serve --alert-command') _picortex_propose program ;;
    'serve --tmux-socket') _picortex_propose file ;;
    'serve --egress-mode') _picortex_propose words off learn enforce ;;
    'serve --egress-user') _picortex_propose user ;;
    'serve --egress-allowlist') _picortex_propose file ;;
    'serve --color') _picortex_propose words auto always never ;;
    'health --config') _picortex_propose file ;;
    'health --data-dir') _picortex_propose directory ;;
    'health --color') _picortex_propose words auto always never ;;
    'run --config') _picortex_propose file ;;
    'run --data-dir') _picortex_propose directory ;;
    'run --log-events') _picortex_propose words always never auto ;;
    'logs --config') _picortex_propose file ;;
    'logs --data-dir') _picortex_propose directory ;;
    'logs --level') _picortex_propose words trace debug info warn error fatal ;;
    'logs --color') _picortex_propose words auto always never ;;
    'why --config') _picortex_propose file ;;
    'why --data-dir') _picortex_propose directory ;;
    'why --color') _picortex_propose words auto always never ;;
    'emit --config') _picortex_propose file ;;
    'emit --level') _picortex_propose words trace debug info warn error fatal ;;
    'emit --data-dir') _picortex_propose directory ;;
    'turns --config') _picortex_propose file ;;
    'turns --data-dir') _picortex_propose directory ;;
    'turns --sort') _picortex_propose words start cost duration tokens errors upload ;;
    'turns --color') _picortex_propose words auto always never ;;
    'stats --config') _picortex_propose file ;;
    'stats --data-dir') _picortex_propose directory ;;
    'stats --level') _picortex_propose words trace debug info warn error fatal ;;
    'stats --color') _picortex_propose words auto always never ;;
    'chats --config') _picortex_propose file ;;
    'chats --data-dir') _picortex_propose directory ;;
    'chats --level') _picortex_propose words trace debug info warn error fatal ;;
    'chats --color') _picortex_propose words auto always never ;;
    'errors --config') _picortex_propose file ;;
    'errors --data-dir') _picortex_propose directory ;;
    'errors --level') _picortex_propose words trace debug info warn error fatal ;;
    'errors --color') _picortex_propose words auto always never ;;
    'doctor --config') _picortex_propose file ;;
    'doctor --data-dir') _picortex_propose directory ;;
    'doctor --client-user') _picortex_propose user ;;
    'doctor --color') _picortex_propose words auto always never ;;
    'db check --config') _picortex_propose file ;;
    'db check --data-dir') _picortex_propose directory ;;
    'db backup --config') _picortex_propose file ;;
    'db backup --data-dir') _picortex_propose directory ;;
    'db restore --config') _picortex_propose file ;;
    'db restore --data-dir') _picortex_propose directory ;;
    'db export --config') _picortex_propose file ;;
    'db export --data-dir') _picortex_propose directory ;;
    'db import --config') _picortex_propose file ;;
    'db import --data-dir') _picortex_propose directory ;;
    'forget --config') _picortex_propose file ;;
    'forget --data-dir') _picortex_propose directory ;;
    'ship --config') _picortex_propose file ;;
    'ship --data-dir') _picortex_propose directory ;;
    'ship init --config') _picortex_propose file ;;
    'ship init --data-dir') _picortex_propose directory ;;
    'ship status --config') _picortex_propose file ;;
    'ship status --data-dir') _picortex_propose directory ;;
    'token create --config') _picortex_propose file ;;
    'token create --data-dir') _picortex_propose directory ;;
    'token list --config') _picortex_propose file ;;
    'token list --data-dir') _picortex_propose directory ;;
    'token revoke --config') _picortex_propose file ;;
    'token revoke --data-dir') _picortex_propose directory ;;
    'token rotate --config') _picortex_propose file ;;
    'token rotate --data-dir') _picortex_propose directory ;;
    'claude install --config') _picortex_propose file ;;
    'claude install --user') _picortex_propose user ;;
    'claude install --data-dir') _picortex_propose directory ;;
    'claude status --config') _picortex_propose file ;;
    'claude status --user') _picortex_propose user ;;
    'claude status --data-dir') _picortex_propose directory ;;
    'claude remove --config') _picortex_propose file ;;
    'claude remove --user') _picortex_propose user ;;
    'claude remove --data-dir') _picortex_propose directory ;;
    'claude hook --config') _picortex_propose file ;;
    'claude hook --user') _picortex_propose user ;;
    'claude hook --data-dir') _picortex_propose directory ;;
    'egress allow --config') _picortex_propose file ;;
    'egress allow --egress-allowlist') _picortex_propose file ;;
    'egress allow --data-dir') _picortex_propose directory ;;
    'egress deny --config') _picortex_propose file ;;
    'egress deny --egress-allowlist') _picortex_propose file ;;
    'egress deny --data-dir') _picortex_propose directory ;;
    'egress list --config') _picortex_propose file ;;
    'egress list --egress-allowlist') _picortex_propose file ;;
    'egress list --data-dir') _picortex_propose directory ;;
    'egress hosts --config') _picortex_propose file ;;
    'egress hosts --verdict') _picortex_propose words any denied allowed ;;
    'egress hosts --data-dir') _picortex_propose directory ;;
    'egress test --config') _picortex_propose file ;;
    'egress test --edit') _picortex_propose file ;;
    'egress test --egress-allowlist') _picortex_propose file ;;
    'egress test --data-dir') _picortex_propose directory ;;
    'egress why --config') _picortex_propose file ;;
    'egress why --data-dir') _picortex_propose directory ;;
    'egress request --config') _picortex_propose file ;;
    'egress request --data-dir') _picortex_propose directory ;;
    'egress proposals --config') _picortex_propose file ;;
    'egress proposals --egress-allowlist') _picortex_propose file ;;
    'egress proposals --data-dir') _picortex_propose directory ;;
    'egress approve --config') _picortex_propose file ;;
    'egress approve --egress-allowlist') _picortex_propose file ;;
    'egress approve --data-dir') _picortex_propose directory ;;
    'egress suggest --config') _picortex_propose file ;;
    'egress suggest --egress-allowlist') _picortex_propose file ;;
    'egress suggest --data-dir') _picortex_propose directory ;;
    'egress selftest --config') _picortex_propose file ;;
    'egress selftest --egress-user') _picortex_propose user ;;
    'egress install --config') _picortex_propose file ;;
    'egress install --egress-mode') _picortex_propose words off learn enforce ;;
    'egress install --egress-user') _picortex_propose user ;;
    'egress install --egress-allowlist') _picortex_propose file ;;
    'egress install --data-dir') _picortex_propose directory ;;
    'egress remove --config') _picortex_propose file ;;
    'egress remove --egress-mode') _picortex_propose words off learn enforce ;;
    'egress remove --egress-user') _picortex_propose user ;;
    'egress remove --egress-allowlist') _picortex_propose file ;;
    'egress remove --data-dir') _picortex_propose directory ;;
    'egress status --config') _picortex_propose file ;;
    'egress status --egress-mode') _picortex_propose words off learn enforce ;;
    'egress status --egress-user') _picortex_propose user ;;
    'egress status --egress-allowlist') _picortex_propose file ;;
    'egress status --data-dir') _picortex_propose directory ;;
  esac
}

complete -F _picortex picortex
