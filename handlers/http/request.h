#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace picortex::http {

// The methods that picortex knows (RFC 9110, section 9; PATCH: RFC 5789). Others are answered with
// 501.
enum class Method : std::uint8_t { get, head, post, put, delete_, options, patch, trace };

std::string_view method_name(Method method) noexcept;

struct Field {
  std::string_view name;
  std::string_view value;

  bool is_named(std::string_view other) const noexcept;  // in any case
};

// The head of a request. Its texts are views of the head's bytes, which the exchange keeps.
struct Request {
  Method method = Method::get;
  int minor_version = 1;       // of HTTP/1
  std::string_view target;     // as it was sent
  std::string_view authority;  // of an absolute-form target, else empty
  std::string_view path;       // up to the '?', as it was sent: %-escapes are not decoded
  std::string_view query;      // after the '?'
  std::vector<Field> fields;
  std::string_view host;  // of the target's authority, else the Host field
  bool keep_alive = true;
  bool has_body = false;  // a body follows, of one byte or more, or chunked
  bool expects_continue = false;
  std::optional<std::uint64_t> content_length;

  // Returns the first field of that name, in any case; null if there is none.
  const Field* find(std::string_view name) const noexcept;
  // Returns its value; empty if there is none.
  std::string_view field(std::string_view name) const noexcept;

  void clear() noexcept;
  // Adjusts the views after the head's bytes have moved from `from` to `to`.
  void move_views(std::string_view from, const char* to) noexcept;
};

}  // namespace picortex::http
