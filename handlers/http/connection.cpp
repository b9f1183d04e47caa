#include "handlers/http/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "handlers/http/server.h"
#include "handlers/http/workspace.h"

namespace picortex::http {

void Connection::open(int socket, Kind kind) {
  CHECK(state_ == State::free);
  socket_ = socket;
  kind_ = kind;
  state_ = State::idle;
  is_unused_ = true;
  input_ended_ = receive_paused_ = false;
  wait_for(Waiting::idle);
  receive();
}

ClientAddress Connection::peer() const noexcept {
  if (const auto uid = peer_credentials().uid) return ClientAddress::unix_peer(*uid);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  // It fails once the client has reset the connection; no client reads the answer then.
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return ClientAddress::from_socket(address).value_or(ClientAddress{});
}

Peer Connection::peer_credentials() const noexcept {
  return kind_.is_unix ? Peer::of_unix_socket(socket_) : Peer();
}

std::optional<ConnectionEnds> Connection::ends() const noexcept {
  ConnectionEnds ends;
  if (kind_.is_unix || getpeername(socket_, &ends.client.any, &ends.client.size) != 0 ||
      getsockname(socket_, &ends.server.any, &ends.server.size) != 0) {
    return std::nullopt;
  }
  return ends;
}

// --- Receiving ---

void Connection::receive() {
  if (receive_.in_flight() || input_ended_ || receive_paused_ || is_closing()) return;
  server_.reactor().ring().receive_multishot(receive_, socket_, server_.buffers());
}

void Connection::on_receive(const Completion& completion) noexcept {
  const BufferLease lease(server_.buffers(), completion);
  if (is_closing()) return join();
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
  if (state_ == State::lingering) return;
  is_unused_ = false;
  if (state_ == State::idle) {
    work_ = &server_.lease_workspace();
    work_->exchange.begin(*this);
    state_ = State::busy;
  }
  const std::string_view text(bytes.data(), bytes.size());
  // The backlog is processed first, even if sending has just made room for more answers.
  const std::size_t used = work_->backlog.empty() && may_process() ? process(text) : 0;
  if (!work_->exchange.is_last()) work_->backlog += text.substr(used);
  if (work_->backlog.size() > server_.limits().backlog_size_max && !receive_paused_) {
    receive_paused_ = true;
    if (receive_.in_flight()) server_.reactor().ring().cancel(receive_);
  }
}

bool Connection::may_process() const noexcept {
  if (is_closing() || work_->exchange.is_answering() || work_->exchange.is_last()) return false;
  // One answer is always possible, so that no client waits for what others have not read.
  const std::size_t gathered = work_->answers.gathered_size();
  return gathered == 0 ||
         (gathered < server_.limits().answers_size_max && !server_.answers_are_full());
}

// Processes `bytes` until they are used up or must wait; returns how many were used.
std::size_t Connection::process(std::string_view bytes) {
  processing_ = true;
  std::size_t used = 0;
  while (used < bytes.size() && may_process()) used += work_->exchange.take(bytes.substr(used));
  processing_ = false;
  return used;
}

void Connection::process_backlog() {
  std::string& backlog = work_->backlog;
  if (backlog.empty() || !may_process()) return;
  // Nothing is added to the backlog while it is processed: its bytes stay in place.
  backlog.erase(0, process(backlog));
  if (work_->exchange.is_last()) backlog.clear();
  if (receive_paused_ && backlog.size() <= server_.limits().backlog_size_max) {
    receive_paused_ = false;
    receive();
  }
}

// --- Sending and waiting ---

void Connection::on_answer() {
  // An answer given while bytes are processed is settled once, after that.
  if (!processing_) settle();
}

void Connection::settle() {
  if (state_ == State::closing) return join();
  if (state_ == State::lingering) return input_ended_ ? terminate() : receive();
  if (state_ == State::busy && !settle_busy()) return;
  if (state_ == State::idle) {
    if (input_ended_) return terminate();
    if (server_.is_draining()) return finish();
    wait_for(Waiting::idle);
  }
  receive();
}

// Returns false if it lingers, or if the exchange sent something, which has settled the rest.
bool Connection::settle_busy() {
  process_backlog();
  Exchange& exchange = work_->exchange;
  if (input_ended_ && exchange.is_partial() && may_process()) {
    exchange.reject(400, "The request ended before it was complete");
    return false;
  }
  flush();
  account();
  if (send_.in_flight()) {
    wait_for(Waiting::send);
  } else if (exchange.is_answering()) {
    wait_for(Waiting::endpoint);
  } else if (exchange.is_last() || (server_.is_draining() && !exchange.is_partial())) {
    linger();
    return false;
  } else if (exchange.is_partial()) {
    wait_for(exchange.is_in_body() ? Waiting::body : Waiting::head);
  } else {
    release_workspace();
    state_ = State::idle;
  }
  return true;
}

void Connection::flush() {
  AnswerBuffer& answers = work_->answers;
  if (send_.in_flight() || answers.gathered_size() == 0) return;
  server_.reactor().ring().send(send_, socket_, answers.begin_sending());
}

void Connection::on_send(const Completion& completion) noexcept {
  if (is_closing()) return join();
  if (completion.result <= 0) return terminate();
  const auto rest = work_->answers.note_sent(static_cast<std::size_t>(completion.result));
  if (!rest.empty()) return server_.reactor().ring().send(send_, socket_, rest);
  deadline_.stop();
  settle();
}

// Reports to the server what is held for this client.
void Connection::account() noexcept {
  const HeldBytes now{.answers = work_->answers.held(),
                      .input = work_->backlog.size() + work_->exchange.head_held()};
  server_.account(work_->held, now);
  work_->held = now;
}

// A step's deadline counts from its beginning: one that is running is not started again.
void Connection::wait_for(Waiting what) {
  if (deadline_.is_running() && waiting_ == what && what != Waiting::idle) return;
  waiting_ = what;
  const Instant now = server_.reactor().now();
  if (kind_.only_for_polls) {
    // One deadline for the whole exchange.
    if (!deadline_.is_running()) server_.polls().start(deadline_, now);
    return;
  }
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
    // The endpoint answers in its own time, and the store has its own limits: this only orders the
    // connections that would have to make room.
    case Waiting::endpoint:
      return server_.endpoints().start(deadline_, now);
  }
}

void Connection::on_deadline() noexcept {
  const bool is_request = waiting_ == Waiting::head || waiting_ == Waiting::body;
  if (!is_request) return terminate();
  Exchange& exchange = work_->exchange;
  if (server_.is_making_room()) {
    return exchange.reject(503, "The request took too long while others waited; try again later",
                           kRetrySoon);
  }
  exchange.reject(408, waiting_ == Waiting::head ? "The request's head took too long to arrive"
                                                 : "The request's body took too long to arrive");
}

// --- Ending ---

// Closing at once would let the kernel reset the connection when more bytes arrive, and the client
// might lose the answer: end the sending side, and read until the client has ended too.
void Connection::linger() {
  release_workspace();
  if (input_ended_ || kind_.only_for_polls) return terminate();
  ::shutdown(socket_, SHUT_WR);
  state_ = State::lingering;
  receive_paused_ = false;
  wait_for(Waiting::linger);
  receive();
}

void Connection::terminate() {
  if (state_ == State::free || state_ == State::closing) return;
  state_ = State::closing;
  deadline_.stop();
  if (work_ != nullptr) server_.account_closing(work_->held);
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

void Connection::release_workspace() {
  if (work_ == nullptr) return;
  const HeldBytes held = std::exchange(work_->held, {});
  if (is_closing()) {
    server_.account_closed(held);
  } else {
    server_.account(held, {});
  }
  server_.return_workspace(*std::exchange(work_, nullptr));
}

// Ends the connection once the kernel and the endpoint have released it.
void Connection::join() {
  const bool is_held = work_ != nullptr && work_->exchange.is_answering();
  if (receive_.in_flight() || send_.in_flight() || is_held) return;
  release_workspace();
  server_.reactor().ring().close(std::exchange(socket_, -1));
  state_ = State::free;
  server_.return_connection(*this);
}

}  // namespace picortex::http
