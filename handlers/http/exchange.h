#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "handlers/client_address.h"
#include "handlers/http/head_scanner.h"
#include "handlers/http/request.h"
#include "handlers/http/request_parser.h"
#include "handlers/http/response.h"
#include "handlers/http/router.h"
#include "reactor/deadline_list.h"

namespace picortex::http {

class Connection;

// One request and its answer, with the memory they need. A connection leases one from the server
// for as long as something is going on; an idle connection has none.
//
// An endpoint answers with respond() or fail(), at once or later, exactly once; or with a stream,
// from begin_stream() to end_stream(). Until it has, the request, its body and this object stay,
// even if the client has gone.
class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Uuid& id() const noexcept { return id_; }
  const Request& request() const noexcept { return request_; }
  // The body, in memory with kBodyPadding writable bytes behind it.
  std::span<char> body() noexcept { return {body_.data(), body_.size() - kBodyPadding}; }
  const Connection& connection() const noexcept { return *connection_; }
  // Who sent the request: the peer, or whom a trusted proxy names.
  ClientAddress client() const noexcept;

  void respond(const Response& response);
  // Fastify's error body. `fields`: further header lines.
  void fail(int status, std::string_view message, std::string_view fields = {});

  // False once the client has gone. Nothing tells the endpoint: it looks at each turn's end.
  bool is_wanted() const noexcept;

  // An answer that comes in pieces. `response` has no body. The pieces wait in memory: whoever
  // sends them looks at unsent_size() first, and ends the stream once may_stream() is false.
  void begin_stream(const Response& response);
  void stream(std::string_view piece);
  std::size_t unsent_size() const noexcept { return gathering_.size() + sending_.size() - sent_; }
  // False once the client has gone or ended its side, or a drain has begun.
  bool may_stream() const noexcept;
  void end_stream();

  // SIMDJSON_PADDING and some.
  static constexpr std::size_t kBodyPadding = 64;

 private:
  friend class Connection;
  friend class Server;

  enum class Stage : std::uint8_t { head, body, answering };

  // Makes it ready for the next request.
  void begin_request() noexcept;
  // Gives memory back that a large request has taken. Nothing of it is in use.
  void trim();
  // The head's bytes, so far in the receive buffer, are about to go: keeps a copy.
  void keep_head();

  Connection* connection_ = nullptr;

  Stage stage_ = Stage::head;
  Uuid id_;  // nil until the head is whole or refused
  HeadScanner scanner_;
  RequestParser parser_;
  Request request_;
  const Route* route_ = nullptr;
  std::string head_;            // of a request that did not arrive whole
  std::string_view head_seen_;  // where the parsed head is: in head_, or in the receive buffer
  std::string body_;
  std::size_t body_size_max_ = 0;
  std::size_t body_reserved_ = 0;  // of the server's memory for bodies
  Instant started_at_{};

  // An answer that was decided on the head, to be sent once the body has been skipped.
  int refusal_status_ = 0;
  std::string refusal_message_;
  std::string refusal_fields_;
  std::string error_body_;

  // An answer that comes in pieces.
  int stream_status_ = 0;  // 0: it does not
  BodyEnd stream_end_ = BodyEnd::chunks;
  std::size_t streamed_size_ = 0;

  std::string backlog_;    // received, but not looked at yet
  std::string gathering_;  // answers that wait for the send in flight
  std::string sending_;    // unchanged while the connection's send is in flight
  std::size_t sent_ = 0;   // of sending_
};

}  // namespace picortex::http
