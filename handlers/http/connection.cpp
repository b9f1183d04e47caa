#include "handlers/http/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "handlers/http/server.h"

namespace picortex::http {
namespace {

// A body that no endpoint wants is read and thrown away up to this size, so that the connection can
// go on behind it.
constexpr std::size_t kSkippedBodySizeMax = 64 * 1024;

constexpr std::size_t kShownTargetSizeMax = 512;

}  // namespace

void Connection::open(int socket, bool is_unix) {
  socket_ = socket;
  is_unix_ = is_unix;
  is_unused_ = true;
  input_ended_ = receive_paused_ = close_after_ = lingering_ = closing_ = false;
  wait_for(Waiting::idle);
  receive();
}

ClientAddress Connection::peer() const noexcept {
  if (const auto uid = peer_uid()) return ClientAddress::unix_peer(*uid);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  // It fails once the client has reset the connection; then nobody reads the answer either.
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return ClientAddress::from_socket(address).value_or(ClientAddress{});
}

std::optional<uid_t> Connection::peer_uid() const noexcept {
  if (!is_unix_) return std::nullopt;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials.uid;
}

ClientAddress Connection::client_of(const Exchange& exchange) const noexcept {
  // The last fields are the ones that trusted proxies wrote; what is before them does not matter.
  std::array<std::string_view, 8> forwarded;
  std::size_t first = forwarded.size();
  const auto& fields = exchange.request().fields;
  for (auto field = fields.rbegin(); field != fields.rend() && first > 0; ++field) {
    if (field->is_named("x-forwarded-for")) forwarded[--first] = field->value;
  }
  return server_.proxies().client_of(peer(), std::span(forwarded).subspan(first));
}

// --- Receiving ---

void Connection::receive() {
  if (receive_.in_flight() || input_ended_ || receive_paused_ || closing_) return;
  server_.reactor().ring().receive_multishot(receive_, socket_, server_.buffers());
}

void Connection::on_receive(const Completion& completion) noexcept {
  const BufferLease lease(server_.buffers(), completion);
  if (closing_) return join();
  if (completion.result > 0) {
    take(lease.bytes());
  } else if (completion.result == 0) {
    input_ended_ = true;
  } else if (completion.result == -ENOBUFS) {
    server_.buffers().grow();
  } else if (completion.result != -ECANCELED) {
    return terminate();
  }
  settle();
}

void Connection::take(std::span<const char> bytes) {
  if (lingering_) return;
  is_unused_ = false;
  if (exchange_ == nullptr) {
    exchange_ = &server_.lease_exchange();
    exchange_->connection_ = this;
    exchange_->begin_request();
  }
  const std::string_view text(bytes.data(), bytes.size());
  // What waits in the backlog comes first, even when sending has just made room for more answers.
  const std::size_t used = exchange_->backlog_.empty() && may_process() ? process(text) : 0;
  if (!close_after_) exchange_->backlog_ += text.substr(used);
  if (exchange_->backlog_.size() > server_.limits().backlog_size_max && !receive_paused_) {
    receive_paused_ = true;
    if (receive_.in_flight()) server_.reactor().ring().cancel(receive_);
  }
}

bool Connection::may_process() const noexcept {
  return !in_endpoint_ && !close_after_ && !closing_ &&
         exchange_->gathering_.size() < server_.limits().answers_size_max;
}

// Works through `bytes` until they are used up or must wait; returns how many were used.
std::size_t Connection::process(std::string_view bytes) {
  processing_ = true;
  std::size_t used = 0;
  while (used < bytes.size() && may_process()) {
    const std::string_view rest = bytes.substr(used);
    used += exchange_->stage_ == Exchange::Stage::head ? take_head(rest) : take_body(rest);
  }
  processing_ = false;
  return used;
}

void Connection::process_backlog() {
  std::string& backlog = exchange_->backlog_;
  if (backlog.empty() || !may_process()) return;
  // Nothing is added to the backlog while it is worked through: its bytes stay where they are.
  backlog.erase(0, process(backlog));
  if (close_after_) backlog.clear();
  if (receive_paused_ && backlog.size() <= server_.limits().backlog_size_max) {
    receive_paused_ = false;
    receive();
  }
}

// --- A request, step by step ---

std::size_t Connection::take_head(std::string_view bytes) {
  Exchange& it = *exchange_;
  const std::size_t size_before = it.head_.size();
  if (size_before == 0) it.started_at_ = server_.reactor().now();
  // A head that arrives whole is parsed where it lies.
  std::string_view head = bytes;
  if (size_before > 0) {
    it.head_ += bytes.substr(0, HeadScanner::kHeadSizeMax + 1);
    head = it.head_;
  }
  const HeadScanner::Answer answer = it.scanner_.scan(head);
  switch (answer.kind) {
    case HeadScanner::Answer::Kind::incomplete:
      if (size_before == 0) it.head_ = bytes;
      return bytes.size();
    case HeadScanner::Answer::Kind::refused:
      refuse_now(answer.status, answer.reason);
      return bytes.size();
    case HeadScanner::Answer::Kind::complete:
      break;
  }
  if (size_before > 0) it.head_.resize(answer.size);
  on_head(head.substr(0, answer.size));
  return answer.size - size_before;
}

void Connection::on_head(std::string_view head) {
  Exchange& it = *exchange_;
  it.id_ = server_.next_id();
  it.head_seen_ = head;
  if (const Refusal refusal =
          it.parser_.parse_head(head.substr(it.scanner_.start()), it.request_)) {
    return refuse_now(refusal.status, refusal.reason);
  }
  decide_on_head();
  if (close_after_ || it.stage_ != Exchange::Stage::head) return;
  if (!it.request_.has_body) return dispatch();
  it.stage_ = Exchange::Stage::body;
  it.keep_head();
  if (it.request_.expects_continue) it.gathering_ += "HTTP/1.1 100 Continue\r\n\r\n";
}

// Everything that can be decided without the body is decided here.
void Connection::decide_on_head() {
  Exchange& it = *exchange_;
  const Request& request = it.request_;
  it.body_size_max_ = kSkippedBodySizeMax;
  const Router::Match match = server_.router().find(request.method, request.path);
  it.route_ = match.route;
  if (match.route == nullptr) {
    find_no_route(match.allow);
  } else {
    if (match.route->body_size_max > 0) it.body_size_max_ = match.route->body_size_max;
    const Refusal refusal = server_.access().check(match.route->access, request, peer_uid());
    if (refusal) {
      refuse_after_body(refusal.status, refusal.reason,
                        refusal.status == 401 ? "WWW-Authenticate: Bearer\r\n" : "");
    }
  }
  if (close_after_) return;
  if (request.content_length.value_or(0) > it.body_size_max_) refuse_too_large();
}

void Connection::find_no_route(const std::string& allow) {
  const Request& request = exchange_->request_;
  std::string message;
  if (!allow.empty()) {
    message = "Method ";
    message += method_name(request.method);
    message += " is not allowed on ";
    message += request.path;
    return refuse_after_body(405, message, allow);
  }
  message = "Route ";
  message += method_name(request.method);
  message += ':';
  message += request.target.substr(0, kShownTargetSizeMax);
  message += " not found";
  refuse_after_body(404, message, "");
}

// The connection can go on behind this answer, once the request's body has been skipped.
void Connection::refuse_after_body(int status, std::string_view message, std::string_view fields) {
  Exchange& it = *exchange_;
  // A client that asked first sends its body or not, as it likes: only closing is safe.
  if (it.request_.expects_continue && it.request_.has_body) {
    return refuse_now(status, message, fields);
  }
  it.refusal_status_ = status;
  it.refusal_message_ = message;
  it.refusal_fields_ = fields;
}

// Where the request ends cannot be known, or it is not worth waiting for: the last answer.
void Connection::refuse_now(int status, std::string_view message, std::string_view fields) {
  Exchange& it = *exchange_;
  if (it.id_.is_nil()) it.id_ = server_.next_id();
  it.stage_ = Exchange::Stage::answering;
  close_after_ = true;
  it.fail(status, message, fields);
}

// What was decided on the head says more than that its body is too large to be skipped.
void Connection::refuse_too_large() {
  const Exchange& it = *exchange_;
  if (it.refusal_status_ == 0) return refuse_now(413, "Request body is too large");
  refuse_now(it.refusal_status_, it.refusal_message_, it.refusal_fields_);
}

std::size_t Connection::take_body(std::string_view bytes) {
  Exchange& it = *exchange_;
  const auto [consumed, refusal] = it.parser_.parse_body(bytes, it.body_, it.body_size_max_);
  if (refusal.status == 413) {
    refuse_too_large();
    return bytes.size();
  }
  if (refusal) {
    refuse_now(refusal.status, refusal.reason);
    return bytes.size();
  }
  if (!server_.reserve_body(it.body_.size() - it.body_reserved_)) {
    refuse_now(503, "Too many request bodies are on their way; try again later");
    return bytes.size();
  }
  it.body_reserved_ = it.body_.size();
  if (it.parser_.is_complete()) dispatch();
  return consumed;
}

void Connection::dispatch() {
  Exchange& it = *exchange_;
  it.stage_ = Exchange::Stage::answering;
  if (it.refusal_status_ != 0) {
    return it.fail(it.refusal_status_, it.refusal_message_, it.refusal_fields_);
  }
  it.body_.append(Exchange::kBodyPadding, '\0');
  in_endpoint_ = true;
  it.route_->endpoint.answer(it);
  if (in_endpoint_) it.keep_head();
}

// --- Sending, waiting and ending ---

void Connection::flush() {
  Exchange& it = *exchange_;
  if (send_.in_flight() || it.gathering_.empty()) return;
  std::swap(it.gathering_, it.sending_);
  it.sent_ = 0;
  server_.reactor().ring().send(send_, socket_, it.sending_);
}

void Connection::on_send(const Completion& completion) noexcept {
  if (closing_) return join();
  if (completion.result <= 0) return terminate();
  Exchange& it = *exchange_;
  it.sent_ += static_cast<std::size_t>(completion.result);
  if (it.sent_ < it.sending_.size()) {
    server_.reactor().ring().send(send_, socket_, std::string_view(it.sending_).substr(it.sent_));
    return;
  }
  it.sending_.clear();
  it.sent_ = 0;
  deadline_.stop();
  settle();
}

bool Connection::has_partial_request() const noexcept {
  // Empty lines alone, as some clients send behind a body, are not the beginning of a request.
  return exchange_->stage_ == Exchange::Stage::body ||
         exchange_->head_.size() > exchange_->scanner_.start();
}

// Called after every event: brings sending, deadline and memory in line with what is left to do.
void Connection::settle() {
  if (closing_) return join();
  if (lingering_) return input_ended_ ? terminate() : receive();
  if (exchange_ != nullptr) {
    process_backlog();
    if (input_ended_ && has_partial_request() && may_process()) {
      refuse_now(400, "The request ended before it was complete");
      return;
    }
    flush();
    if (send_.in_flight()) {
      wait_for(Waiting::send);
    } else if (in_endpoint_) {
      wait_for(Waiting::endpoint);
    } else if (close_after_ || (server_.is_draining() && !has_partial_request())) {
      return linger();
    } else if (has_partial_request()) {
      wait_for(exchange_->stage_ == Exchange::Stage::body ? Waiting::body : Waiting::head);
    } else {
      release_exchange();
    }
  }
  if (exchange_ == nullptr) {
    if (input_ended_) return terminate();
    if (server_.is_draining()) return finish();
    wait_for(Waiting::idle);
  }
  receive();
}

// A step's time runs from its beginning: what is waited for already is not begun anew.
void Connection::wait_for(Waiting what) {
  if (deadline_.is_running() && waiting_ == what && what != Waiting::idle) return;
  waiting_ = what;
  const Instant now = server_.reactor().now();
  switch (what) {
    case Waiting::idle:
      return server_.idle().start(deadline_, now);
    case Waiting::head:
      return server_.heads().start(deadline_, now);
    case Waiting::body:
      return server_.bodies().start(deadline_, now);
    case Waiting::send:
      return server_.sends().start(deadline_, now);
    case Waiting::last_request:
    case Waiting::linger:
      return server_.lingers().start(deadline_, now);
    // The endpoint answers in its own time; the store behind it has limits of its own.
    case Waiting::endpoint:
      return deadline_.stop();
  }
}

void Connection::on_deadline() noexcept {
  switch (waiting_) {
    case Waiting::head:
      refuse_now(408, "The request's head took too long to arrive");
      return;
    case Waiting::body:
      refuse_now(408, "The request's body took too long to arrive");
      return;
    default:
      terminate();
  }
}

// Closing at once would let the kernel reset the connection when more bytes arrive, and the client
// might lose the answer: end the sending side, and read until the client has ended too.
void Connection::linger() {
  release_exchange();
  if (input_ended_) return terminate();
  ::shutdown(socket_, SHUT_WR);
  lingering_ = true;
  receive_paused_ = false;
  wait_for(Waiting::linger);
  receive();
}

void Connection::terminate() {
  if (closing_ || !is_open()) return;
  closing_ = true;
  deadline_.stop();
  Ring& ring = server_.reactor().ring();
  if (receive_.in_flight()) ring.cancel(receive_);
  if (send_.in_flight()) ring.cancel(send_);
  join();
}

void Connection::finish() {
  if (!is_idle()) return;
  if (!is_unused_) return terminate();
  wait_for(Waiting::last_request);
  receive();
}

void Connection::release_exchange() {
  if (exchange_ == nullptr) return;
  server_.release_body(std::exchange(exchange_->body_reserved_, 0));
  server_.return_exchange(*std::exchange(exchange_, nullptr));
}

// The end, once the kernel and the endpoint have let go.
void Connection::join() {
  if (receive_.in_flight() || send_.in_flight() || in_endpoint_) return;
  release_exchange();
  server_.reactor().ring().close(std::exchange(socket_, -1));
  server_.return_connection(*this);
}

}  // namespace picortex::http
