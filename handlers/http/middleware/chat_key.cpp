#include "handlers/http/middleware/chat_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/ascii.h"
#include "base/check.h"

namespace picortex {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

std::string hmac_of(std::string_view token, const std::string& text) {
  std::array<unsigned char, 32> hash;
  unsigned size = 0;
  CHECK(HMAC(EVP_sha256(), token.data(), static_cast<int>(token.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data(),
             &size) != nullptr);
  CHECK(size == hash.size());
  std::string hex;
  for (const unsigned char byte : hash) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace

std::string chat_key(std::string_view token, std::string_view chat_id) {
  return hmac_of(token, "picortex chat " + std::string(chat_id));
}

std::string telemetry_token(std::string_view token) {
  return "picortex_telemetry_" + hmac_of(token, "picortex telemetry");
}

bool is_chat_key(std::string_view token, std::string_view chat_id, std::string_view key) {
  const std::string right = chat_key(token, chat_id);
  return key.size() == right.size() && CRYPTO_memcmp(key.data(), right.data(), key.size()) == 0;
}

std::string encode_chat(std::string_view chat_id) {
  std::string text;
  for (const char c : chat_id) {
    if (c > ' ' && c <= '~' && c != '%' && c != ',' && c != '=') {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += '%';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string decode_chat(std::string_view text) {
  std::string chat;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      chat += text[i];
      continue;
    }
    chat += static_cast<char>(16 * high + low);
    i += 2;
  }
  return chat;
}

}  // namespace picortex
