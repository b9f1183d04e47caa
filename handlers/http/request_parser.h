#pragma once

#include <llhttp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "handlers/http/chunked_decoder.h"
#include "handlers/http/request.h"

namespace picortex::http {

// Why a request is rejected: the status of the answer and a sentence for its body. status 0: it is
// not.
struct Rejection {
  int status = 0;
  const char* reason = "";

  explicit operator bool() const noexcept { return status != 0; }
};

// Runs llhttp in its strict mode, for one request after the other: the head at once, since the
// scanner has found its end, then the body as it arrives (RFC 9110, RFC 9112); a chunked body goes
// through ChunkedDecoder.
class RequestParser {
 public:
  RequestParser() noexcept;
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  void reset() noexcept;

  // `head`: from the request line to the empty line. Fills `request`, which is as clear() leaves
  // it, with views into `head`.
  Rejection parse_head(std::string_view head, Request& request) noexcept;

  // True once the whole message, including body and trailers, has been read.
  bool is_complete() const noexcept { return complete_; }

  struct Progress {
    std::size_t consumed = 0;
    Rejection rejection;
  };
  // Appends the body's bytes to `body`, up to `body_size_max` (413 beyond it), without its framing.
  // Takes nothing after the message's end.
  Progress parse_body(std::string_view bytes, std::string& body, std::size_t body_size_max);

 private:
  static llhttp_settings_t make_settings() noexcept;
  static int on_url(llhttp_t* parser, const char* at, std::size_t size) noexcept;
  static int on_field_name(llhttp_t* parser, const char* at, std::size_t size) noexcept;
  static int on_field_value(llhttp_t* parser, const char* at, std::size_t size) noexcept;
  static int on_headers_complete(llhttp_t* parser) noexcept;
  static int on_body(llhttp_t* parser, const char* at, std::size_t size) noexcept;
  static int on_message_complete(llhttp_t* parser) noexcept;

  Progress parse_chunks(std::string_view bytes, std::string& body, std::size_t body_size_max);
  Rejection rejection_of(llhttp_errno_t error) const noexcept;

  llhttp_t parser_;
  Request* request_ = nullptr;   // only while a head is parsed
  std::string* body_ = nullptr;  // only while a body is parsed
  std::size_t body_size_max_ = 0;
  ChunkedDecoder chunks_;
  bool is_chunked_ = false;
  bool too_large_ = false;
  bool complete_ = false;
};

}  // namespace picortex::http
