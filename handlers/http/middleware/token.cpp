#include "handlers/http/middleware/token.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "base/file_descriptor.h"
#include "base/uuid/random_bytes.h"

namespace picortex {
namespace {

constexpr const char* kName = "token";
constexpr const char* kNewTokenName = ".token.new";
constexpr std::size_t kSecretSize = 32;
constexpr std::size_t kSecretTextSize = 43;

std::string make_secret() {
  unsigned char random[kSecretSize];
  fill_random(std::as_writable_bytes(std::span(random)));
  unsigned char base64[4 * ((kSecretSize + 2) / 3) + 1];
  EVP_EncodeBlock(base64, random, sizeof random);
  std::string text(reinterpret_cast<const char*>(base64), kSecretTextSize);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  OPENSSL_cleanse(random, sizeof random);
  OPENSSL_cleanse(base64, sizeof base64);
  return text;
}

// Returns why the file cannot hold a secret; empty if it can.
std::string objection(const struct stat& status, const std::string& path) {
  if (!S_ISREG(status.st_mode)) return path + " is not a regular file: remove it";
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return path + " belongs to user " + std::to_string(status.st_uid) + ": chown " +
           std::to_string(geteuid()) + " " + path;
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return path + " is open to other users: chmod 600 " + path +
           ", and replace the token if one may have read it";
  }
  return {};
}

// Returns the file's text; an Error with code ENOENT if there is no file.
Result<std::string> read_token(int dir, const std::string& path) {
  // O_NONBLOCK, since opening a FIFO must not wait for a writer.
  const FileDescriptor file(openat(dir, kName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ELOOP) return failure(path + " is a symbolic link: replace it by a file", ELOOP);
    return errno_failure("cannot open " + path);
  }
  struct stat status;
  if (fstat(file.number(), &status) != 0) return errno_failure("cannot look at " + path);
  if (auto reason = objection(status, path); !reason.empty()) return failure(std::move(reason));

  char bytes[Token::kSizeMax + 3];  // room for a CR LF and one byte beyond the limit
  std::size_t size = 0;
  while (size < sizeof bytes) {
    const ssize_t got = read(file.number(), bytes + size, sizeof bytes - size);
    if (got < 0 && errno != EINTR) return errno_failure("cannot read " + path);
    if (got == 0) break;
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  std::string text(bytes, size);
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  const bool visible = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || text.size() < Token::kSizeMin || text.size() > Token::kSizeMax) {
    return failure(path + " must hold 16 to 256 visible ASCII characters: remove it, and a new " +
                   "token is made at the next start");
  }
  return text;
}

// Creates a new token in the directory unless there is one by now.
Result<void> create_token(int dir, const std::string& path) {
  // Left by a crash; an incomplete token never has the real name.
  if (unlinkat(dir, kNewTokenName, 0) != 0 && errno != ENOENT) {
    return errno_failure("cannot remove " + std::string(kNewTokenName) + " next to " + path);
  }
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const FileDescriptor file(openat(dir, kNewTokenName, flags, S_IRUSR | S_IWUSR));
  if (!file.is_open()) return errno_failure("cannot create " + path);
  const std::string line = make_secret() + "\n";
  const bool stored =
      fchmod(file.number(), S_IRUSR | S_IWUSR) == 0 &&
      write(file.number(), line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
      fsync(file.number()) == 0;
  if (!stored) {
    auto failed = errno_failure("cannot write " + path);
    unlinkat(dir, kNewTokenName, 0);
    return failed;
  }
  // Unlike a rename, a link does not replace a file that another process created meanwhile.
  const bool linked = linkat(dir, kNewTokenName, dir, kName, 0) == 0 || errno == EEXIST;
  if (!linked) return errno_failure("cannot create " + path);
  unlinkat(dir, kNewTokenName, 0);
  if (fsync(dir) != 0) return errno_failure("cannot sync the directory of " + path);
  return {};
}

}  // namespace

Token::Token(std::string_view text) noexcept : size_(text.size()) {
  CHECK(text.size() >= kSizeMin && text.size() <= kSizeMax);
  text.copy(text_.data(), text.size());
}

Result<Token> Token::load_or_create(const std::string& data_dir) {
  const std::string path = data_dir + "/" + kName;
  const FileDescriptor dir(open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.is_open()) return errno_failure("cannot open the data directory " + data_dir);
  auto text = read_token(dir.number(), path);
  if (!text && text.error().code == ENOENT) {
    TRY(create_token(dir.number(), path));
    text = read_token(dir.number(), path);
  }
  if (!text) return std::unexpected(std::move(text.error()));
  return Token(*text);
}

bool Token::matches(std::string_view authorization_header) const noexcept {
  constexpr std::string_view kScheme = "Bearer ";
  if (!starts_with_ignoring_case(authorization_header, kScheme)) return false;
  authorization_header.remove_prefix(kScheme.size());
  while (authorization_header.starts_with(' ')) authorization_header.remove_prefix(1);
  if (authorization_header.size() > kSizeMax) return false;
  // Compares all kSizeMax bytes, whatever the lengths. A token has no zero bytes, so equal buffers
  // are equal tokens once the length rules out zeros in the client's.
  std::array<char, kSizeMax> presented{};
  authorization_header.copy(presented.data(), presented.size());
  const bool same_bytes = CRYPTO_memcmp(presented.data(), text_.data(), kSizeMax) == 0;
  const bool same_size = authorization_header.size() == size_;
  return same_bytes & same_size;
}

}  // namespace picortex
