#include "cli/commands/token.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/terminal.h"
#include "base/time/clock.h"
#include "base/time/timestamp.h"
#include "daemon/config/serve_options.h"
#include "daemon/token_watch.h"
#include "handlers/http/middleware/named_tokens.h"

namespace picortex {
namespace {

using Tokens = std::vector<NamedToken>;

Tokens::iterator find(Tokens& tokens, std::string_view name) {
  return std::ranges::find_if(tokens,
                              [name](const NamedToken& token) { return token.name == name; });
}

std::unexpected<Error> no_such_token(const TokenOptions& options) {
  return failure("there is no token " + display(options.name) + " in " + display(options.data_dir) +
                 ": see picortex token list");
}

Result<void> add(Tokens& tokens, const TokenOptions& options, const TokenDigest& digest) {
  if (find(tokens, options.name) != tokens.end()) {
    return failure("there is a token " + display(options.name) +
                   " already: rotate it for a new secret, or revoke it first");
  }
  if (tokens.size() == kNamedTokensMax) {
    return failure("there are 64 tokens already: revoke one that is not used");
  }
  tokens.push_back({options.name, options.scopes, kSystemClock.unix_ms(), digest});
  return {};
}

Result<void> change(Tokens& tokens, const TokenOptions& options, const TokenDigest& digest) {
  if (options.verb == TokenVerb::create) return add(tokens, options, digest);
  const auto found = find(tokens, options.name);
  if (found == tokens.end()) return no_such_token(options);
  if (options.verb == TokenVerb::revoke) {
    tokens.erase(found);
  } else {
    found->digest = digest;
    found->created_ms = kSystemClock.unix_ms();
  }
  return {};
}

int list(const TokenOptions& options) {
  const auto tokens = load_named_tokens(options.data_dir);
  if (!tokens) return print_error("token", tokens.error().what);
  const auto uses = read_token_uses(options.data_dir);
  std::size_t names = 4;
  std::size_t scopes = 6;
  for (const NamedToken& token : *tokens) {
    names = std::max(names, token.name.size());
    scopes = std::max(scopes, token.scopes.text().size());
  }
  const auto line = [&](const std::string& name, const std::string& scope,
                        const std::string& created, const std::string& used) {
    std::printf("%-*s  %-*s  %-24s  %s\n", static_cast<int>(names), name.c_str(),
                static_cast<int>(scopes), scope.c_str(), created.c_str(), used.c_str());
  };
  line("NAME", "SCOPES", "CREATED", "LAST USED");
  for (const NamedToken& token : *tokens) {
    const auto use = uses.find(token.name);
    // A use from before the rotation was another secret's.
    const bool is_used = use != uses.end() && use->second >= token.created_ms;
    line(token.name, token.scopes.text(), iso_time(token.created_ms),
         is_used ? iso_time(use->second) : "never");
  }
  return 0;
}

}  // namespace

Result<TokenOptions> read_token_options(Settings& settings, TokenVerb verb, std::string name) {
  TokenOptions options{
      .verb = verb, .data_dir = read_data_dir(settings), .name = std::move(name), .scopes = {}};
  if (verb == TokenVerb::create) {
    options.scopes = settings.one(kTokenScope, http::Scopes::parse);
  }
  if (settings.error()) return std::unexpected(*settings.error());
  if (verb != TokenVerb::list && !is_token_name(options.name)) {
    return failure("token: the name " + display(options.name) +
                   " is not allowed: give 1 to 64 letters, digits, '.', '_' and '-'");
  }
  return options;
}

int token(const TokenOptions& options) {
  if (options.verb == TokenVerb::list) return list(options);
  umask(077);
  const bool makes_secret = options.verb != TokenVerb::revoke;
  const std::string secret = makes_secret ? make_token_secret() : std::string();
  const TokenDigest digest = digest_of(secret);
  const auto edited = edit_named_tokens(
      options.data_dir, [&](Tokens& tokens) { return change(tokens, options, digest); });
  if (!edited) return print_error("token", edited.error().what);
  if (makes_secret) std::printf("%s\n", secret.c_str());
  if (std::fflush(stdout) != 0)
    return print_error("token", "cannot write to stdout: rotate the token");
  return 0;
}

}  // namespace picortex
