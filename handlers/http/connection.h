#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "handlers/client_address.h"
#include "handlers/http/exchange.h"
#include "reactor/buffer_pool.h"
#include "reactor/deadline_list.h"
#include "reactor/operation.h"

namespace picortex::http {

class Server;

// One client. Small, since most are idle: while a request is going on it leases an Exchange.
//
//   idle ─ first byte → busy ─ answered, nothing more → idle
//   any  ─ last answer sent → lingering ─ client closed, or time is up → closing → free
//
// While an endpoint holds the exchange, or the answers that the client has not read exceed their
// limit, received bytes wait in the exchange's backlog, and beyond its limit receiving stops: TCP
// pushes back. One deadline at a time bounds every state, each for a whole step, never for a single
// read. Closing waits until nothing is in flight and no endpoint holds the exchange.
class Connection {
 public:
  explicit Connection(Server& server) : server_(server) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes the socket over. `is_unix`: a Unix socket's peer.
  void open(int socket, bool is_unix);

  bool is_open() const noexcept { return socket_ >= 0; }
  bool is_idle() const noexcept {
    return is_open() && exchange_ == nullptr && !lingering_ && !closing_;
  }
  // Ends it without an answer.
  void terminate();
  // For a drain: no request after the one in hand. A client that has only just connected is given a
  // moment for its first, which is on its way.
  void finish();

  // The address behind the socket; of a Unix socket its peer's user.
  ClientAddress peer() const noexcept;
  std::optional<uid_t> peer_uid() const noexcept;

  // Who sent the request: the peer, or whom a trusted proxy names.
  ClientAddress client_of(const Exchange& exchange) const noexcept;

  // For Exchange's functions of these names; answer() for respond().
  void answer(const Response& response);
  bool is_wanted() const noexcept { return !closing_; }
  void begin_stream(const Response& response);
  void stream(std::string_view piece);
  bool may_stream() const noexcept;
  void end_stream();

 private:
  // What the running deadline is for.
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

  // A request, step by step.
  std::size_t take_head(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  void on_head(std::string_view head);
  void decide_on_head();
  void find_no_route(const std::string& allow);
  void refuse_after_body(int status, std::string_view message, std::string_view fields);
  void refuse_now(int status, std::string_view message, std::string_view fields = {});
  void refuse_too_large();
  void dispatch();
  void begin_answer(const Response& response, BodyEnd body_end);
  void finish_answer();
  void log_request(int status, std::size_t body_size);

  // Sending, waiting and ending.
  void flush();
  void settle();
  bool has_partial_request() const noexcept;
  void wait_for(Waiting what);
  void linger();
  void release_exchange();
  void join();

  Server& server_;
  int socket_ = -1;
  Exchange* exchange_ = nullptr;
  bool is_unix_ = false;
  bool is_unused_ = true;        // not a byte has come yet
  bool input_ended_ = false;     // the client has sent its last byte
  bool receive_paused_ = false;  // the backlog is full
  bool close_after_ = false;     // the answer in the making is the last
  bool lingering_ = false;       // everything is sent; what comes in is thrown away
  bool closing_ = false;
  bool in_endpoint_ = false;  // true exactly while an endpoint holds the exchange
  bool processing_ = false;   // true exactly while process() runs
  Waiting waiting_ = Waiting::idle;
  Operation receive_ = Operation::to<&Connection::on_receive>(*this);
  Operation send_ = Operation::to<&Connection::on_send>(*this);
  Deadline deadline_ = Deadline::to<&Connection::on_deadline>(*this);
};

}  // namespace picortex::http
