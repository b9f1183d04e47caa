#include "cli/event_post.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "cli/small_file.h"

namespace picortex {

std::optional<Token> read_token(const std::string& data_dir) {
  constexpr std::size_t kTokenSizeMax = 4096;
  const std::string path = data_dir + "/token";
  auto token = read_small_file(path, kTokenSizeMax);
  struct stat status {};
  if (!token || stat(path.c_str(), &status) != 0) return std::nullopt;
  while (token->ends_with('\n') || token->ends_with('\r')) token->pop_back();
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (token->empty() || !std::ranges::all_of(*token, is_visible)) return std::nullopt;
  return Token{*std::move(token), status.st_uid};
}

EventPost::EventPost(const ListenAddress& server, Token token)
    : server_(server), token_(std::move(token)) {}

void EventPost::begin(std::string line) {
  unsent_ = std::move(line);
  thread_ = std::jthread([this] {
    if (post(unsent_)) unsent_.clear();
  });
}

Result<void> EventPost::end(std::string line) {
  if (thread_.joinable()) thread_.join();
  return post(unsent_ + line);
}

Result<void> EventPost::post(const std::string& lines) const {
  constexpr std::chrono::seconds kTimeLimit{1};
  const auto reply = ask(server_,
                         {.method = "POST",
                          .path = "/api/events",
                          .content_type = "application/x-ndjson",
                          .token = &token_,
                          .body = lines},
                         kTimeLimit);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status < 200 || reply->status > 299) {
    return failure(server_.text() + " refused it with HTTP status " +
                   std::to_string(reply->status));
  }
  return {};
}

}  // namespace picortex
