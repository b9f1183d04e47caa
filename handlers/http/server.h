#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uuid_v7.h"
#include "handlers/access.h"
#include "handlers/http/connection.h"
#include "handlers/http/exchange.h"
#include "handlers/http/listener.h"
#include "handlers/http/response.h"
#include "handlers/http/router.h"
#include "handlers/trusted_proxies.h"
#include "reactor/buffer_pool.h"
#include "reactor/log.h"
#include "reactor/reactor.h"

namespace picortex::http {

struct ServerLimits {
  std::size_t connections_max = 16384;
  std::size_t backlog_size_max = 64 * 1024;        // received bytes waiting on one connection
  std::size_t answers_size_max = 256 * 1024;       // answers waiting on one connection
  std::size_t bodies_size_max = 64 * 1024 * 1024;  // request bodies of all connections together
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds head_timeout{10'000};  // for the whole head
  std::chrono::milliseconds body_timeout{30'000};  // for the whole body
  std::chrono::milliseconds send_timeout{30'000};  // for everything that was answered so far
  std::chrono::milliseconds linger_timeout{2'000};
};

// For a moment there may be that many connections more than connections_max: those that make room
// are gone once the kernel has let go of them.
inline constexpr std::size_t kConnectionsOverMax = 64;

struct ServerFigures {
  std::size_t connections = 0;
  std::size_t connections_idle = 0;
  std::uint64_t accepted = 0;
  std::uint64_t requests = 0;
  std::uint64_t evicted = 0;      // idle connections closed to make room
  std::uint64_t turned_away = 0;  // closed at once, since no idle one could make room
  std::uint64_t accept_failures = 0;
  std::size_t exchanges = 0;
  std::size_t body_bytes = 0;
};

// Listens, and owns the connections, their exchanges and what they share. When all slots or
// descriptors are taken, the longest idle connection makes room for the next client.
class Server {
 public:
  // What is passed by reference outlives the server.
  static Result<std::unique_ptr<Server>> create(Reactor& reactor, Log& log, const Router& router,
                                                const AccessControl& access,
                                                const TrustedProxies& proxies,
                                                const ServerLimits& limits);
  ~Server();

  // Accepts on a socket that listens.
  void listen(Listener listener);

  // Stops accepting, ends idle connections, and lets each request in hand be the last of its
  // connection. is_idle() tells when all are gone.
  void drain();
  // Ends every connection without more ado.
  void terminate();
  bool is_idle() const noexcept;
  bool is_draining() const noexcept { return draining_; }

  ServerFigures figures() const noexcept;

  // For connections.
  Reactor& reactor() noexcept { return reactor_; }
  Log& log() noexcept { return log_; }
  const Router& router() const noexcept { return router_; }
  const AccessControl& access() const noexcept { return access_; }
  const TrustedProxies& proxies() const noexcept { return proxies_; }
  const ServerLimits& limits() const noexcept { return limits_; }
  BufferPool& buffers() noexcept { return buffers_; }
  std::string_view date() noexcept { return date_.at(reactor_.unix_ms()); }
  Uuid next_id() noexcept { return ids_.next(reactor_.unix_ms()); }
  Exchange& lease_exchange();
  void return_exchange(Exchange& exchange);
  void return_connection(Connection& connection);
  void count_request() noexcept { ++requests_; }
  // Accounts for bytes of a body; false: there is no room, and they are not accounted for.
  bool reserve_body(std::size_t size) noexcept;
  void release_body(std::size_t size) noexcept { body_bytes_ -= size; }

  DeadlineList& idle() noexcept { return idle_; }
  DeadlineList& heads() noexcept { return heads_; }
  DeadlineList& bodies() noexcept { return bodies_; }
  DeadlineList& sends() noexcept { return sends_; }
  DeadlineList& lingers() noexcept { return lingers_; }

 private:
  // A listening socket and its multishot accept.
  struct Door {
    Door(Server& owner, Listener socket);
    void on_accept(const Completion& completion) noexcept;
    void accept();

    Server& server;
    Listener listener;
    Operation accept_operation = Operation::to<&Door::on_accept>(*this);
  };

  Server(Reactor& reactor, Log& log, const Router& router, const AccessControl& access,
         const TrustedProxies& proxies, const ServerLimits& limits, BufferPool buffers);

  void admit(int socket, bool is_unix);
  void make_room();
  void on_accept_failure(int error);
  void on_accept_retry() noexcept;

  Reactor& reactor_;
  Log& log_;
  const Router& router_;
  const AccessControl& access_;
  const TrustedProxies& proxies_;
  ServerLimits limits_;
  BufferPool buffers_;
  UuidV7Generator ids_;
  HttpDate date_;
  DeadlineList idle_;
  DeadlineList heads_;
  DeadlineList bodies_;
  DeadlineList sends_;
  DeadlineList lingers_;
  DeadlineList accept_retries_;
  Deadline accept_retry_ = Deadline::to<&Server::on_accept_retry>(*this);
  std::deque<Door> doors_;
  std::deque<Connection> connections_;
  std::vector<Connection*> free_connections_;
  std::deque<Exchange> exchanges_;
  std::vector<Exchange*> free_exchanges_;
  bool draining_ = false;
  std::uint64_t accepted_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t turned_away_ = 0;
  std::uint64_t accept_failures_ = 0;
  std::size_t body_bytes_ = 0;
};

}  // namespace picortex::http
