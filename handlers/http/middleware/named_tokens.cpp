#include "handlers/http/middleware/named_tokens.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "base/ascii.h"
#include "base/check.h"
#include "base/file_descriptor.h"
#include "base/read_file.h"
#include "base/text.h"
#include "base/time/timestamp.h"
#include "base/uuid/random_bytes.h"

namespace picortex {
namespace {

constexpr std::size_t kFileSizeMax = 64 * 1024;
constexpr std::string_view kPrefix = "picortex_";
constexpr const char* kNewTokensName = "/.tokens.new";

bool read_digest(std::string_view hex, TokenDigest& digest) noexcept {
  if (hex.size() != 2 * digest.size()) return false;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    digest[i] = static_cast<unsigned char>(16 * high + low);
  }
  return true;
}

std::optional<NamedToken> parse_line(std::string_view line) {
  NamedToken token;
  token.name = take_until(line, ' ');
  const auto scopes = http::Scopes::parse(take_until(line, ' '));
  const auto created_ms = parse_iso_time(take_until(line, ' '));
  if (!is_token_name(token.name) || !scopes || !created_ms) return std::nullopt;
  if (!read_digest(line, token.digest)) return std::nullopt;
  token.scopes = *scopes;
  token.created_ms = *created_ms;
  return token;
}

std::string render(const std::vector<NamedToken>& tokens) {
  std::string text = "# Written by picortex token. Only SHA-256 hashes of the secrets are here.\n";
  for (const NamedToken& token : tokens) {
    text += token.name + ' ' + token.scopes.text() + ' ' + iso_time(token.created_ms) + ' ';
    for (const unsigned char byte : token.digest) {
      char hex[3];
      std::snprintf(hex, sizeof hex, "%02x", byte);
      text += hex;
    }
    text += '\n';
  }
  return text;
}

// The new file, locked: its holder may read the old one and replace it.
Result<FileDescriptor> lock_new_file(const std::string& path) {
  while (true) {
    FileDescriptor file(
        open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file.is_open()) return errno_failure("cannot create " + path);
    while (flock(file.number(), LOCK_EX) != 0) {
      if (errno != EINTR) return errno_failure("cannot lock " + path);
    }
    // Another process may have renamed it to its place while this one waited.
    struct stat locked {};
    struct stat there {};
    if (fstat(file.number(), &locked) != 0) return errno_failure("cannot look at " + path);
    if (stat(path.c_str(), &there) == 0 && locked.st_ino == there.st_ino &&
        locked.st_dev == there.st_dev) {
      return file;
    }
  }
}

Result<void> write_all(int file, std::string_view text, const std::string& path) {
  if (ftruncate(file, 0) != 0) return errno_failure("cannot write " + path);
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) return errno_failure("cannot write " + path);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(file) != 0) return errno_failure("cannot write " + path);
  return {};
}

Result<void> replace(const std::string& data_dir, int file, std::string_view text) {
  const std::string path = data_dir + "/" + std::string(kTokensFile);
  struct stat directory {};
  if (stat(data_dir.c_str(), &directory) != 0) return errno_failure("cannot look at " + data_dir);
  if (geteuid() == 0 && fchown(file, directory.st_uid, directory.st_gid) != 0) {
    return errno_failure("cannot give " + path + " to the owner of " + data_dir);
  }
  if (fchmod(file, S_IRUSR | S_IWUSR) != 0) return errno_failure("cannot write " + path);
  TRY(write_all(file, text, path));
  if (rename((data_dir + kNewTokensName).c_str(), path.c_str()) != 0) {
    return errno_failure("cannot replace " + path);
  }
  const FileDescriptor parent(open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.is_open() || fsync(parent.number()) != 0) {
    return errno_failure("cannot sync " + data_dir);
  }
  return {};
}

}  // namespace

bool is_token_name(std::string_view name) noexcept {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kTokenNameSizeMax && std::ranges::all_of(name, is_allowed);
}

std::string make_token_secret() {
  constexpr std::size_t kTextSize = 43;
  unsigned char random[32];
  fill_random(std::as_writable_bytes(std::span(random)));
  unsigned char base64[4 * ((sizeof random + 2) / 3) + 1];
  EVP_EncodeBlock(base64, random, sizeof random);
  std::string text(reinterpret_cast<const char*>(base64), kTextSize);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  OPENSSL_cleanse(random, sizeof random);
  OPENSSL_cleanse(base64, sizeof base64);
  return std::string(kPrefix) + text;
}

TokenDigest digest_of(std::string_view secret) noexcept {
  TokenDigest digest;
  CHECK(EVP_Digest(secret.data(), secret.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
        1);
  return digest;
}

std::string_view bearer_of(std::string_view authorization_header) noexcept {
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization_header.size() < kScheme.size() ||
      strncasecmp(authorization_header.data(), kScheme.data(), kScheme.size()) != 0) {
    return {};
  }
  authorization_header.remove_prefix(kScheme.size());
  while (authorization_header.starts_with(' ')) authorization_header.remove_prefix(1);
  return authorization_header;
}

Result<std::vector<NamedToken>> load_named_tokens(const std::string& data_dir) {
  const std::string path = data_dir + "/" + std::string(kTokensFile);
  std::vector<NamedToken> tokens;
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 && errno == ENOENT) return tokens;
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 && S_ISREG(status.st_mode)) {
    return failure(path + " is open to other users: chmod 600 " + path);
  }
  const auto text = read_small_file(path, kFileSizeMax);
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *text;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    auto token = parse_line(line);
    if (!token || tokens.size() == kNamedTokensMax) {
      return failure(path + ":" + std::to_string(number) +
                     (token ? " is one token too many: 64 are possible"
                            : " is not NAME SCOPES TIME SHA256: remove the line, and create the "
                              "token again with picortex token create"));
    }
    tokens.push_back(*std::move(token));
  }
  return tokens;
}

Result<void> edit_named_tokens(
    const std::string& data_dir,
    const std::function<Result<void>(std::vector<NamedToken>&)>& change) {
  auto file = lock_new_file(data_dir + kNewTokensName);
  if (!file) return std::unexpected(file.error());
  auto tokens = load_named_tokens(data_dir);
  if (!tokens) return std::unexpected(tokens.error());
  TRY(change(*tokens));
  return replace(data_dir, file->number(), render(*tokens));
}

}  // namespace picortex
