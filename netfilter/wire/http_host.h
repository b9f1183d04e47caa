#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "netfilter/wire/host_name.h"

namespace picortex {

// The largest request head that is waited for.
inline constexpr std::size_t kHttpHeadSizeMax = 16'384;
inline constexpr std::size_t kHttpRequestLineSizeMax = 8'192;

enum class HttpHeadStatus : std::uint8_t {
  need_more,
  host,
  none,       // a complete head that names no host (HTTP/1.0)
  address,    // the Host field has an IP address, which is no name
  malformed,  // not HTTP/1, or something that two parsers may read differently
};

struct HttpHead {
  HostName host;
  std::uint16_t port = 0;          // as written after the host; 0: not written
  std::size_t head_size = 0;       // bytes, including the empty line
  std::uint64_t content_size = 0;  // bytes of body that follow the head, unless it is chunked
  bool is_chunked = false;
  bool upgrades = false;  // to a protocol other than HTTP
  // Of a head that names no host yet: what has arrived of the host in the line that has no end yet.
  // A view of the stream.
  std::string_view begun_host;
  bool is_begun_host_whole = false;  // a port follows it
};

// Finds the host of a cleartext HTTP/1 request (RFC 9112) whose bytes begin `stream`. What any
// server may take for a request must not be waited for, so lines are judged as they arrive:
// whatever could make a server see another host, or an end of the line, the head or the request
// elsewhere, is malformed at its first byte (a CR or LF alone, HTTP/0.9, leading blank lines,
// folded lines, blanks before a colon, a second Host, a target that disagrees with it, CONNECT, two
// lengths, a Transfer-Encoding other than chunked).
//
// One allowed request allows no other: a connection may carry a second one with another Host, which
// a server of many names would answer. The owner must never hand an HTTP connection over to the
// kernel; it must skip the head and its body and read the next head with a new reader.
class HttpHeadReader {
 public:
  // `stream` has the request's bytes from its first on; the bytes of earlier calls must still
  // precede the new ones. Any result but need_more is final. When a call has found which host is
  // meant before the head is complete, it returns need_more and names the host in `head`, once.
  HttpHeadStatus read(std::span<const std::uint8_t> stream, HttpHead& head) noexcept;

 private:
  bool take_lines(std::string_view text) noexcept;
  bool take_line(std::string_view line) noexcept;
  bool take_begun_line(std::string_view line) noexcept;
  bool take_begun_request_line(std::string_view line) noexcept;
  bool take_host(std::string_view authority) noexcept;
  void show_begun_host(std::string_view line, HttpHead& head) const noexcept;

  std::size_t line_ = 0;     // where the first incomplete line begins; those before are valid
  std::size_t scanned_ = 0;  // no control character precedes it
  bool is_whole_ = false;    // the empty line has arrived, and ends at line_
  HostName host_;            // as named by the target or the Host field
  std::uint16_t port_ = 0;
  bool has_target_ = false;     // the target named the host
  bool has_host_ = false;       // the Host field has arrived
  bool is_address_ = false;     // and has an address
  bool is_line_taken_ = false;  // the line at line_ lacks only its LF
  bool is_host_reported_ = false;
};

}  // namespace picortex
