#include "handlers/ingest/webhook_signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"

namespace picortex {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::string_view kVersion = "v1,";
constexpr std::size_t kCodeSize = 32;
constexpr std::size_t kCodeTextSize = 44;
// The number of signatures in one header; no sender uses more than a few keys at a time.
constexpr std::size_t kSignaturesMax = 16;

using CodeText = std::array<unsigned char, kCodeTextSize + 1>;  // with OpenSSL's terminator

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct MacFree {
  void operator()(EVP_MAC* mac) const noexcept { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};

}  // namespace

Result<WebhookSecret> WebhookSecret::parse(std::string_view text) {
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.size() % 4 != 0 || text.size() > kSizeMax * 2 ||
      text.substr(0, text.size() - padding).find('=') != text.npos) {
    return failure("not base64");
  }
  std::vector<unsigned char> key(text.size() / 4 * 3);
  // The function ignores blanks and dashes at the ends, and then returns less.
  const int size = EVP_DecodeBlock(key.data(), bytes_of(text), static_cast<int>(text.size()));
  if (size < 0 || static_cast<std::size_t>(size) != key.size()) {
    return failure("not base64");
  }
  key.resize(key.size() - padding);
  if (key.size() < kSizeMin || key.size() > kSizeMax) return failure("of a wrong size");
  return WebhookSecret(std::move(key));
}

bool WebhookSecret::has_signed(std::string_view id, std::string_view timestamp,
                               std::string_view body, std::string_view signatures) const {
  const std::unique_ptr<EVP_MAC, MacFree> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  CHECK(mac != nullptr);
  const std::unique_ptr<EVP_MAC_CTX, MacFree> context(EVP_MAC_CTX_new(mac.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  CHECK(EVP_MAC_init(context.get(), key_.data(), key_.size(), parameters) == 1);
  for (const std::string_view part :
       {id, std::string_view("."), timestamp, std::string_view("."), body}) {
    CHECK(EVP_MAC_update(context.get(), bytes_of(part), part.size()) == 1);
  }
  std::array<unsigned char, kCodeSize> code;
  std::size_t size = 0;
  CHECK(EVP_MAC_final(context.get(), code.data(), &size, code.size()) == 1 && size == code.size());
  CodeText right;
  EVP_EncodeBlock(right.data(), code.data(), kCodeSize);

  bool found = false;
  for (std::size_t i = 0; i < kSignaturesMax && !signatures.empty(); ++i) {
    const std::size_t end = std::min(signatures.find_first_of(" \t"), signatures.size());
    std::string_view signature = signatures.substr(0, end);
    if (signature.ends_with(',')) signature.remove_suffix(1);
    signatures.remove_prefix(std::min(end + 1, signatures.size()));
    if (!signature.starts_with(kVersion)) continue;
    const std::string_view given = signature.substr(kVersion.size());
    found |= given.size() == kCodeTextSize &&
             CRYPTO_memcmp(given.data(), right.data(), kCodeTextSize) == 0;
  }
  return found;
}

}  // namespace picortex
