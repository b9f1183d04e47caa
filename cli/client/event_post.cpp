#include "cli/client/event_post.h"

#include <simdjson.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "base/read_file.h"
#include "base/terminal.h"

namespace picortex {
namespace {

constexpr std::string_view kPath = "/api/events";

}  // namespace

Result<ClientToken> read_token(const std::string& data_dir) {
  constexpr std::size_t kTokenSizeMax = 4096;
  const std::string path = data_dir + "/token";
  auto token = TRY(read_small_file(path, kTokenSizeMax));
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return errno_failure("cannot read " + display(path));
  }
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (token.empty() || !std::ranges::all_of(token, is_visible)) {
    return failure(display(path) + " does not hold a token");
  }
  return ClientToken{std::move(token), status.st_uid};
}

EventPost::EventPost(const ListenAddress& server, ClientToken token)
    : server_(server), token_(std::move(token)) {}

void EventPost::begin(std::string line) {
  unsent_ = std::move(line);
  thread_ = std::jthread([this] {
    if (post(unsent_, kPath)) unsent_.clear();
  });
}

Result<void> EventPost::end(std::string line) {
  if (thread_.joinable()) thread_.join();
  unsent_ += line;
  auto posted = post(unsent_, kPath);
  if (posted) unsent_.clear();
  return posted;
}

Result<void> EventPost::post_late(const std::string& lines) const {
  return post(lines, "/api/events?partial=1&keep=any");
}

Result<PostAnswer> EventPost::post_partly(const std::string& lines) const {
  const std::string body = TRY(ask_to_store(lines, "/api/events?partial=1"));
  PostAnswer answer;
  simdjson::dom::parser parser;
  try {
    for (const simdjson::dom::element rejected : parser.parse(body)["rejected"].get_array()) {
      const std::uint64_t index = rejected["index"].get_uint64();
      const std::string_view reason = rejected["reason"].get_string();
      answer.rejected.push_back({index, std::string(reason)});
    }
  } catch (const simdjson::simdjson_error&) {
    return failure(server_.text() + " did not say what it has stored; is it picortex?");
  }
  return answer;
}

Result<void> EventPost::post(const std::string& lines, std::string_view path) const {
  const auto body = ask_to_store(lines, path);
  if (!body) return std::unexpected(body.error());
  return {};
}

// The body of the 2xx answer.
Result<std::string> EventPost::ask_to_store(const std::string& lines, std::string_view path) const {
  constexpr std::chrono::seconds kTimeLimit{1};
  auto reply = ask(server_,
                   {.method = "POST",
                    .path = path,
                    .content_type = "application/x-ndjson",
                    .token = &token_,
                    .body = lines},
                   kTimeLimit);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status < 200 || reply->status > 299) {
    return failure(server_.text() + " rejected it with HTTP status " +
                   std::to_string(reply->status));
  }
  return std::move(reply->body);
}

}  // namespace picortex
