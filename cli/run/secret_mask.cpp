#include "cli/run/secret_mask.h"

#include <algorithm>

#include "base/ascii.h"

namespace picortex {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kBetweenWords = " \t\r\n\"'`;|&()<>,?{}";
// These end a command of a script: a value announced before one of them cannot follow it.
constexpr std::string_view kEndsCommand = ";|&\n";

constexpr std::string_view kSecretNames[] = {
    "password",   "passwd",      "passphrase",    "secret",      "apikey", "api-key",
    "accesskey",  "access-key",  "privatekey",    "private-key", "bearer", "cookie",
    "credential", "credentials", "authorization", "signing-key"};
constexpr std::string_view kWholeNames[] = {"auth", "pwd", "pass", "pw"};
// Options that say where a secret is stored, not what it is.
constexpr std::string_view kPlaces[] = {"-file", "-path", "-dir", "-env", "-name", "-url"};
constexpr std::string_view kSchemes[] = {"bearer", "basic", "token", "digest"};
constexpr std::string_view kTokenForms[] = {
    "sk-",  "sk_",   "rk_",     "pk_live_", "ghp_", "gho_",       "ghu_", "ghs_",
    "ghr_", "xoxb-", "xoxp-",   "xapp-",    "AKIA", "ASIA",       "AIza", "glpat-",
    "npm_", "pypi-", "dop_v1_", "whsec_",   "hf_",  "github_pat_"};

bool is_secret_name(std::string_view text) {
  while (text.starts_with('-')) text.remove_prefix(1);
  std::string name = lowered(text);
  std::ranges::replace(name, '_', '-');
  for (const std::string_view place : kPlaces) {
    if (name.ends_with(place)) return false;
  }
  for (const std::string_view whole : kWholeNames) {
    if (name == whole || name.ends_with('-' + std::string(whole))) return true;
  }
  // Except max-tokens and tokenizer.
  const std::size_t token = name.find("token");
  if (token != std::string::npos && (token + 5 == name.size() || name[token + 5] == '-'))
    return true;
  return std::ranges::any_of(kSecretNames, [&](std::string_view secret) {
    return name.find(secret) != std::string::npos;
  });
}

bool is_scheme(std::string_view word) {
  return std::ranges::find(kSchemes, lowered(word)) != std::end(kSchemes);
}

// True for the header.payload.signature of a JSON Web Token.
bool is_web_token(std::string_view text) {
  return text.starts_with("eyJ") && text.size() > 30 && std::ranges::count(text, '.') == 2;
}

// True for a long text without separators that mixes more kinds of characters than names, paths and
// numbers do. Lower-case hexadecimal digests of up to 40 digits are commits; UUIDs have dashes.
bool is_random(std::string_view text) {
  if (text.size() < 24) return false;
  int digits = 0;
  int upper = 0;
  int small = 0;
  int beyond_hex = 0;
  for (const char c : text) {
    if (is_digit(c)) {
      ++digits;
    } else if (is_alpha(c)) {
      ++(c == lower(c) ? small : upper);
    } else if (c != '+' && c != '=' && c != '_') {
      return false;
    }
    beyond_hex += !is_hex_digit(c);
  }
  if (beyond_hex == 0) return text.size() > 40 && digits > 0 && (small > 0 || upper > 0);
  return digits > 1 && upper > 1 && small > 1;
}

bool looks_like_secret(std::string_view text) {
  constexpr std::size_t kTokenSizeMin = 16;
  if (is_web_token(text) || is_random(text)) return true;
  return text.size() >= kTokenSizeMin &&
         std::ranges::any_of(kTokenForms,
                             [&](std::string_view form) { return text.starts_with(form); });
}

}  // namespace

std::string SecretMask::mask(std::string_view argument) {
  std::string out;
  // Within a script, a name must announce its value in the same command.
  while (!argument.empty()) {
    const std::size_t end = std::min(argument.find_first_of(kBetweenWords), argument.size());
    if (end > 0) append_word(out, argument.substr(0, end));
    argument.remove_prefix(end);
    if (argument.empty()) break;
    if (kEndsCommand.find(argument.front()) != std::string_view::npos) {
      next_is_secret_ = next_is_user_ = false;
    }
    out += argument.front();
    argument.remove_prefix(1);
  }
  return out;
}

void SecretMask::append_word(std::string& out, std::string_view word) {
  if (append_announced(out, word)) return;
  next_is_user_ = word == "-u" || word == "--user";
  if (append_named(out, word, '=')) return;
  if (word.find("://") == std::string_view::npos && append_named(out, word, ':')) return;
  if (word.starts_with('-') && is_secret_name(word)) {
    next_is_secret_ = true;
    out += word;
    return;
  }
  append_value(out, word);
}

// Handles the value that the previous word announced; returns false if none was announced.
bool SecretMask::append_announced(std::string& out, std::string_view word) {
  if (next_is_user_ && !word.starts_with('-')) {
    next_is_user_ = false;
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos) return false;
    out.append(word.substr(0, colon + 1)).append(kMask);
    return true;
  }
  if (!next_is_secret_ || word.starts_with("--")) {
    next_is_secret_ = false;
    return false;
  }
  if (is_scheme(word)) {
    out += word;
    return true;
  }
  next_is_secret_ = false;
  out += kMask;
  return true;
}

// Handles name=value and name:value; returns false for anything else.
bool SecretMask::append_named(std::string& out, std::string_view word, char separator) {
  const std::size_t at = word.find(separator);
  if (at == std::string_view::npos || at == 0) return false;
  const bool is_secret = is_secret_name(word.substr(0, at));
  if (!is_secret && separator == ':') return false;
  out.append(word.substr(0, at + 1));
  const std::string_view value = word.substr(at + 1);
  if (!is_secret) {
    append_value(out, value);
  } else if (value.empty()) {
    next_is_secret_ = true;  // in quotes, or after a space
  } else {
    out += kMask;
  }
  return true;
}

void SecretMask::append_value(std::string& out, std::string_view value) {
  const std::size_t scheme = value.find("://");
  if (scheme != std::string_view::npos) {
    const std::size_t begin = scheme + 3;
    const std::size_t end = std::min(value.find('/', begin), value.size());
    const std::size_t at = value.substr(0, end).rfind('@');
    const std::size_t colon = value.substr(0, end).find(':', begin);
    if (at != std::string_view::npos && at >= begin) {
      // user:password@, or a token alone.
      const std::size_t kept = colon != std::string_view::npos && colon < at ? colon + 1 : begin;
      out.append(value.substr(0, kept)).append(kMask).append(value.substr(at));
      return;
    }
  }
  out += looks_like_secret(value) ? kMask : value;
}

}  // namespace picortex
