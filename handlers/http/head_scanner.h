#pragma once

#include <cstddef>
#include <string_view>

namespace picortex::http {

// Finds the end of a request's head (RFC 9112, sections 2 to 5), and rejects early what cannot
// become one.
//
//   head         = *CRLF request-line *( field-line CRLF ) CRLF
//   request-line = method SP request-target SP HTTP-version CRLF
//   field-line   = field-name ":" OWS field-value OWS
//
// It looks at bytes strictly in order and says of every prefix the same, however the prefix
// arrived: so the outcome of a request cannot depend on how the network cut it. What llhttp leaves
// to its user is decided here: bare CR or LF, NUL and other controls, line folding, sizes, the
// version and the method.
class HeadScanner {
 public:
  static constexpr std::size_t kRequestLineSizeMax = 8192;
  static constexpr std::size_t kHeadSizeMax = 16384;
  static constexpr std::size_t kFieldCountMax = 100;

  struct Answer {
    enum class Kind { incomplete, complete, rejected } kind;
    std::size_t size = 0;     // complete: the head's size
    int status = 0;           // rejected: 400, 414, 431, 501 or 505
    const char* reason = "";  // rejected: one sentence
  };

  // `head` is everything since the request's first byte; since the last call it may only have
  // grown.
  Answer scan(std::string_view head) noexcept;

  // The beginning for llhttp, after empty lines that precede the request line.
  std::size_t start() const noexcept { return start_; }

  void reset() noexcept { *this = {}; }

 private:
  Answer end_line(std::string_view head, std::size_t line_end) noexcept;

  std::size_t start_ = 0;       // of the request line
  std::size_t line_start_ = 0;  // of the line being scanned
  std::size_t position_ = 0;    // everything before it has been examined
  std::size_t field_count_ = 0;
  bool has_request_line_ = false;
};

}  // namespace picortex::http
