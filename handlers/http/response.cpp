#include "handlers/http/response.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "base/json/json_object.h"
#include "base/json/json_text.h"

namespace picortex::http {

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

// The line ends are part of the following literals: few appends, since this runs for every request.
void append_response(std::string& out, const Response& response, const ResponseFrame& frame) {
  if (response.status == 200) {
    out += "HTTP/1.1 200 OK\r\nDate: ";
  } else {
    out += "HTTP/1.1 ";
    append_json_number(out, std::int64_t{response.status});
    out += ' ';
    out += reason_phrase(response.status);
    out += "\r\nDate: ";
  }
  out += frame.date;
  out += "\r\nX-Request-ID: ";
  char id[Uuid::kTextSize];
  format_uuid(frame.request_id, id);
  out.append(id, sizeof id);
  if (response.status != 204) {
    out += "\r\nContent-Type: ";
    out += response.content_type;
    if (frame.body_end == BodyEnd::length) {
      out += "\r\nContent-Length: ";
      append_json_number(out, static_cast<std::uint64_t>(response.body.size()));
    } else if (frame.body_end == BodyEnd::chunks) {
      out += "\r\nTransfer-Encoding: chunked";
    }
  }
  out += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  out += response.fields;
  if (frame.close) {
    out += "Connection: close\r\n";
  } else if (frame.keep_alive_10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (!frame.head_only && frame.body_end == BodyEnd::length) out += response.body;
}

void append_chunk(std::string& out, std::string_view piece) {
  char size[16];
  const auto end = std::to_chars(size, size + sizeof size, piece.size(), 16).ptr;
  out.append(size, end);
  out += "\r\n";
  out += piece;
  out += "\r\n";
}

void append_error_body(std::string& out, int status, std::string_view message,
                       const Uuid& request_id) {
  JsonObject(out)
      .number("statusCode", status)
      .text("error", reason_phrase(status))
      .text("message", message)
      .id("request_id", request_id);
}

std::string_view HttpDate::at(std::int64_t unix_ms) noexcept {
  const std::int64_t second = unix_ms / 1000;
  if (second != second_) {
    static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed",
                                                      "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    second_ = second;
    const std::time_t time = second;
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::snprintf(
        text_, sizeof text_, "%s, %02u %s %04u %02u:%02u:%02u GMT",
        kDays[static_cast<std::size_t>(utc.tm_wday)], static_cast<unsigned>(utc.tm_mday) % 100u,
        kMonths[static_cast<std::size_t>(utc.tm_mon)],
        static_cast<unsigned>(utc.tm_year + 1900) % 10000u,
        static_cast<unsigned>(utc.tm_hour) % 100u, static_cast<unsigned>(utc.tm_min) % 100u,
        static_cast<unsigned>(utc.tm_sec) % 100u);
  }
  return {text_, kSize};
}

}  // namespace picortex::http
