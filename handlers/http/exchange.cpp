#include "handlers/http/exchange.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/check.h"
#include "handlers/http/answer_buffer.h"
#include "handlers/http/connection.h"
#include "handlers/http/server.h"

namespace picortex::http {
namespace {

// A body that no endpoint wants is read and discarded up to this size, so that the connection can
// be used for the next request.
constexpr std::size_t kSkippedBodySizeMax = 64 * 1024;

constexpr std::size_t kShownTargetSizeMax = 512;
constexpr std::size_t kLoggedTextSizeMax = 512;

}  // namespace

// --- From one request to the next ---

void Exchange::begin(Connection& connection) noexcept {
  connection_ = &connection;
  is_last_ = false;
  begin_request();
}

void Exchange::begin_request() noexcept {
  stage_ = Stage::head;
  id_ = {};
  scanner_.reset();
  parser_.reset();
  request_.clear();
  route_ = nullptr;
  scopes_ = {};
  head_.clear();
  head_seen_ = {};
  // Its memory is no longer accounted for: a client that continues with small requests keeps
  // little.
  empty_buffer(body_);
  decision_.status = 0;
  stream_.status = 0;
}

void Exchange::release_body() noexcept { server_.release_body(std::exchange(body_reserved_, 0)); }

void Exchange::reset() noexcept {
  release_body();
  for (std::string* buffer : {&head_, &body_, &error_body_}) empty_buffer(*buffer);
  connection_ = nullptr;
}

void Exchange::keep_head() {
  if (head_seen_.data() == head_.data()) return;
  head_.assign(head_seen_);
  request_.move_views(head_seen_, head_.data());
  head_seen_ = head_;
}

// --- Taking the request ---

std::size_t Exchange::take(std::string_view bytes) {
  return stage_ == Stage::head ? take_head(bytes) : take_body(bytes);
}

std::size_t Exchange::take_head(std::string_view bytes) {
  const std::size_t size_before = head_.size();
  if (size_before == 0) started_at_ = server_.reactor().now();
  // A head that arrives whole is parsed in place.
  std::string_view head = bytes;
  if (size_before > 0) {
    head_ += bytes.substr(0, HeadScanner::kHeadSizeMax + 1);
    head = head_;
  }
  const HeadScanner::Answer answer = scanner_.scan(head);
  switch (answer.kind) {
    case HeadScanner::Answer::Kind::incomplete:
      if (server_.input_is_full()) {
        reject(503, "Too many request heads are being received; try again later", kRetrySoon);
      } else if (size_before == 0) {
        head_ = bytes;
      }
      return bytes.size();
    case HeadScanner::Answer::Kind::rejected:
      reject(answer.status, answer.reason);
      return bytes.size();
    case HeadScanner::Answer::Kind::complete:
      break;
  }
  if (size_before > 0) head_.resize(answer.size);
  on_head(head.substr(0, answer.size));
  return answer.size - size_before;
}

void Exchange::on_head(std::string_view head) {
  id_ = server_.next_id();
  head_seen_ = head;
  if (const Rejection rejection = parser_.parse_head(head.substr(scanner_.start()), request_)) {
    return reject(rejection.status, rejection.reason);
  }
  decide_on_head();
  if (is_last_) return;
  if (!request_.has_body) return dispatch();
  stage_ = Stage::body;
  keep_head();
  if (request_.expects_continue) answers_.gathering() += "HTTP/1.1 100 Continue\r\n\r\n";
}

// Everything that can be decided without the body is decided here: a client should not send a large
// body in vain.
void Exchange::decide_on_head() {
  body_size_max_ = kSkippedBodySizeMax;
  const Router::Match match = server_.router().find(request_.method, request_.path);
  route_ = match.route;
  const bool is_poll = route_ != nullptr && route_->is_health_poll;
  if (!is_poll && connection_->is_only_for_polls()) {
    return reject(503, "All connections are in use; try again later", kRetrySoon);
  }
  if (route_ == nullptr) {
    find_no_route(match.allow);
  } else {
    if (route_->body_size_max > 0) body_size_max_ = route_->body_size_max;
    const auto [rejection, scopes] =
        server_.access().check(route_->access, request_, connection_->peer_credentials());
    scopes_ = scopes;
    if (rejection) {
      reject_after_body(rejection.status, rejection.reason,
                        rejection.status == 401 ? "WWW-Authenticate: Bearer\r\n" : "");
    }
  }
  if (is_last_) return;
  if (request_.content_length.value_or(0) > body_size_max_) reject_too_large();
}

void Exchange::find_no_route(const std::string& allow) {
  std::string message;
  if (!allow.empty()) {
    message = "Method ";
    message += method_name(request_.method);
    message += " is not allowed on ";
    message += request_.path;
    return reject_after_body(405, message, allow);
  }
  message = "Route ";
  message += method_name(request_.method);
  message += ':';
  message += request_.target.substr(0, kShownTargetSizeMax);
  message += " not found";
  reject_after_body(404, message, "");
}

// The connection can be used again after this answer, once the request's body has been skipped.
void Exchange::reject_after_body(int status, std::string_view message, std::string_view fields) {
  // A client that sent Expect may send its body or not: only closing is safe.
  if (request_.expects_continue && request_.has_body) return reject(status, message, fields);
  decision_.status = status;
  decision_.message = message;
  decision_.fields = fields;
}

void Exchange::reject(int status, std::string_view message, std::string_view fields) {
  if (id_.is_nil()) id_ = server_.next_id();
  stage_ = Stage::answering;
  is_last_ = true;
  fail(status, message, fields);
}

// The decision made on the head says more than that the body is too large to skip.
void Exchange::reject_too_large() {
  if (decision_.status == 0) return reject(413, "Request body is too large");
  reject(decision_.status, decision_.message, decision_.fields);
}

std::size_t Exchange::take_body(std::string_view bytes) {
  const auto [consumed, rejection] = parser_.parse_body(bytes, body_, body_size_max_);
  if (rejection.status == 413) {
    reject_too_large();
    return bytes.size();
  }
  if (rejection) {
    reject(rejection.status, rejection.reason);
    return bytes.size();
  }
  if (!server_.reserve_body(body_.size() - body_reserved_)) {
    reject(503, "Too many request bodies are being received; try again later", kRetrySoon);
    return bytes.size();
  }
  body_reserved_ = body_.size();
  if (parser_.is_complete()) dispatch();
  return consumed;
}

void Exchange::dispatch() {
  stage_ = Stage::answering;
  if (decision_.status != 0) return fail(decision_.status, decision_.message, decision_.fields);
  if (server_.answers_are_full() && !route_->is_health_poll) {
    return fail(503, "Too many answers are waiting to be read; try again later", kRetrySoon);
  }
  body_.append(kBodyPadding, '\0');
  route_->endpoint(*this);
  // The answer comes later, when the receive buffer has been returned.
  if (is_answering()) keep_head();
}

// --- Answering ---

ClientAddress Exchange::client() const noexcept {
  // The last fields are those that trusted proxies wrote; earlier ones do not matter.
  std::array<std::string_view, 8> forwarded;
  std::size_t first = forwarded.size();
  const auto& fields = request_.fields;
  for (auto field = fields.rbegin(); field != fields.rend() && first > 0; ++field) {
    if (field->is_named("x-forwarded-for")) forwarded[--first] = field->value;
  }
  return server_.proxies().client_of(connection_->peer(), std::span(forwarded).subspan(first));
}

Peer Exchange::peer() const noexcept { return connection_->peer_credentials(); }

std::optional<ConnectionEnds> Exchange::ends() const noexcept { return connection_->ends(); }

bool Exchange::is_wanted() const noexcept { return !connection_->is_closing(); }

void Exchange::respond(const Response& response) {
  CHECK(is_answering() && stream_.status == 0);
  log(response.status, response.body.size());
  if (is_wanted()) append_answer(response, BodyEnd::length);
  finish();
}

void Exchange::fail(int status, std::string_view message, std::string_view fields) {
  error_body_.clear();
  append_error_body(error_body_, status, message, id_);
  respond({.status = status, .body = error_body_, .fields = fields});
}

void Exchange::append_answer(const Response& response, BodyEnd body_end) {
  is_last_ = is_last_ || !request_.keep_alive || server_.is_draining() ||
             connection_->is_only_for_polls() || body_end == BodyEnd::close;
  append_response(answers_.gathering(), response,
                  {.request_id = id_,
                   .date = server_.date(),
                   .body_end = body_end,
                   .head_only = request_.method == Method::head,
                   .close = is_last_,
                   .keep_alive_10 = request_.minor_version == 0});
}

// The answer is complete. The connection may return this object before on_answer() returns.
void Exchange::finish() {
  server_.count_request();
  release_body();
  begin_request();
  connection_->on_answer();
}

void Exchange::log(int status, std::size_t body_size) {
  const bool is_poll = route_ != nullptr && route_->is_health_poll;
  const Level level = is_poll ? Level::debug : Level::info;
  if (!server_.log().writes(level)) return;
  const bool is_parsed = !request_.target.empty();
  const std::string_view method = is_parsed ? method_name(request_.method) : std::string_view{};
  const std::string_view path = request_.path.substr(0, kLoggedTextSizeMax);
  const std::chrono::duration<double, std::milli> duration =
      server_.reactor().clock().now() - started_at_;
  LogLine line = server_.log().line(level, "http.request", {.request_id = &id_});
  line.text("method", method)
      .text("path", path)
      .number("status", std::int64_t{status})
      .number("bytes", static_cast<std::int64_t>(body_size))
      .number("duration_ms", duration.count());
  if (is_wanted()) line.text("remote_address", client().text());
  if (const auto client_id = request_.field("x-request-id"); !client_id.empty()) {
    line.text("client_request_id", client_id.substr(0, kLoggedTextSizeMax));
  }
  char status_text[8];
  const int status_size = std::snprintf(status_text, sizeof status_text, "%d", status);
  // The decided answer has been rendered, so its text's memory can be reused.
  std::string& message = decision_.message;
  message.assign(method);
  if (is_parsed) message += ' ';
  message += path;
  if (is_parsed) message += ' ';
  message.append(status_text, static_cast<std::size_t>(status_size));
  line.message(message);
}

// --- Answering in pieces ---

void Exchange::begin_stream(const Response& response) {
  CHECK(is_answering() && stream_.status == 0);
  stream_.status = response.status;
  stream_.end = request_.minor_version == 0 ? BodyEnd::close : BodyEnd::chunks;
  stream_.size = 0;
  if (!is_wanted()) return;
  append_answer(response, stream_.end);
  connection_->on_answer();
}

void Exchange::stream(std::string_view piece) {
  CHECK(stream_.status != 0);
  if (!is_wanted() || piece.empty() || request_.method == Method::head) return;
  stream_.size += piece.size();
  if (stream_.end == BodyEnd::chunks) {
    append_chunk(answers_.gathering(), piece);
  } else {
    answers_.gathering() += piece;
  }
  connection_->on_answer();
}

std::size_t Exchange::unsent_size() const noexcept { return answers_.unsent_size(); }

bool Exchange::may_stream() const noexcept {
  // A client that ended its side of an endless stream is unlikely to read it any more.
  return is_wanted() && !connection_->has_input_ended() && !server_.is_draining();
}

void Exchange::end_stream() {
  CHECK(stream_.status != 0);
  log(stream_.status, stream_.size);
  const bool has_last_chunk =
      stream_.end == BodyEnd::chunks && request_.method != Method::head && is_wanted();
  if (has_last_chunk) answers_.gathering() += kLastChunk;
  finish();
}

}  // namespace picortex::http
