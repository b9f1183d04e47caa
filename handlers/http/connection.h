#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "handlers/http/middleware/client_address.h"
#include "handlers/http/middleware/peer_scopes.h"
#include "reactor/deadline_list.h"
#include "reactor/operation.h"

namespace picortex::http {

class Server;
struct Workspace;

// One client: its socket, what is in flight on it, the deadline that runs, and how it ends. Small,
// since most are idle: while a request is going on it leases a Workspace, whose Exchange does
// everything about the request itself. The server owns all connections and uses them again.
//
//   state      deadline       event                                            next state
//   free       none           open()                                           idle
//   idle       idle           bytes: a workspace is leased                     busy
//              idle           the client ends, finish() of a drain             closing
//              last_request   (the same, of one that drains, and is new)
//   busy       head, body     bytes of a request that is not whole             busy
//              head, body     the client ends, time is up: 4xx or 503          busy, the last answer
//              send           answers are not all sent                         busy
//              endpoint       an endpoint has the request                      busy
//              -              all is answered and sent                         idle
//              -              the last answer is sent                          lingering
//   lingering  linger         bytes: thrown away                               lingering
//              linger         the client ends                                  closing
//   any open   any other      an error of the socket, time is up, terminate()  closing
//   closing    none           nothing is in flight, no endpoint has a request  free
//
// The state of a busy connection follows from what is left to do: settle() is called after every
// event, and brings deadline, sending and memory in line. One deadline at a time bounds every
// state, each for a whole step, never for a single read.
//
// While an endpoint has the request, or the answers that the client has not read exceed their
// limit, received bytes wait in the backlog, and beyond its limit receiving stops: TCP pushes back.
class Connection {
 public:
  explicit Connection(Server& server) : server_(server) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  struct Kind {
    bool is_unix = false;         // the peer of a Unix socket
    bool only_for_polls = false;  // beyond the limit: other requests get 503
  };

  // --- For the server ---

  // Takes the socket over.
  void open(int socket, Kind kind);
  bool is_idle() const noexcept { return state_ == State::idle; }
  // Ends the connection without an answer.
  void terminate();
  // For a drain: accepts no request after the current one. A client that has just connected gets a
  // moment for its first request, which is on its way.
  void finish();

  // --- For the exchange ---

  // Returns the address of the socket's peer, or the user of a Unix socket's peer.
  ClientAddress peer() const noexcept;
  // Of a Unix socket its peer; of others nothing is known.
  Peer peer_credentials() const noexcept;
  // Returns the ends of a TCP connection; nothing for a Unix socket, or once the client has gone.
  std::optional<ConnectionEnds> ends() const noexcept;
  bool is_only_for_polls() const noexcept { return kind_.only_for_polls; }
  // True once the client has disconnected.
  bool is_closing() const noexcept { return state_ == State::closing; }
  // The client has sent its last byte.
  bool has_input_ended() const noexcept { return input_ended_; }
  // There is more to send, or the request has been answered, or both. The exchange may have been
  // returned to the pool when this returns.
  void on_answer();

 private:
  enum class State : std::uint8_t { free, idle, busy, lingering, closing };
  // The step that the running deadline is for.
  enum class Waiting : std::uint8_t { idle, last_request, head, body, send, endpoint, linger };

  void on_receive(const Completion& completion) noexcept;
  void on_send(const Completion& completion) noexcept;
  void on_deadline() noexcept;

  // Receiving.
  void receive();
  void take(std::span<const char> bytes);
  bool may_process() const noexcept;
  std::size_t process(std::string_view bytes);
  void process_backlog();

  // Sending and waiting.
  void settle();
  bool settle_busy();
  void flush();
  void account() noexcept;
  void wait_for(Waiting what);

  // Ending.
  void linger();
  void release_workspace();
  void join();

  Server& server_;
  int socket_ = -1;
  Workspace* work_ = nullptr;  // while it is busy, and until a busy one has ended
  Kind kind_;
  State state_ = State::free;
  Waiting waiting_ = Waiting::idle;
  bool is_unused_ = true;        // no byte has arrived yet
  bool input_ended_ = false;     // the client has sent its last byte
  bool receive_paused_ = false;  // the backlog is full
  bool processing_ = false;      // true exactly while process() runs
  Operation receive_ = Operation::to<&Connection::on_receive>(*this);
  Operation send_ = Operation::to<&Connection::on_send>(*this);
  Deadline deadline_ = Deadline::to<&Connection::on_deadline>(*this);
};

}  // namespace picortex::http
