#!/usr/bin/env bash
# Fails when an include points up, or when a library's header is included outside of the files that wrap it.
# The arrows are those of ARCHITECTURE.md. The linker catches most calls against them; this also catches headers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# "FOLDER INCLUDABLE": what the files of a folder and its sub-folders may include, as a regular expression of folders. The longest
# folder that matches a file decides, and a file in a folder that is not listed is an error.
readonly layers='
base                      base
reactor                   reactor|base
storage                   storage|base
storage/query             storage|base
storage/sqlite            storage|base
ship                      ship|storage|base
handlers                  handlers|storage|reactor|base
handlers/http             handlers/http|reactor|base
handlers/http/middleware  handlers/http|base
netfilter                 netfilter|storage|reactor|base
netfilter/wire            netfilter/wire|base
netfilter/policy          netfilter|reactor|base
daemon                    daemon|ship|handlers|netfilter|storage|reactor|base
daemon/systemd            daemon/systemd|reactor|base
cli                       cli|daemon|ship|handlers|netfilter|storage|reactor|base
cli/client                cli/client|daemon/config|netfilter/kernel|base
'

# "HEADER FILES": the files that may include a header of another project, as regular expressions.
readonly owners='
liburing\.h             reactor/ring\.cpp
sqlite3\.h              storage/sqlite/.*
(llhttp/)?llhttp\.h     handlers/http/request_parser\.h|cli/client/http_reply_parser\.h
libnetfilter_.*         netfilter/kernel/packet_queue\.cpp
libmnl/.*               netfilter/(kernel/(packet_queue|conntrack_dump|conntrack_message)|opening/opening_(log|set))\.cpp
libpsl\.h               cli/egress/rule_width\.cpp
zlib\.h                 handlers/http/middleware/gunzip\.cpp
brotli/.*               handlers/http/middleware/content_coding\.cpp
curl/curl\.h             ship/http/curl_library\.h
protozero/.*            handlers/ingest/otlp/otlp_protobuf\.cpp|ship/encode/otlp_encoder\.cpp
zstd\.h                 handlers/http/middleware/content_coding\.cpp|storage/compression/.*
zdict\.h                storage/compression/dictionary_builder\.cpp
CLI/.*                  cli/(parser/(command_parser|typo)|completion/parser_description)\.cpp
uuid/uuid\.h            base/uuid/uuid\.cpp
'

layer_rules() {
  awk -v layers="$layers" '
    BEGIN {
      count = split(layers, lines, "\n")
      for (i = 1; i <= count; ++i) if (split(lines[i], words, " ") == 2) includable[words[1]] = words[2]
    }
    {
      split($0, part, ":")
      file = part[1]
      folder = file
      do sub(/\/?[^\/]*$/, "", folder); while (folder != "" && !(folder in includable))
      match($0, /"[^"]+"/)
      header = substr($0, RSTART + 1, RLENGTH - 2)
      if (folder == "") print file ": no rule for its folder in scripts/check_includes.sh"
      else if (header !~ "^(" includable[folder] ")/") print $0 " (" folder " may include only " includable[folder] ")"
    }' < <(grep -rnE '^#include "[a-z0-9_/]+/' --include='*.h' --include='*.cpp' "$@")
}

header_rules() {
  local header files line
  while read -r header files; do
    [ -n "$header" ] || continue
    while read -r line; do
      [[ ${line%%:*} =~ ^($files)$ ]] || echo "$line (only in $files)"
    done < <(grep -rnE "^#include [<\"]${header}[>\"]" --include='*.h' --include='*.cpp' "$@")
  done <<<"$owners"
}

folders=(base reactor storage ship handlers netfilter daemon cli)
wrong=$(layer_rules "${folders[@]}" && header_rules "${folders[@]}")
[ -z "$wrong" ] || { echo "$wrong" && exit 1; }
