#include "netfilter/http_host.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace picortex {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kMethodSizeMax = 32;

bool is_token_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (lower_ascii(c) >= 'a' && lower_ascii(c) <= 'z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool equals_lower(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return lower_ascii(a) == b; });
}

std::string_view trim_blanks(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

template <class Number>
bool read_digits(std::string_view text, Number& value) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

// host [":" port]
bool read_authority(std::string_view text, HttpHead& head) noexcept {
  const std::size_t colon = text.find(':');
  const auto host = HostName::parse(text.substr(0, colon));
  if (!host) return false;
  head.host = *host;
  head.port = 0;
  return colon == text.npos || (read_digits(text.substr(colon + 1), head.port) && head.port != 0);
}

// What of a head must be seen at most once.
struct Fields {
  std::optional<std::string_view> host;
  std::optional<std::string_view> length;
};

bool read_field(std::string_view line, Fields& fields) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (equals_lower(name, "transfer-encoding")) return false;
  for (auto [known, field] :
       {std::pair{"host", &fields.host}, {"content-length", &fields.length}}) {
    if (!equals_lower(name, known)) continue;
    if (field->has_value()) return false;
    *field = value;
  }
  return true;
}

// The target's authority where it has one (absolute-form), empty in origin-form and for "*".
bool read_target(std::string_view target, std::string_view& authority) noexcept {
  constexpr std::string_view kScheme = "http://";
  if (target == "*" || target.starts_with('/')) return true;
  if (target.size() <= kScheme.size() || !equals_lower(target.substr(0, kScheme.size()), kScheme)) {
    return false;
  }
  target.remove_prefix(kScheme.size());
  authority = target.substr(0, target.find_first_of("/?#"));
  return !authority.empty();
}

// method SP target SP version
bool read_request_line(std::string_view line, std::string_view& authority) noexcept {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return false;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  return is_token(method) && method.size() <= kMethodSizeMax && method != "CONNECT" &&
         target.find(' ') == target.npos && (version == "HTTP/1.1" || version == "HTTP/1.0") &&
         read_target(target, authority);
}

// Cuts the first line off; false at a control character other than a tab, or at a lone CR or LF.
bool take_line(std::string_view& text, std::string_view& line) noexcept {
  const std::size_t end = text.find(kLineEnd);
  line = text.substr(0, end);
  text.remove_prefix(end + kLineEnd.size());
  return std::none_of(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// `text`: a whole head without its empty line, each line with its end.
HttpHeadStatus read_head(std::string_view text, HttpHead& head) noexcept {
  std::string_view line, authority;
  Fields fields;
  if (!take_line(text, line) || !read_request_line(line, authority)) {
    return HttpHeadStatus::malformed;
  }
  while (!text.empty()) {
    if (!take_line(text, line) || !read_field(line, fields)) return HttpHeadStatus::malformed;
  }
  if (fields.length && !read_digits(*fields.length, head.content_size)) {
    return HttpHeadStatus::malformed;
  }
  if (!fields.host) {
    return authority.empty() ? HttpHeadStatus::none : HttpHeadStatus::malformed;
  }
  if (!read_authority(*fields.host, head)) return HttpHeadStatus::malformed;
  if (!authority.empty()) {
    HttpHead target;
    if (!read_authority(authority, target) || !(target.host == head.host) ||
        target.port != head.port) {
      return HttpHeadStatus::malformed;
    }
  }
  return HttpHeadStatus::host;
}

// What cannot become HTTP is known by its first bytes: "GET" goes on, TLS, ssh and binary do not.
bool may_begin_head(std::string_view text) noexcept {
  const std::size_t space = text.substr(0, kMethodSizeMax + 1).find(' ');
  if (space != text.npos) return is_token(text.substr(0, space));
  return text.size() <= kMethodSizeMax && (text.empty() || is_token(text));
}

}  // namespace

HttpHeadStatus HttpHeadReader::read(std::span<const std::uint8_t> stream, HttpHead& head) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(stream.data()),
                              std::min(stream.size(), kHttpHeadSizeMax));
  head = {};
  if (!may_begin_head(text)) return HttpHeadStatus::malformed;
  const std::size_t end = text.find(kHeadEnd, scanned_);
  if (end == text.npos) {
    scanned_ = text.size() - std::min(text.size(), kHeadEnd.size() - 1);
    return text.size() == kHttpHeadSizeMax ? HttpHeadStatus::malformed : HttpHeadStatus::need_more;
  }
  head.head_size = end + kHeadEnd.size();
  return read_head(text.substr(0, end + kLineEnd.size()), head);
}

}  // namespace picortex
