#include "handlers/http/server.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace picortex::http {
namespace {

constexpr std::uint16_t kBufferGroup = 0;
constexpr std::uint32_t kBufferCount = 1024;
constexpr std::uint32_t kBufferSize = 4096;
constexpr std::chrono::milliseconds kAcceptRetryDelay{100};
// Exchanges kept for the next requests; more are made, and kept, only while more are in use at
// once.
constexpr std::size_t kExchangesReserved = 64;

}  // namespace

Server::Door::Door(Server& owner, Listener socket) : server(owner), listener(std::move(socket)) {}

void Server::Door::accept() {
  if (accept_operation.in_flight() || !listener.socket.is_open()) return;
  server.reactor_.ring().accept_multishot(accept_operation, listener.socket.number());
}

void Server::Door::on_accept(const Completion& completion) noexcept {
  if (completion.result >= 0) {
    server.admit(completion.result, listener.is_unix);
  } else if (!server.draining_) {
    server.on_accept_failure(-completion.result);
  }
  if (server.draining_) {
    if (!completion.more) listener.socket.reset();
  } else if (!completion.more && !server.accept_retry_.is_running()) {
    accept();
  }
}

Result<std::unique_ptr<Server>> Server::create(Reactor& reactor, Log& log, const Router& router,
                                               const AccessControl& access,
                                               const TrustedProxies& proxies,
                                               const ServerLimits& limits) {
  auto buffers = BufferPool::create(reactor.ring(), kBufferGroup, kBufferCount, kBufferSize);
  if (!buffers) return std::unexpected(buffers.error());
  return std::unique_ptr<Server>(
      new Server(reactor, log, router, access, proxies, limits, std::move(*buffers)));
}

Server::Server(Reactor& reactor, Log& log, const Router& router, const AccessControl& access,
               const TrustedProxies& proxies, const ServerLimits& limits, BufferPool buffers)
    : reactor_(reactor),
      log_(log),
      router_(router),
      access_(access),
      proxies_(proxies),
      limits_(limits),
      buffers_(std::move(buffers)),
      idle_(limits.idle_timeout),
      heads_(limits.head_timeout),
      bodies_(limits.body_timeout),
      sends_(limits.send_timeout),
      lingers_(limits.linger_timeout),
      accept_retries_(kAcceptRetryDelay) {
  for (DeadlineList* list : {&idle_, &heads_, &bodies_, &sends_, &lingers_, &accept_retries_}) {
    reactor_.add(*list);
  }
  free_exchanges_.reserve(kExchangesReserved);
}

Server::~Server() {
  for (const Door& door : doors_) {
    if (!door.listener.path.empty()) unlink(door.listener.path.c_str());
  }
}

void Server::listen(Listener listener) { doors_.emplace_back(*this, std::move(listener)).accept(); }

void Server::admit(int socket, bool is_unix) {
  ++accepted_;
  const std::size_t connections_open = connections_.size() - free_connections_.size();
  if (connections_open >= limits_.connections_max) make_room();
  if (connections_open >= limits_.connections_max + kConnectionsOverMax) {
    ++turned_away_;
    return reactor_.ring().close(socket);
  }
  Connection* connection = nullptr;
  if (!free_connections_.empty()) {
    connection = free_connections_.back();
    free_connections_.pop_back();
  } else {
    connection = &connections_.emplace_back(*this);
  }
  connection->open(socket, is_unix);
  if (draining_) connection->finish();
}

// Whoever can be missed most easily goes: the longest idle connection, one that was answered, then
// the one whose head or body takes longest, so that no crowd of slow clients keeps the others out.
// Its slot comes free once the kernel has let go of it.
void Server::make_room() {
  for (DeadlineList* list : {&idle_, &lingers_, &heads_, &bodies_}) {
    if (!list->expire_first()) continue;
    ++evicted_;
    return;
  }
}

void Server::on_accept_failure(int error) {
  // The client gave up before it was accepted.
  if (error == ECONNABORTED || error == ECANCELED || error == EINTR) return;
  ++accept_failures_;
  make_room();
  if (accept_retry_.is_running()) return;
  accept_retries_.start(accept_retry_, reactor_.now());
  log_.line(Level::warn, "http.accept_failed")
      .text("error", std::strerror(error))
      .number("connections", static_cast<std::int64_t>(figures().connections))
      .message("cannot accept a connection; the longest idle one makes room");
}

void Server::on_accept_retry() noexcept {
  for (Door& door : doors_) door.accept();
}

void Server::drain() {
  if (draining_) return;
  draining_ = true;
  accept_retry_.stop();
  for (Door& door : doors_) {
    if (door.accept_operation.in_flight()) {
      reactor_.ring().cancel(door.accept_operation);
    } else {
      door.listener.socket.reset();
    }
  }
  for (Connection& connection : connections_) connection.finish();
}

void Server::terminate() {
  for (Connection& connection : connections_) connection.terminate();
}

bool Server::is_idle() const noexcept {
  for (const Door& door : doors_) {
    if (door.accept_operation.in_flight()) return false;
  }
  return free_connections_.size() == connections_.size();
}

Exchange& Server::lease_exchange() {
  if (free_exchanges_.empty()) return exchanges_.emplace_back();
  Exchange* exchange = free_exchanges_.back();
  free_exchanges_.pop_back();
  return *exchange;
}

void Server::return_exchange(Exchange& exchange) {
  exchange.trim();
  free_exchanges_.push_back(&exchange);
}

void Server::return_connection(Connection& connection) { free_connections_.push_back(&connection); }

bool Server::reserve_body(std::size_t size) noexcept {
  if (body_bytes_ + size > limits_.bodies_size_max) return false;
  body_bytes_ += size;
  return true;
}

ServerFigures Server::figures() const noexcept {
  std::size_t idle = 0;
  for (const Connection& connection : connections_) idle += connection.is_idle() ? 1 : 0;
  return {.connections = connections_.size() - free_connections_.size(),
          .connections_idle = idle,
          .accepted = accepted_,
          .requests = requests_,
          .evicted = evicted_,
          .turned_away = turned_away_,
          .accept_failures = accept_failures_,
          .exchanges = exchanges_.size(),
          .body_bytes = body_bytes_};
}

}  // namespace picortex::http
