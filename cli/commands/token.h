#pragma once

#include <string>

#include "base/result.h"
#include "daemon/config/settings.h"
#include "handlers/http/middleware/scope.h"

namespace picortex {

enum class TokenVerb { create, list, revoke, rotate };

struct TokenOptions {
  TokenVerb verb = TokenVerb::list;
  std::string data_dir;
  std::string name;     // but for list
  http::Scopes scopes;  // create
};

Result<TokenOptions> read_token_options(Settings& settings, TokenVerb verb, std::string name);

// `picortex token VERB`: edits `<data dir>/tokens`, whether the daemon runs or not. create and
// rotate print the secret on stdout, alone on its line; it cannot be printed again. The exit
// status: 0, or 1 with one line on stderr.
int token(const TokenOptions& options);

}  // namespace picortex
