#include "handlers/http/head_scanner.h"

#include <algorithm>
#include <array>

#include "base/byte_scan.h"
#include "base/byte_set.h"
#include "handlers/http/token_characters.h"

namespace picortex::http {
namespace {

using Answer = HeadScanner::Answer;
using Kind = Answer::Kind;

constexpr Answer kIncomplete{.kind = Kind::incomplete};

constexpr Answer rejected(int status, const char* reason) {
  return {.kind = Kind::rejected, .status = status, .reason = reason};
}

constexpr ByteSet kTargetCharacters = ByteSet().add_range('!', '~');

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_known_method(std::string_view method) noexcept {
  static constexpr std::array<std::string_view, 8> kKnown{"GET",    "POST",    "HEAD",  "PUT",
                                                          "DELETE", "OPTIONS", "PATCH", "TRACE"};
  return std::ranges::find(kKnown, method) != kKnown.end();
}

// Returns 0, or the status with which the request line (without its CRLF) is rejected.
Answer check_request_line(std::string_view line) noexcept {
  const std::size_t first_space = line.find(' ');
  const std::size_t last_space = line.rfind(' ');
  if (first_space == std::string_view::npos || first_space == last_space) {
    return rejected(400, "The request line is not \"METHOD target HTTP/1.1\"");
  }
  const std::string_view method = line.substr(0, first_space);
  const std::string_view target = line.substr(first_space + 1, last_space - first_space - 1);
  const std::string_view version = line.substr(last_space + 1);
  if (method.empty() || !kTokenCharacters.has_all(method)) {
    return rejected(400, "The request method is malformed");
  }
  if (target.empty() || !kTargetCharacters.has_all(target)) {
    return rejected(400, "The request target is malformed");
  }
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return rejected(400, "The HTTP version is malformed");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return rejected(505, "Only HTTP/1.0 and HTTP/1.1 are supported");
  }
  if (!is_known_method(method)) return rejected(501, "Unknown request method");
  return {.kind = Kind::complete};
}

// Returns the offset of the first control byte at or after `from`; `end` if there is none.
std::size_t find_control(std::string_view bytes, std::size_t from, std::size_t end) noexcept {
  while (from + 8 <= end) {
    const std::uint64_t word = load_word(bytes.data() + from);
    const std::uint64_t controls = bytes_below(word, 0x20) | bytes_equal(word, 0x7f);
    if (controls != 0) return from + first_fitting(controls);
    from += 8;
  }
  while (from < end) {
    const auto byte = static_cast<unsigned char>(bytes[from]);
    if (byte < 0x20 || byte == 0x7f) return from;
    ++from;
  }
  return end;
}

}  // namespace

Answer HeadScanner::scan(std::string_view head) noexcept {
  for (;;) {
    // Never examine bytes beyond a limit: whichever fault is first in the bytes must win.
    const std::size_t head_end = std::min(head.size(), kHeadSizeMax);
    const std::size_t line_limit = has_request_line_ ? kHeadSizeMax : start_ + kRequestLineSizeMax;
    const std::size_t end = std::min(head_end, line_limit);
    position_ = find_control(head, position_, end);
    if (position_ == end) {
      if (end < head.size() || end == line_limit) {
        return has_request_line_ ? rejected(431, "The request's head is larger than 16384 bytes")
                                 : rejected(414, "The request line is longer than 8192 bytes");
      }
      return kIncomplete;
    }
    const char control = head[position_];
    if (control == '\t' && has_request_line_) {
      ++position_;
      continue;
    }
    if (control != '\r')
      return rejected(400, "The request's head has a forbidden control character");
    if (position_ + 1 == head.size()) return kIncomplete;
    if (head[position_ + 1] != '\n') return rejected(400, "The request's head has a bare CR");
    const std::size_t line_end = position_;
    position_ += 2;
    if (const Answer answer = end_line(head, line_end); answer.kind != Kind::incomplete) {
      return answer;
    }
    line_start_ = position_;
  }
}

// The line from line_start_ to `line_end` is complete. Incomplete: continue with the next one.
Answer HeadScanner::end_line(std::string_view head, std::size_t line_end) noexcept {
  const std::string_view line = head.substr(line_start_, line_end - line_start_);
  if (!has_request_line_) {
    if (line.empty()) {
      // RFC 9112, section 2.2: an empty line before the request line is ignored.
      if (position_ > kFieldCountMax) return rejected(400, "Too many empty lines before a request");
      start_ = position_;
      return kIncomplete;
    }
    has_request_line_ = true;
    const Answer answer = check_request_line(line);
    return answer.kind == Kind::rejected ? answer : kIncomplete;
  }
  if (line.empty()) return {.kind = Kind::complete, .size = position_};
  if (line.front() == ' ' || line.front() == '\t') {
    return rejected(400, "Header line folding is not allowed");
  }
  if (line.front() == ':') return rejected(400, "A header has no name");
  if (++field_count_ > kFieldCountMax)
    return rejected(431, "The request has more than 100 headers");
  return kIncomplete;
}

}  // namespace picortex::http
