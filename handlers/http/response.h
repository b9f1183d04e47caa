#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid/uuid.h"

namespace picortex::http {

inline constexpr std::string_view kJson = "application/json; charset=utf-8";
// For an overload that passes soon (RFC 9110, section 10.2.3).
inline constexpr std::string_view kRetrySoon = "Retry-After: 1\r\n";

// An endpoint's answer. Its texts only need to be valid during the call that takes it.
struct Response {
  int status = 200;
  std::string_view content_type = kJson;
  std::string_view body = {};
  std::string_view fields = {};  // further header lines, each with its CRLF
};

// How a client knows where the body ends (RFC 9112, section 6.3).
enum class BodyEnd : std::uint8_t {
  length,  // Content-Length: the body is whole
  chunks,  // Transfer-Encoding: chunked; append_chunk() adds the body
  close,   // HTTP/1.0: the connection's end; the body follows unchanged
};

// What the connection adds to a response.
struct ResponseFrame {
  const Uuid& request_id;
  std::string_view date;  // IMF-fixdate, see HttpDate
  BodyEnd body_end = BodyEnd::length;
  bool head_only = false;
  bool close = false;
  bool keep_alive_10 = false;  // an HTTP/1.0 client asked to keep the connection
};

// Returns "Not Found", for example; "Unknown" for a status that picortex never sends.
std::string_view reason_phrase(int status) noexcept;

// Appends a whole response (RFC 9112, section 4): Date, X-Request-ID, Content-Length and body; only
// the head if the body follows in pieces.
void append_response(std::string& out, const Response& response, const ResponseFrame& frame);

// Append a nonempty piece of a chunked body (RFC 9112, section 7.1), and the body's end.
void append_chunk(std::string& out, std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Appends Fastify's error body: {"statusCode":…,"error":…,"message":…,"request_id":…}.
void append_error_body(std::string& out, int status, std::string_view message,
                       const Uuid& request_id);

// The Date field's value (RFC 9110, section 5.6.7), rendered once a second.
class HttpDate {
 public:
  std::string_view at(std::int64_t unix_ms) noexcept;

 private:
  static constexpr std::size_t kSize = 29;
  std::int64_t second_ = -1;
  char text_[kSize + 1];
};

}  // namespace picortex::http
