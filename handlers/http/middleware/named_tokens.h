#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/http/middleware/scope.h"

namespace picortex {

inline constexpr std::size_t kNamedTokensMax = 64;
inline constexpr std::size_t kTokenNameSizeMax = 64;

using TokenDigest = std::array<unsigned char, 32>;  // SHA-256

// A token of `<data dir>/tokens`: the secret itself is known to its user alone.
struct NamedToken {
  std::string name;  // 1 to kTokenNameSizeMax letters, digits, '.', '_' and '-'
  http::Scopes scopes;
  std::int64_t created_ms = 0;  // or rotated
  TokenDigest digest{};
};

bool is_token_name(std::string_view name) noexcept;

// "picortex_" and 43 characters of base64url: 32 random bytes. The prefix is for programs that look
// for secrets in the wrong places.
std::string make_token_secret();
TokenDigest digest_of(std::string_view secret) noexcept;

// The credentials of an "Authorization: Bearer" header; empty for any other.
std::string_view bearer_of(std::string_view authorization_header) noexcept;

// `<data dir>/tokens`, at most kNamedTokensMax lines in the order of creation:
//
//   line = name SP scope *("," scope) SP created SP 64 hex digits LF
//
// Lines that begin with '#' are comments. Mode 0600; replaced as a whole by rename(2).
inline constexpr std::string_view kTokensFile = "tokens";

// No tokens when there is no file. The error is one line that names the file, the line and the fix.
Result<std::vector<NamedToken>> load_named_tokens(const std::string& data_dir);

// Reads the tokens, has them changed, and replaces the file. Two at the same time take turns. An
// error of `change` is returned and nothing is written. The file belongs to the directory's owner
// also when root writes it, since the daemon has to read it.
Result<void> edit_named_tokens(const std::string& data_dir,
                               const std::function<Result<void>(std::vector<NamedToken>&)>& change);

}  // namespace picortex
