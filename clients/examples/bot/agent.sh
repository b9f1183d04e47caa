#!/bin/sh
# agent.sh FOLDER: answers FOLDER/prompt in FOLDER/answer, and leaves its exit status in FOLDER/status. The agent is Claude
# Code where it is installed, or the command in BOT_AGENT, or a stand-in.
folder=$1
if [ -n "${BOT_AGENT:-}" ]; then
  sh -c "$BOT_AGENT" <"$folder/prompt" >"$folder/answer"
elif command -v claude >/dev/null; then
  claude -p <"$folder/prompt" >"$folder/answer"
else
  node "$(dirname "$0")/stand-in.js" <"$folder/prompt" >"$folder/answer"
fi
status=$?
echo "$status" >"$folder/status"
exit "$status"
