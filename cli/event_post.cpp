#include "cli/event_post.h"

#include <algorithm>
#include <chrono>

#include "cli/http_client.h"
#include "cli/small_file.h"

namespace picortex {

std::optional<std::string> read_token(const std::string& data_dir) {
  constexpr std::size_t kTokenSizeMax = 4096;
  auto token = read_small_file(data_dir + "/token", kTokenSizeMax);
  if (!token) return std::nullopt;
  while (token->ends_with('\n') || token->ends_with('\r')) token->pop_back();
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (token->empty() || !std::ranges::all_of(*token, is_visible)) return std::nullopt;
  return *std::move(token);
}

EventPost::EventPost(const ListenAddress& server, std::string token)
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
                          .bearer_token = token_,
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
