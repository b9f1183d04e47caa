#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace picortex::http {

inline constexpr std::string_view kJson = "application/json; charset=utf-8";

// What an endpoint answers. Its texts need only last for the call that takes it.
struct Response {
  int status = 200;
  std::string_view content_type = kJson;
  std::string_view body = {};
  std::string_view fields = {};  // further header lines, each with its CRLF
};

// What the connection adds to it.
struct ResponseFrame {
  const Uuid& request_id;
  std::string_view date;  // IMF-fixdate, see HttpDate
  bool head_only = false;
  bool close = false;
  bool keep_alive_10 = false;  // an HTTP/1.0 client asked to keep the connection
};

// "Not Found"; "Unknown" for a status that picortex never sends.
std::string_view reason_phrase(int status) noexcept;

// Appends a whole response (RFC 9112, section 4): Date, X-Request-ID, Content-Length and body.
void append_response(std::string& out, const Response& response, const ResponseFrame& frame);

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
