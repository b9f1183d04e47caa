#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// The secret in `<data dir>/token`, by which a client proves that it may read and write events. It
// protects against other users of this host, so only its owner and root may read the file.
class Token {
 public:
  static constexpr std::size_t kSizeMin = 16;
  static constexpr std::size_t kSizeMax = 256;

  // Reads the token, or creates one of 32 random bytes (43 characters of base64url) if there is
  // none; a crash leaves a complete token or none. Accepts a token that the operator wrote if it is
  // a regular file of the process's user or root that no other user may access, with kSizeMin to
  // kSizeMax visible ASCII characters and an optional newline. `data_dir` must exist.
  static Result<Token> load_or_create(const std::string& data_dir);

  std::string_view text() const noexcept { return {text_.data(), size_}; }

  // Returns whether an Authorization header is "Bearer" and this token (RFC 6750, section 2.1; the
  // scheme in any case). The time taken reveals nothing about the token, not even its length.
  bool matches(std::string_view authorization_header) const noexcept;

 private:
  explicit Token(std::string_view text) noexcept;

  // Zero after the token.
  std::array<char, kSizeMax> text_{};
  std::size_t size_;
};

}  // namespace picortex
