#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "netfilter/host_name.h"

namespace picortex {

// The largest request head that is waited for.
inline constexpr std::size_t kHttpHeadSizeMax = 16'384;

enum class HttpHeadStatus : std::uint8_t {
  need_more,
  host,
  none,       // a whole head that names no host (HTTP/1.0)
  malformed,  // not HTTP/1, or something that two parsers may read in two ways
};

struct HttpHead {
  HostName host;
  std::uint16_t port = 0;          // as written behind the host; 0: not written
  std::size_t head_size = 0;       // bytes, the empty line included
  std::uint64_t content_size = 0;  // bytes of body that follow the head
};

// Finds the host of a cleartext HTTP/1 request (RFC 9112) whose bytes begin `stream`, much stricter
// than a server would be: whatever could make the server see another host or another end of the
// request is refused (bare CR or LF, folded lines, blanks before a colon, a second Host, a target
// that disagrees with it, CONNECT, two lengths, Transfer-Encoding). So chunked request bodies do
// not pass a fence in cleartext.
//
// One admitted request admits no other: a connection may carry a second one with another Host, to
// which a server of many names would answer. The owner must never hand an HTTP connection over to
// the kernel; it must skip head_size + content_size bytes and read the next head with a fresh
// reader.
class HttpHeadReader {
 public:
  // `stream`: the request's bytes from its first on; what an earlier call saw must still stand
  // before what came since. Any result but need_more is final.
  HttpHeadStatus read(std::span<const std::uint8_t> stream, HttpHead& head) noexcept;

 private:
  std::size_t scanned_ = 0;  // no head's end begins before it
};

}  // namespace picortex
