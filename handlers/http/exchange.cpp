#include "handlers/http/exchange.h"

#include "base/json_text.h"
#include "handlers/http/connection.h"

namespace picortex::http {
namespace {

// What an exchange keeps of each of its buffers from one request to the next.
constexpr std::size_t kKeptCapacity = 16 * 1024;

constexpr std::size_t kLoggedTextSizeMax = 512;

void trim_buffer(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) std::string().swap(buffer);
}

}  // namespace

ClientAddress Exchange::client() const noexcept { return connection_->client_of(*this); }

void Exchange::respond(const Response& response) { connection_->answer(response); }

void Exchange::fail(int status, std::string_view message, std::string_view fields) {
  error_body_.clear();
  append_error_body(error_body_, status, message, id_);
  respond({.status = status, .body = error_body_, .fields = fields});
}

void Exchange::begin_request() noexcept {
  stage_ = Stage::head;
  id_ = {};
  scanner_.reset();
  parser_.reset();
  request_.clear();
  route_ = nullptr;
  head_.clear();
  head_seen_ = {};
  // Its memory is no longer accounted for: a client that goes on with small requests keeps little.
  body_.clear();
  trim_buffer(body_);
  refusal_status_ = 0;
}

void Exchange::trim() {
  for (std::string* buffer : {&head_, &body_, &error_body_, &backlog_, &gathering_, &sending_}) {
    buffer->clear();
    trim_buffer(*buffer);
  }
}

void Exchange::log_answer(Log& log, const Response& response, bool is_client_there) {
  const bool is_poll = route_ != nullptr && route_->is_health_poll;
  const Level level = is_poll ? Level::debug : Level::info;
  if (!log.writes(level)) return;
  // A head that was refused early has neither.
  const bool is_parsed = !request_.target.empty();
  const std::string_view method = is_parsed ? method_name(request_.method) : std::string_view{};
  const std::string_view path = request_.path.substr(0, kLoggedTextSizeMax);
  const std::chrono::duration<double, std::milli> duration =
      std::chrono::steady_clock::now() - started_at_;
  LogLine line = log.line(level, "http.request", {.request_id = &id_});
  line.text("method", method)
      .text("path", path)
      .number("status", std::int64_t{response.status})
      .number("bytes", static_cast<std::int64_t>(response.body.size()))
      .number("duration_ms", duration.count());
  if (is_client_there) line.text("remote_address", client().text());
  if (const auto client_id = request_.field("x-request-id"); !client_id.empty()) {
    line.text("client_request_id", client_id.substr(0, kLoggedTextSizeMax));
  }
  log_message_.clear();
  for (const std::string_view part : {method, path}) {
    log_message_ += part;
    if (!part.empty()) log_message_ += ' ';
  }
  append_json_number(log_message_, std::int64_t{response.status});
  line.message(log_message_);
}

void Exchange::keep_head() {
  if (head_seen_.data() == head_.data()) return;
  head_.assign(head_seen_);
  request_.move_views(head_seen_, head_.data());
  head_seen_ = head_;
}

}  // namespace picortex::http
