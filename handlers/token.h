#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// The secret of `<data dir>/token`, by which a client shows that it may read and write events. It
// guards against other users of this host, so only its owner and root may read the file.
class Token {
 public:
  static constexpr std::size_t kSizeMin = 16;
  static constexpr std::size_t kSizeMax = 256;

  // Reads the token, or makes one of 32 random bytes (43 characters of base64url) when there is
  // none; a crash leaves a whole token or none. A token that the owner wrote is taken when it is a
  // regular file of the process's user or root that nobody else may touch, with kSizeMin to
  // kSizeMax visible ASCII characters and perhaps a newline. `data_dir` exists.
  static Result<Token> load_or_create(const std::string& data_dir);

  std::string_view text() const noexcept { return {text_.data(), size_}; }

  // Whether an Authorization header is "Bearer" and this token (RFC 6750 section 2.1; the scheme in
  // any case). The time taken tells nothing about the token, its length included.
  bool matches(std::string_view authorization_header) const noexcept;

 private:
  explicit Token(std::string_view text) noexcept;

  // Zero behind the token.
  std::array<char, kSizeMax> text_{};
  std::size_t size_;
};

}  // namespace picortex
