#include "netfilter/wire/http_host.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/net/ip_address.h"
#include "base/parse.h"
#include "base/text.h"

namespace picortex {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMethodSizeMax = 32;
constexpr std::size_t kFieldNameSizeMax = 256;
constexpr std::size_t kHostFieldSizeMax = 512;
constexpr std::size_t kAuthoritySizeMax = 256 + 6;

bool is_token_char(char c) noexcept {
  return is_alphanumeric(c) ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

// host [":" port]
bool read_authority(std::string_view text, HttpHead& head) noexcept {
  const std::size_t colon = text.find(':');
  const auto host = HostName::parse(text.substr(0, colon));
  if (!host) return false;
  head.host = *host;
  const auto port =
      colon == text.npos ? std::uint16_t{0} : parse_whole<std::uint16_t>(text.substr(colon + 1), 1);
  head.port = port.value_or(0);
  return port.has_value();
}

// Whether the authority's host is an address in one of the forms of RFC 3986, section 3.2.2.
bool is_address(std::string_view authority) noexcept {
  if (!authority.starts_with('[')) {
    return parse_ip_address(authority.substr(0, authority.find(':'))).has_value();
  }
  const std::size_t end = authority.find(']');
  return end != authority.npos && parse_ip_address(authority.substr(1, end - 1)).has_value();
}

// The parts of a head that may occur at most once.
struct Fields {
  std::optional<std::string_view> host;
  std::optional<std::string_view> length;
  std::optional<std::string_view> encoding;
  std::optional<std::string_view> upgrade;
};

bool read_field(std::string_view line, Fields& fields) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  for (auto [known, field] : {std::pair{"host", &fields.host},
                              {"content-length", &fields.length},
                              {"transfer-encoding", &fields.encoding},
                              {"upgrade", &fields.upgrade}}) {
    if (!equals_ignoring_case(name, known)) continue;
    if (field->has_value()) return false;
    *field = value;
  }
  return true;
}

// Returns the target's authority if it has one (absolute-form); empty in origin-form and for "*".
bool read_target(std::string_view target, std::string_view& authority) noexcept {
  constexpr std::string_view kScheme = "http://";
  if (target == "*" || target.starts_with('/')) return true;
  if (target.size() <= kScheme.size() ||
      !equals_ignoring_case(target.substr(0, kScheme.size()), kScheme)) {
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

std::string_view take_line(std::string_view& text) noexcept {
  const std::string_view line = text.substr(0, text.find(kLineEnd));
  text.remove_prefix(line.size() + kLineEnd.size());
  return line;
}

// Determines where the body ends, and which protocol follows.
bool read_body(const Fields& fields, bool is_http_1_0, HttpHead& head) noexcept {
  if (fields.length) {
    const auto size = parse_whole<decltype(head.content_size)>(*fields.length);
    if (!size) return false;
    head.content_size = *size;
  }
  if (fields.encoding) {
    if (fields.length || is_http_1_0 || !equals_ignoring_case(*fields.encoding, "chunked"))
      return false;
    head.is_chunked = true;
  }
  // Clients offer HTTP/2 with any request; if a server accepts it, what follows is not HTTP/1.
  head.upgrades = fields.upgrade && !equals_ignoring_case(*fields.upgrade, "h2c");
  return true;
}

// `text` is a complete head without its empty line, each line with its end, and each valid by
// itself.
HttpHeadStatus read_head(std::string_view text, HttpHead& head) noexcept {
  std::string_view authority;
  Fields fields;
  const std::string_view request = take_line(text);
  if (!read_request_line(request, authority)) return HttpHeadStatus::malformed;
  while (!text.empty()) {
    if (!read_field(take_line(text), fields)) return HttpHeadStatus::malformed;
  }
  if (!read_body(fields, request.ends_with("1.0"), head)) return HttpHeadStatus::malformed;
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

bool is_forbidden(char c) noexcept { return is_control(c) && c != '\t'; }

// The first bytes show what cannot become HTTP: "GET" may continue; TLS, ssh and binary do not.
bool may_begin_head(std::string_view text) noexcept {
  const std::size_t space = text.substr(0, kMethodSizeMax + 1).find(' ');
  if (space != text.npos) return is_token(text.substr(0, space));
  return text.size() <= kMethodSizeMax && (text.empty() || is_token(text));
}

}  // namespace

// All names in the head must be the same.
bool HttpHeadReader::take_host(std::string_view authority) noexcept {
  HttpHead shown;
  if (!read_authority(authority, shown)) return false;
  const bool is_known = has_target_ || has_host_;
  if (is_known && !(shown.host == host_ && shown.port == port_)) return false;
  host_ = shown.host;
  port_ = shown.port;
  return true;
}

// Reads a line without its end.
bool HttpHeadReader::take_line(std::string_view line) noexcept {
  if (std::exchange(is_line_taken_, true)) return true;
  if (line_ == 0) {
    std::string_view authority;
    if (line.size() > kHttpRequestLineSizeMax || !read_request_line(line, authority)) return false;
    if (authority.empty()) return true;
    if (!take_host(authority)) return false;
    return has_target_ = true;
  }
  Fields fields;
  if (line.empty()) return true;
  if (!read_field(line, fields)) return false;
  if (!fields.host) return true;
  if (has_host_) return false;
  has_host_ = take_host(*fields.host);
  is_address_ = !has_host_ && is_address(*fields.host);
  return has_host_;
}

// Reads the beginning of a line whose end has not arrived; returns false if it cannot become a
// valid one.
bool HttpHeadReader::take_begun_line(std::string_view line) noexcept {
  if (line_ == 0) return take_begun_request_line(line);
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (name.size() > kFieldNameSizeMax || !(line.empty() || is_token(name))) return false;
  return colon == line.npos || !equals_ignoring_case(name, "host") ||
         line.size() <= kHostFieldSizeMax;
}

bool HttpHeadReader::take_begun_request_line(std::string_view line) noexcept {
  const std::size_t first = line.find(' ');
  if (line.size() > kHttpRequestLineSizeMax) return false;
  if (first == line.npos) return true;  // may_begin_head() has checked the method
  if (line.substr(0, first) == "CONNECT") return false;
  const std::string_view rest = line.substr(first + 1);
  const std::size_t second = rest.find(' ');
  const std::string_view target = rest.substr(0, second);
  std::string_view authority;
  if (second != rest.npos) {
    const std::string_view version = rest.substr(second + 1);
    if (!read_target(target, authority)) return false;
    if (!std::string_view("HTTP/1.1").starts_with(version) && version != "HTTP/1.0") return false;
  } else {
    constexpr std::string_view kScheme = "http://";
    if (target.empty() || target == "*" || target.starts_with('/')) return true;
    const std::size_t size = std::min(target.size(), kScheme.size());
    if (!equals_ignoring_case(target.substr(0, size), kScheme.substr(0, size))) return false;
    if (target.size() == size) return true;
    authority = target.substr(size);
    if (authority.find_first_of("/?#") == authority.npos) {
      return authority.size() <= kAuthoritySizeMax;
    }
    if (!read_target(target, authority)) return false;
  }
  if (authority.empty() || has_target_) return true;
  if (!take_host(authority)) return false;
  return has_target_ = true;
}

// Whatever may still be a host: the line was taken by take_begun_line().
void HttpHeadReader::show_begun_host(std::string_view line, HttpHead& head) const noexcept {
  std::string_view authority;
  if (line_ == 0) {
    constexpr std::string_view kSchemeEnd = "://";
    const std::size_t scheme = line.find(kSchemeEnd);
    const std::size_t target = line.find(' ');
    const bool is_absolute = target != line.npos && scheme != line.npos && line[target + 1] != '/';
    if (is_absolute) authority = line.substr(scheme + kSchemeEnd.size());
  } else if (const std::size_t colon = line.find(':');
             colon != line.npos && equals_ignoring_case(line.substr(0, colon), "host")) {
    authority = trimmed(line.substr(colon + 1));
  }
  const std::size_t end = authority.find(':');
  head.begun_host = authority.substr(0, end);
  head.is_begun_host_whole = end != authority.npos;
}

// Takes whole lines until the empty one; returns false at the first invalid byte.
bool HttpHeadReader::take_lines(std::string_view text) noexcept {
  while (!is_whole_) {
    const auto found = std::find_if(text.begin() + scanned_, text.end(), is_forbidden);
    scanned_ = static_cast<std::size_t>(found - text.begin());
    if (found == text.end()) return take_begun_line(text.substr(line_));
    // A server may take the CR for the line's end.
    const std::string_view line = text.substr(line_, scanned_ - line_);
    if (*found != '\r' || !take_line(line)) return false;
    if (scanned_ + 1 == text.size()) return true;
    if (text[scanned_ + 1] != '\n') return false;
    scanned_ += kLineEnd.size();
    line_ = scanned_;
    is_line_taken_ = false;
    is_whole_ = line.empty();
  }
  return true;
}

HttpHeadStatus HttpHeadReader::read(std::span<const std::uint8_t> stream, HttpHead& head) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(stream.data()),
                              std::min(stream.size(), kHttpHeadSizeMax));
  head = {};
  if (!may_begin_head(text) || !take_lines(text)) {
    return is_address_ ? HttpHeadStatus::address : HttpHeadStatus::malformed;
  }
  if (!is_whole_) {
    if ((has_host_ || has_target_) && !std::exchange(is_host_reported_, true)) {
      head.host = host_;
      head.port = port_;
    }
    if (!has_host_ && !has_target_) show_begun_host(text.substr(line_), head);
    return text.size() == kHttpHeadSizeMax ? HttpHeadStatus::malformed : HttpHeadStatus::need_more;
  }
  head.head_size = line_;
  return read_head(text.substr(0, line_ - kLineEnd.size()), head);
}

}  // namespace picortex
