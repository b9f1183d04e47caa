#!/usr/bin/env bash
# Fails when a folder of product code holds more files than a reader takes in at a glance.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly most=26
status=0
while read -r folder; do
  count=$(find "$folder" -maxdepth 1 -type f | wc -l)
  if [ "$count" -gt "$most" ]; then
    echo "$folder holds $count files, more than $most: split it by its second noun"
    status=1
  fi
done < <(find base reactor storage handlers netfilter daemon cli web bench clients -name node_modules -prune -o -type d -print 2>/dev/null)
exit "$status"
