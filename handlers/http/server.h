#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uuid/uuid_v7.h"
#include "handlers/http/connection.h"
#include "handlers/http/listener.h"
#include "handlers/http/middleware/access_control.h"
#include "handlers/http/middleware/trusted_proxies.h"
#include "handlers/http/response.h"
#include "handlers/http/router.h"
#include "handlers/http/workspace.h"
#include "reactor/buffer_pool.h"
#include "reactor/log.h"
#include "reactor/reactor.h"

namespace picortex::http {

struct ServerLimits {
  std::size_t connections_max = 16384;
  std::size_t backlog_size_max = 64 * 1024;   // received bytes waiting on one connection
  std::size_t answers_size_max = 256 * 1024;  // answers waiting on one connection
  // For all connections together: request bodies; answers that clients have not read; incomplete
  // heads, and received bytes that wait.
  std::size_t bodies_size_max = 64 * 1024 * 1024;
  std::size_t all_answers_size_max = 64 * 1024 * 1024;
  std::size_t all_input_size_max = 32 * 1024 * 1024;
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds head_timeout{10'000};  // for the whole head
  std::chrono::milliseconds body_timeout{30'000};  // for the whole body
  std::chrono::milliseconds send_timeout{30'000};  // for everything that was answered so far
  std::chrono::milliseconds linger_timeout{2'000};
};

// For a moment there may be this many connections more than connections_max: those that make room
// are gone only once the kernel has released them.
inline constexpr std::size_t kConnectionsOverMax = 64;
// Beyond these, for when even those that make room cannot end (an endpoint holds each of them, as
// in a stall of the disk): connections on which only health polls are answered, each for at most
// kPollTime. A poll takes a millisecond, so a client that fills them cannot keep others out.
inline constexpr std::size_t kConnectionsForPolls = 16;
inline constexpr std::chrono::seconds kPollTime{2};
// Accepts that the kernel has of each listening socket: it takes at most this many descriptors
// before the loop counts their connections, however many clients wait. Descriptors for them are
// kept back (fit_connections()), so a crowd cannot take those of the store.
inline constexpr std::size_t kAcceptsPerListener = 16;

struct ServerStats {
  std::size_t connections = 0;
  std::size_t connections_idle = 0;
  std::uint64_t accepted = 0;
  std::uint64_t requests = 0;
  std::uint64_t evicted = 0;      // connections ended to make room
  std::uint64_t turned_away = 0;  // closed at once, since no connection could make room in time
  std::uint64_t accept_failures = 0;
  std::size_t exchanges = 0;
  std::size_t body_bytes = 0;
  std::size_t answer_bytes = 0;
  std::size_t input_bytes = 0;
};

// Listens, and owns the connections, their workspaces and what they share.
//
// When all slots or descriptors are taken, a connection makes room for the next client: the one
// that can be missed most easily, in whatever state it waits. The memory of all connections is
// bounded by kind; the oldest of a kind makes room there. What a burst has taken is given back
// within a minute.
class Server {
 public:
  // References passed in must outlive the server.
  static Result<std::unique_ptr<Server>> create(Reactor& reactor, Log& log, const Router& router,
                                                const AccessControl& access,
                                                const TrustedProxies& proxies,
                                                const ServerLimits& limits);
  ~Server();

  // Accepts on a listening socket.
  void listen(Listener listener);

  // Stops accepting, ends idle connections, and makes each current request the last of its
  // connection. Poll is_idle() for the end of all.
  void drain();
  // Ends every connection at once.
  void terminate();
  // For when the heap cannot grow: ends slow connections and frees what is kept for later. Call it
  // at an iteration's end.
  void shed_memory() noexcept;
  bool is_idle() const noexcept;
  bool is_draining() const noexcept { return draining_; }

  ServerStats stats() const noexcept;

  // For connections and exchanges.
  Reactor& reactor() noexcept { return reactor_; }
  Log& log() noexcept { return log_; }
  const Router& router() const noexcept { return router_; }
  const AccessControl& access() const noexcept { return access_; }
  const TrustedProxies& proxies() const noexcept { return proxies_; }
  const ServerLimits& limits() const noexcept { return limits_; }
  BufferPool& buffers() noexcept { return buffers_; }
  std::string_view date() noexcept { return date_.at(reactor_.unix_ms()); }
  Uuid next_id() noexcept { return ids_.next(reactor_.unix_ms()); }
  Workspace& lease_workspace();
  void return_workspace(Workspace& workspace);
  void return_connection(Connection& connection);
  // True while a connection's deadline has been moved forward to make room.
  bool is_making_room() const noexcept { return making_room_; }
  void count_request() noexcept { ++requests_; }
  // Accounts for bytes of a body; returns false, without accounting, if there is no room.
  bool reserve_body(std::size_t size) noexcept;
  void release_body(std::size_t size) noexcept { body_bytes_ -= size; }
  // A connection holds `now` bytes and held `before`.
  void account(const HeldBytes& before, const HeldBytes& now) noexcept {
    held_.answers += now.answers - before.answers;
    held_.input += now.input - before.input;
  }
  // A connection that held `bytes` begins to close. Until the kernel has released them they count
  // towards the bounds, but no longer as something that an eviction could free.
  void account_closing(const HeldBytes& bytes) noexcept {
    account(bytes, {});
    closing_.answers += bytes.answers;
    closing_.input += bytes.input;
  }
  void account_closed(const HeldBytes& bytes) noexcept {
    closing_.answers -= bytes.answers;
    closing_.input -= bytes.input;
  }
  bool answers_are_full() const noexcept {
    return held_.answers + closing_.answers >= limits_.all_answers_size_max;
  }
  bool input_is_full() const noexcept {
    return held_.input + closing_.input >= limits_.all_input_size_max;
  }

  DeadlineList& idle() noexcept { return idle_; }
  DeadlineList& heads() noexcept { return heads_; }
  DeadlineList& bodies() noexcept { return bodies_; }
  DeadlineList& sends() noexcept { return sends_; }
  DeadlineList& lingers() noexcept { return lingers_; }
  DeadlineList& endpoints() noexcept { return endpoints_; }
  DeadlineList& polls() noexcept { return polls_; }

 private:
  // A listening socket and its accepts.
  struct Acceptor {
    struct Accept {
      explicit Accept(Acceptor& owner) : acceptor(owner) {}
      void on_accept(const Completion& completion) noexcept { acceptor.take(completion); }

      Acceptor& acceptor;
      Operation operation = Operation::to<&Accept::on_accept>(*this);
    };

    Acceptor(Server& owner, Listener socket);
    void take(const Completion& completion);
    // Starts every accept that is not in flight.
    void accept();
    // Ends the accepts, and closes the socket once none is in flight.
    void stop();
    bool is_accepting() const noexcept;

    Server& server;
    Listener listener;
    std::deque<Accept> accepts;
  };

  Server(Reactor& reactor, Log& log, const Router& router, const AccessControl& access,
         const TrustedProxies& proxies, const ServerLimits& limits, BufferPool buffers);

  void admit(int socket, bool is_unix);
  void make_room();
  void evict_first(DeadlineList& list);
  void bound_memory() noexcept;
  void on_pool_tick() noexcept;
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
  DeadlineList endpoints_;  // only for their order: its length exceeds any answer's time
  DeadlineList polls_;      // of connections beyond the limit
  DeadlineList accept_retries_;
  DeadlineList pool_ticks_;
  Deadline accept_retry_ = Deadline::to<&Server::on_accept_retry>(*this);
  std::deque<Acceptor> acceptors_;
  std::deque<Connection> connections_;
  std::vector<Connection*> free_connections_;
  // The last one returned is the first one leased, so that those in front stay unused.
  std::vector<std::unique_ptr<Workspace>> free_workspaces_;
  std::size_t workspaces_ = 0;         // free or leased
  std::size_t workspaces_unused_ = 0;  // the fewest that were free since the last tick
  Deadline pool_tick_ = Deadline::to<&Server::on_pool_tick>(*this);
  bool draining_ = false;
  bool making_room_ = false;
  std::uint64_t accepted_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t turned_away_ = 0;
  std::uint64_t accept_failures_ = 0;
  std::size_t body_bytes_ = 0;
  HeldBytes held_;     // by connections that are not closing
  HeldBytes closing_;  // by those that are
};

}  // namespace picortex::http
