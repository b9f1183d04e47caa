#include "handlers/http/server.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace picortex::http {
namespace {

constexpr std::uint32_t kBufferCount = 1024;
constexpr std::uint32_t kBufferSize = 4096;
constexpr std::chrono::milliseconds kAcceptRetryDelay{100};
// Workspaces kept for the next requests; more are made, and kept, only while more are in use at
// once.
constexpr std::size_t kWorkspacesReserved = 64;
// How many exchanges that were not needed for a tick are released in the next, so that no iteration
// takes long.
constexpr std::chrono::seconds kPoolTick{1};
constexpr std::size_t kWorkspacesFreedPerTick = 512;
constexpr std::chrono::hours kNoLimit{24 * 365};
// A connection that has waited for less is spared as long as there is another: the request of a
// client that was just accepted is on its way.
constexpr std::chrono::seconds kSparedTime{1};

}  // namespace

Server::Acceptor::Acceptor(Server& owner, Listener socket)
    : server(owner), listener(std::move(socket)) {
  for (std::size_t i = 0; i < kAcceptsPerListener; ++i) accepts.emplace_back(*this);
}

void Server::Acceptor::accept() {
  if (!listener.socket.is_open()) return;
  for (Accept& one : accepts) {
    if (one.operation.in_flight()) continue;
    server.reactor_.ring().accept(one.operation, listener.socket.number());
  }
}

void Server::Acceptor::stop() {
  for (Accept& one : accepts) {
    if (one.operation.in_flight()) server.reactor_.ring().cancel(one.operation);
  }
  if (!is_accepting()) listener.socket.reset();
}

bool Server::Acceptor::is_accepting() const noexcept {
  return std::ranges::any_of(accepts, [](const Accept& one) { return one.operation.in_flight(); });
}

// What closes a descriptor to make room is submitted before the accept that may take it.
void Server::Acceptor::take(const Completion& completion) {
  if (completion.result >= 0) {
    server.admit(completion.result, listener.is_unix);
  } else if (!server.draining_) {
    server.on_accept_failure(-completion.result);
  }
  if (server.draining_) {
    if (!is_accepting()) listener.socket.reset();
  } else if (!server.accept_retry_.is_running()) {
    accept();
  }
}

Result<std::unique_ptr<Server>> Server::create(Reactor& reactor, Log& log, const Router& router,
                                               const AccessControl& access,
                                               const TrustedProxies& proxies,
                                               const ServerLimits& limits) {
  auto buffers = BufferPool::create(reactor.ring(), kBufferCount, kBufferSize);
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
      endpoints_(kNoLimit),
      polls_(kPollTime),
      accept_retries_(kAcceptRetryDelay),
      pool_ticks_(kPoolTick) {
  for (DeadlineList* list : {&idle_, &heads_, &bodies_, &sends_, &lingers_, &endpoints_, &polls_,
                             &accept_retries_, &pool_ticks_}) {
    reactor_.add(*list);
  }
  reactor_.add(IterationHook::to<&Server::bound_memory>(*this));
  free_workspaces_.reserve(kWorkspacesReserved);
}

Server::~Server() {
  for (const Acceptor& acceptor : acceptors_) {
    if (!acceptor.listener.path.empty()) unlink(acceptor.listener.path.c_str());
  }
}

void Server::listen(Listener listener) {
  acceptors_.emplace_back(*this, std::move(listener)).accept();
}

void Server::admit(int socket, bool is_unix) {
  ++accepted_;
  const std::size_t connections_open = connections_.size() - free_connections_.size();
  const std::size_t ordinary_max = limits_.connections_max + kConnectionsOverMax;
  const bool only_for_polls = connections_open >= ordinary_max;
  if (connections_open >= limits_.connections_max) make_room();
  if (connections_open >= ordinary_max + kConnectionsForPolls) {
    evict_first(polls_);
    // Connections that were just evicted still count.
    if (connections_open >= ordinary_max + 2 * kConnectionsForPolls) {
      ++turned_away_;
      return reactor_.ring().close(socket);
    }
  }
  Connection* connection = nullptr;
  if (!free_connections_.empty()) {
    connection = free_connections_.back();
    free_connections_.pop_back();
  } else {
    connection = &connections_.emplace_back(*this);
  }
  connection->open(socket, {.is_unix = is_unix, .only_for_polls = only_for_polls});
  if (draining_) connection->finish();
}

// Evicts the connection whose loss costs least, so that a crowd of slow clients cannot keep others
// out: one that waits for nothing; one that was answered; one whose head is slow, or that does not
// read, or whose body is slow; last one whose answer is in progress. Among equals, the one that has
// waited longest. Its slot becomes free once the kernel, and the endpoint, have released it.
void Server::make_room() {
  const std::array<DeadlineList*, 6> by_cost{&idle_,  &lingers_, &heads_,
                                             &sends_, &bodies_,  &endpoints_};
  for (const Nanoseconds spared : {Nanoseconds(kSparedTime), Nanoseconds::zero()}) {
    for (DeadlineList* list : by_cost) {
      const bool is_due = !list->is_empty() && reactor_.now() - list->first_start() >= spared;
      if (is_due) return evict_first(*list);
    }
  }
}

void Server::evict_first(DeadlineList& list) {
  making_room_ = true;
  if (list.expire_first()) ++evicted_;
  making_room_ = false;
}

// Runs at the end of each iteration, when no connection is being processed: before a bound is
// reached, those that have been slow for longest make room. At the bound itself requests are
// rejected.
void Server::bound_memory() noexcept {
  const std::size_t answers_max = limits_.all_answers_size_max;
  if (held_.answers > answers_max / 4 * 3) {
    while (held_.answers > answers_max / 2 && !sends_.is_empty()) evict_first(sends_);
  }
  const std::size_t input_max = limits_.all_input_size_max;
  if (held_.input > input_max / 4 * 3) {
    for (DeadlineList* list : {&heads_, &sends_, &bodies_, &endpoints_}) {
      while (held_.input > input_max / 2 && !list->is_empty()) evict_first(*list);
    }
  }
}

void Server::shed_memory() noexcept {
  for (DeadlineList* list : {&sends_, &bodies_, &heads_}) {
    // Only those present now: one may be answered, and wait for the client to read.
    for (std::size_t left = connections_.size(); left > 0 && !list->is_empty(); --left) {
      evict_first(*list);
    }
  }
  workspaces_ -= free_workspaces_.size();
  free_workspaces_.clear();
  workspaces_unused_ = 0;
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
      .number("connections", static_cast<std::int64_t>(stats().connections))
      .message("cannot accept a connection; another one makes room");
}

void Server::on_accept_retry() noexcept {
  for (Acceptor& acceptor : acceptors_) acceptor.accept();
}

void Server::drain() {
  if (draining_) return;
  draining_ = true;
  accept_retry_.stop();
  for (Acceptor& acceptor : acceptors_) acceptor.stop();
  for (Connection& connection : connections_) connection.finish();
}

void Server::terminate() {
  for (Connection& connection : connections_) connection.terminate();
}

bool Server::is_idle() const noexcept {
  if (std::ranges::any_of(acceptors_, &Acceptor::is_accepting)) return false;
  return free_connections_.size() == connections_.size();
}

Workspace& Server::lease_workspace() {
  if (free_workspaces_.empty()) {
    ++workspaces_;
    return *std::make_unique<Workspace>(*this).release();
  }
  Workspace* workspace = free_workspaces_.back().release();
  free_workspaces_.pop_back();
  workspaces_unused_ = std::min(workspaces_unused_, free_workspaces_.size());
  return *workspace;
}

void Server::return_workspace(Workspace& workspace) {
  workspace.reset();
  free_workspaces_.emplace_back(&workspace);
  if (free_workspaces_.size() <= kWorkspacesReserved || pool_tick_.is_running()) return;
  workspaces_unused_ = free_workspaces_.size();
  pool_ticks_.start(pool_tick_, reactor_.now());
}

void Server::on_pool_tick() noexcept {
  if (workspaces_unused_ > kWorkspacesReserved) {
    const std::size_t freed =
        std::min(workspaces_unused_ - kWorkspacesReserved, kWorkspacesFreedPerTick);
    free_workspaces_.erase(free_workspaces_.begin(),
                           free_workspaces_.begin() + static_cast<std::ptrdiff_t>(freed));
    workspaces_ -= freed;
    malloc_trim(0);
  }
  workspaces_unused_ = free_workspaces_.size();
  if (workspaces_unused_ > kWorkspacesReserved) pool_ticks_.start(pool_tick_, reactor_.now());
}

void Server::return_connection(Connection& connection) { free_connections_.push_back(&connection); }

bool Server::reserve_body(std::size_t size) noexcept {
  if (body_bytes_ + size > limits_.bodies_size_max) return false;
  body_bytes_ += size;
  return true;
}

ServerStats Server::stats() const noexcept {
  std::size_t idle = 0;
  for (const Connection& connection : connections_) idle += connection.is_idle() ? 1 : 0;
  return {.connections = connections_.size() - free_connections_.size(),
          .connections_idle = idle,
          .accepted = accepted_,
          .requests = requests_,
          .evicted = evicted_,
          .turned_away = turned_away_,
          .accept_failures = accept_failures_,
          .exchanges = workspaces_,
          .body_bytes = body_bytes_,
          .answer_bytes = held_.answers + closing_.answers,
          .input_bytes = held_.input + closing_.input};
}

}  // namespace picortex::http
