// The part of Connection that answers: at once, or in pieces.
//
// In a stream the endpoint holds the exchange until end_stream(), so that what the client sends
// meanwhile waits in the backlog, as behind any request that is being answered. Nothing is called
// back: the endpoint looks at unsent_size() and may_stream() at the end of each turn, and every
// change of these is a completion, which makes a turn.
#include <cstdio>
#include <utility>

#include "handlers/http/connection.h"
#include "handlers/http/server.h"

namespace picortex::http {
namespace {

constexpr std::size_t kLoggedTextSizeMax = 512;

}  // namespace

void Connection::answer(const Response& response) {
  Exchange& it = *exchange_;
  CHECK(it.stage_ == Exchange::Stage::answering && it.stream_status_ == 0);
  in_endpoint_ = false;
  server_.count_request();
  log_request(response.status, response.body.size());
  if (closing_) return join();
  begin_answer(response, BodyEnd::length);
  finish_answer();
}

void Connection::begin_answer(const Response& response, BodyEnd body_end) {
  Exchange& it = *exchange_;
  const Request& request = it.request_;
  close_after_ =
      close_after_ || !request.keep_alive || server_.is_draining() || body_end == BodyEnd::close;
  append_response(it.gathering_, response,
                  {.request_id = it.id_,
                   .date = server_.date(),
                   .body_end = body_end,
                   .head_only = request.method == Method::head,
                   .close = close_after_,
                   .keep_alive_10 = request.minor_version == 0});
}

void Connection::finish_answer() {
  server_.release_body(std::exchange(exchange_->body_reserved_, 0));
  exchange_->begin_request();
  if (!processing_) settle();
}

void Connection::log_request(int status, std::size_t body_size) {
  Exchange& it = *exchange_;
  const bool is_poll = it.route_ != nullptr && it.route_->is_health_poll;
  const Level level = is_poll ? Level::debug : Level::info;
  if (!server_.log().writes(level)) return;
  const Request& request = it.request_;
  const bool parsed = !request.target.empty();
  const std::string_view method = parsed ? method_name(request.method) : std::string_view{};
  const std::string_view path = request.path.substr(0, kLoggedTextSizeMax);
  const std::chrono::duration<double, std::milli> duration =
      std::chrono::steady_clock::now() - it.started_at_;
  LogLine line = server_.log().line(level, "http.request", {.request_id = &it.id_});
  line.text("method", method)
      .text("path", path)
      .number("status", std::int64_t{status})
      .number("bytes", static_cast<std::int64_t>(body_size))
      .number("duration_ms", duration.count());
  if (!closing_) line.text("remote_address", client_of(it).text());
  if (const auto client_id = request.field("x-request-id"); !client_id.empty()) {
    line.text("client_request_id", client_id.substr(0, kLoggedTextSizeMax));
  }
  char status_text[8];
  const int status_size = std::snprintf(status_text, sizeof status_text, "%d", status);
  std::string& message = it.refusal_message_;
  message.assign(method);
  if (parsed) message += ' ';
  message += path;
  if (parsed) message += ' ';
  message.append(status_text, static_cast<std::size_t>(status_size));
  line.message(message);
}

// --- In pieces ---

void Connection::begin_stream(const Response& response) {
  Exchange& it = *exchange_;
  CHECK(it.stage_ == Exchange::Stage::answering && it.stream_status_ == 0);
  it.stream_status_ = response.status;
  it.stream_end_ = it.request_.minor_version == 0 ? BodyEnd::close : BodyEnd::chunks;
  it.streamed_size_ = 0;
  if (closing_) return;
  begin_answer(response, it.stream_end_);
  if (!processing_) settle();
}

void Connection::stream(std::string_view piece) {
  Exchange& it = *exchange_;
  CHECK(it.stream_status_ != 0);
  if (closing_ || piece.empty() || it.request_.method == Method::head) return;
  it.streamed_size_ += piece.size();
  if (it.stream_end_ == BodyEnd::chunks) {
    append_chunk(it.gathering_, piece);
  } else {
    it.gathering_ += piece;
  }
  if (!processing_) settle();
}

bool Connection::may_stream() const noexcept {
  // Whoever has ended its side of a stream without an end will hardly go on reading it.
  return !closing_ && !input_ended_ && !server_.is_draining();
}

void Connection::end_stream() {
  Exchange& it = *exchange_;
  CHECK(it.stream_status_ != 0);
  in_endpoint_ = false;
  server_.count_request();
  log_request(it.stream_status_, it.streamed_size_);
  if (closing_) return join();
  if (it.stream_end_ == BodyEnd::chunks && it.request_.method != Method::head) {
    it.gathering_ += kLastChunk;
  }
  finish_answer();
}

}  // namespace picortex::http
