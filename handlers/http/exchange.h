#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time/clock.h"
#include "base/uuid/uuid.h"
#include "handlers/http/head_scanner.h"
#include "handlers/http/middleware/client_address.h"
#include "handlers/http/middleware/peer_scopes.h"
#include "handlers/http/middleware/scope.h"
#include "handlers/http/request.h"
#include "handlers/http/request_parser.h"
#include "handlers/http/response.h"
#include "handlers/http/router.h"

namespace picortex::http {

class AnswerBuffer;
class Connection;
class Server;

// One request, from its head's first byte to its answer: finds and parses the head, decides what
// can be decided on it, gathers the body, calls the endpoint, and puts the answer into the
// connection's AnswerBuffer. Then it begins again with the connection's next request. It belongs to
// a Workspace; the connection passes it bytes, and everything about the socket is the connection's.
//
//   stage      event                                                next stage
//   head       bytes, and the head is not whole                     head
//              the head is whole, and a body follows                body
//              the head is whole, and no body follows               answering
//   body       bytes, and the body is not whole                     body
//              the body is whole                                    answering
//   head, body the request is bad, too large or too slow            answering, with an error, as the
//                                                                   connection's last
//   answering  an answer was decided on the head: it is given       head, of the next request
//              respond(), fail(), end_stream()                      head, of the next request
//
// An endpoint answers with respond() or fail(), at once or later, exactly once; or with a stream,
// from begin_stream() to end_stream(). Until it has, the request, its body and this object stay,
// even if the client has gone. Nothing calls a stream's endpoint back: it looks at unsent_size()
// and may_stream() at the end of each iteration, and whatever changes these is a completion, which
// makes an iteration.
class Exchange {
 public:
  // References passed in must outlive this object.
  Exchange(Server& server, AnswerBuffer& answers) noexcept : server_(server), answers_(answers) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // --- For endpoints, while it is answering ---

  const Uuid& id() const noexcept { return id_; }
  const Request& request() const noexcept { return request_; }
  // The body in memory, followed by kBodyPadding writable bytes.
  std::span<char> body() noexcept { return {body_.data(), body_.size() - kBodyPadding}; }
  // Returns what the sender may do; empty on a route that needs no scope.
  const Scopes& scopes() const noexcept { return scopes_; }
  // Returns the sender of the request: the peer, or the client that a trusted proxy names.
  ClientAddress client() const noexcept;
  // Who holds the other end of the connection, proxy or not: the peer of a Unix socket, or the ends
  // of a TCP connection, by which the kernel knows its owner.
  Peer peer() const noexcept;
  std::optional<ConnectionEnds> ends() const noexcept;

  void respond(const Response& response);
  // Answers with Fastify's error body. `fields` are further header lines.
  void fail(int status, std::string_view message, std::string_view fields = {});

  // False once the client has disconnected. There is no callback: the endpoint checks it at the end
  // of each iteration.
  bool is_wanted() const noexcept;

  // An answer in pieces. `response` has no body. Pieces wait in memory: before it sends one, the
  // endpoint checks unsent_size(), and it ends the stream once may_stream() is false.
  void begin_stream(const Response& response);
  void stream(std::string_view piece);
  std::size_t unsent_size() const noexcept;
  // False once the client has disconnected or ended its side, or a drain has begun.
  bool may_stream() const noexcept;
  void end_stream();

  // SIMDJSON_PADDING and a reserve.
  static constexpr std::size_t kBodyPadding = 64;

  // --- For the connection ---

  // `connection` has just leased this, and its first request begins.
  void begin(Connection& connection) noexcept;
  // Uses bytes of the request, at most up to its end, and returns how many: at least one. Not while
  // it is answering, nor after the last.
  std::size_t take(std::string_view bytes);
  // The end of the request cannot be known, or is not worth waiting for: answers with an error, as
  // the connection's last. Must not be called while it is answering.
  void reject(int status, std::string_view message, std::string_view fields = {});

  // An endpoint has the request.
  bool is_answering() const noexcept { return stage_ == Stage::answering; }
  bool is_in_body() const noexcept { return stage_ == Stage::body; }
  // True if part of a request has arrived. Empty lines alone, as some clients send after a body, do
  // not begin one.
  bool is_partial() const noexcept { return is_in_body() || head_.size() > scanner_.start(); }
  // True if no request follows the one that was answered last.
  bool is_last() const noexcept { return is_last_; }
  // Returns the bytes of an incomplete head.
  std::size_t head_held() const noexcept { return stage_ == Stage::head ? head_.size() : 0; }

  // Call it when the connection returns the exchange: releases the memory of a large request.
  void reset() noexcept;

 private:
  enum class Stage : std::uint8_t { head, body, answering };

  // An answer decided on the head, for when the body has been skipped.
  struct Decision {
    int status = 0;  // 0: none
    std::string message;
    std::string fields;
  };
  // An answer in pieces.
  struct Stream {
    int status = 0;  // 0: none
    BodyEnd end = BodyEnd::chunks;
    std::size_t size = 0;
  };

  std::size_t take_head(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  void on_head(std::string_view head);
  void decide_on_head();
  void find_no_route(const std::string& allow);
  void reject_after_body(int status, std::string_view message, std::string_view fields);
  void reject_too_large();
  void dispatch();
  void append_answer(const Response& response, BodyEnd body_end);
  void finish();
  void log(int status, std::size_t body_size);

  // Prepares for the next request.
  void begin_request() noexcept;
  void release_body() noexcept;
  // Copies the head, which is in a receive buffer that is about to be reused.
  void keep_head();

  Server& server_;
  AnswerBuffer& answers_;
  Connection* connection_ = nullptr;  // that leases it

  Stage stage_ = Stage::head;
  bool is_last_ = false;
  Uuid id_;  // nil until the head is complete or rejected
  HeadScanner scanner_;
  RequestParser parser_;
  Request request_;
  const Route* route_ = nullptr;
  Scopes scopes_;
  std::string head_;            // of a request that did not arrive in one piece
  std::string_view head_seen_;  // where the parsed head is: in head_, or in the receive buffer
  std::string body_;
  std::size_t body_size_max_ = 0;
  std::size_t body_reserved_ = 0;  // reserved from the server's memory for bodies
  Instant started_at_;
  Decision decision_;
  Stream stream_;
  std::string error_body_;
};

}  // namespace picortex::http
