#include "cli/claude/claude_hook.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/terminal.h"
#include "cli/client/http_client.h"
#include "handlers/ingest/claude/claude_hooks_endpoint.h"

namespace picortex {
namespace {

// What the hooks that Claude Code posts by itself may take (see claude_settings()).
constexpr std::chrono::milliseconds kTimeLimit{2000};
// The variables of `picortex run` with the header that carries each.
constexpr std::pair<const char*, std::string_view> kHeaders[] = {
    {"PICORTEX_HOOK_TOKEN", "Authorization: Bearer "},
    {"PICORTEX_HOOK_CHAT", "X-Picortex-Chat: "},
    {"PICORTEX_HOOK_KEY", "X-Picortex-Chat-Key: "},
    {"PICORTEX_REQUEST_ID", "X-Picortex-Request: "},
    {"PICORTEX_RUN_ID", "X-Picortex-Run: "}};

Result<std::string> read_stdin() {
  std::string text;
  std::array<char, 16 * 1024> buffer;
  while (true) {
    const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno_failure("cannot read stdin");
    text.append(buffer.data(), static_cast<std::size_t>(size));
    if (text.size() > ClaudeHooksEndpoint::kBodySizeMax) {
      return failure("the hook on stdin is larger than 1 MiB");
    }
  }
}

Result<std::string> render_headers(const Environment& environment) {
  std::string headers;
  for (const auto& [variable, header] : kHeaders) {
    const auto found = environment.find(variable);
    if (found == environment.end() || found->second.empty()) continue;
    const std::string& value = found->second;
    const bool is_one_line =
        std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (!is_one_line) return failure(std::string(variable) + " has control characters");
    headers.append(header).append(value).append("\r\n");
  }
  return headers;
}

Result<void> send(const ListenAddress& server, const Environment& environment) {
  const std::string body = TRY(read_stdin());
  const std::string headers = TRY(render_headers(environment));
  const HttpReply reply = TRY(ask(server,
                                  {.method = "POST",
                                   .path = "/hooks/claude",
                                   .content_type = "application/json",
                                   .headers = headers,
                                   .body = body},
                                  kTimeLimit));
  if (reply.status == 200) return {};
  return failure(server.text() + " answered " + std::to_string(reply.status) +
                 (reply.status == 401 ? ": start the client with picortex run" : ""));
}

}  // namespace

int send_claude_hook(const ListenAddress& server, const Environment& environment) {
  const auto sent = send(server, environment);
  return sent ? 0 : print_error("claude", "the hook was not stored: " + sent.error().what);
}

}  // namespace picortex
