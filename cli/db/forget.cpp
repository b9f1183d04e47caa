#include "cli/db/forget.h"

#include <simdjson.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "base/json/json_object.h"
#include "base/terminal.h"
#include "cli/client/event_post.h"
#include "cli/client/http_client.h"
#include "cli/commands/health.h"
#include "daemon/config/serve_options.h"
#include "storage/event.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kAnswerTime{30};
constexpr std::chrono::seconds kRetryPause{1};
constexpr int kTriesMax = 10;  // while the database cannot be written

struct Slice {
  std::int64_t events = 0;
  std::int64_t turns = 0;
  bool more = false;
};

std::optional<std::string> parse_chat(std::string_view text) {
  if (text.empty() || text.size() > kChatIdSizeMax) return std::nullopt;
  if (!simdjson::validate_utf8(text.data(), text.size())) return std::nullopt;
  return std::string(text);
}

std::optional<Slice> parse_slice(const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  Slice slice;
  if (parser.parse(body).get(root) != simdjson::SUCCESS ||
      root["events"].get(slice.events) != simdjson::SUCCESS ||
      root["turns"].get(slice.turns) != simdjson::SUCCESS ||
      root["more"].get(slice.more) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return slice;
}

Result<Slice> forget_slice(const ForgetOptions& options, const ClientToken& token) {
  std::string body;
  JsonObject(body).text("chat_id", options.chat_id);
  for (int tries = 1;; ++tries) {
    const auto reply = TRY(ask(*options.server,
                               {.method = "POST",
                                .path = "/api/forget",
                                .content_type = "application/json",
                                .token = &token,
                                .body = body},
                               kAnswerTime));
    if (reply.status == 503 && tries < kTriesMax) {
      std::this_thread::sleep_for(kRetryPause);
      continue;
    }
    const auto slice = reply.status == 200 ? parse_slice(reply.body) : std::nullopt;
    if (slice) return *slice;
    return failure(options.server->text() + " answered with status " +
                   std::to_string(reply.status) + ": " + display(reply.body.substr(0, 300)));
  }
}

// On a terminal a person is asked, since a mistyped ID is another chat's.
bool is_wanted(const ForgetOptions& options) {
  if (options.is_confirmed || isatty(STDIN_FILENO) == 0) return true;
  std::fprintf(stderr, "Delete everything that is stored of chat %s? [y/N] ",
               display(options.chat_id).c_str());
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

}  // namespace

Result<ForgetOptions> read_forget_options(Settings& settings) {
  ForgetOptions options;
  options.data_dir = read_data_dir(settings);
  options.is_confirmed = settings.toggle(kForgetYes);
  if (settings.is_given(kForgetChat)) options.chat_id = settings.one(kForgetChat, parse_chat);
  if (settings.error()) return std::unexpected(*settings.error());
  if (options.chat_id.empty()) return failure("forget: give --chat ID");
  options.server = TRY(read_server(settings));
  return options;
}

int forget(const ForgetOptions& options) {
  const auto token = read_token(options.data_dir);
  if (!token) return print_error("forget", token.error().what);
  if (!is_wanted(options)) return print_error("forget", "nothing was deleted");
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  std::int64_t events = 0;
  std::int64_t turns = 0;
  Result<Slice> slice;
  do {
    slice = forget_slice(options, *token);
    if (!slice) break;
    events += slice->events;
    turns += slice->turns;
    if (shows_progress) {
      std::fprintf(stderr, "\r%lld events\033[K", static_cast<long long>(events));
    }
  } while (slice->more);
  if (shows_progress) std::fputs("\r\033[K", stderr);
  std::printf("%lld events and %lld turns of chat %s deleted\n", static_cast<long long>(events),
              static_cast<long long>(turns), display(options.chat_id).c_str());
  if (std::fflush(stdout) != 0) return print_error("forget", "cannot write to stdout");
  if (slice) return 0;
  return print_error("forget", slice.error().what + "; run it again to continue");
}

}  // namespace picortex
