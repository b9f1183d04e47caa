#!/usr/bin/env bash
# Runs clang-tidy with the checks of .clang-tidy on the code that parses hostile bytes.
#
# Only these files: they need it most, and Debian 12's clang-tidy 14 cannot read std::expected, which most others use.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

files=(
  netfilter/wire/*.cpp
  netfilter/dns/dns_message.cpp
  netfilter/policy/flow.cpp
  netfilter/policy/flow_table.cpp
  netfilter/policy/judged_bytes.cpp
  base/json/json_text.cpp
  base/time/timestamp.cpp
  base/uuid/uuid.cpp
  handlers/http/chunked_decoder.cpp
  handlers/http/head_scanner.cpp
  handlers/http/request_parser.cpp
  handlers/http/middleware/content_coding.cpp
  handlers/http/middleware/gunzip.cpp
  handlers/ingest/sentry/sentry_message.cpp
  handlers/ingest/sentry/sentry_stable_name.cpp
)
# Clang calls C++23 c++2b, and sees std::expected only with this macro. The compiler's own warnings are left to GCC, and
# so are the precompiled headers of its build.
arguments=(-std=c++2b -D__cpp_concepts=202002L -w -I. -isystem /usr/share/include
  -isystem /usr/share/include/llhttp)
status=0
output=$(printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -I{} clang-tidy --quiet {} -- "${arguments[@]}" 2>&1) || status=1
grep -v ' warnings\? generated\.$' <<<"$output" || true
exit "$status"
