#include "handlers/http/exchange.h"

#include "base/json_text.h"
#include "handlers/http/connection.h"

namespace picortex::http {
namespace {

// What an exchange keeps of each of its buffers from one request to the next.
constexpr std::size_t kKeptCapacity = 16 * 1024;

void trim_buffer(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) std::string().swap(buffer);
}

}  // namespace

ClientAddress Exchange::client() const noexcept { return connection_->client_of(*this); }

void Exchange::respond(const Response& response) { connection_->answer(response); }

bool Exchange::is_wanted() const noexcept { return connection_->is_wanted(); }

void Exchange::begin_stream(const Response& response) { connection_->begin_stream(response); }

void Exchange::stream(std::string_view piece) { connection_->stream(piece); }

bool Exchange::may_stream() const noexcept { return connection_->may_stream(); }

void Exchange::end_stream() { connection_->end_stream(); }

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
  stream_status_ = 0;
}

void Exchange::trim() {
  for (std::string* buffer : {&head_, &body_, &error_body_, &backlog_, &gathering_, &sending_}) {
    buffer->clear();
    trim_buffer(*buffer);
  }
  sent_ = 0;
}

void Exchange::keep_head() {
  if (head_seen_.data() == head_.data()) return;
  head_.assign(head_seen_);
  request_.move_views(head_seen_, head_.data());
  head_seen_ = head_;
}

}  // namespace picortex::http
