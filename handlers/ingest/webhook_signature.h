#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace picortex {

// The secret that a sender of webhooks shares with this daemon, and the verification of its
// signatures: Standard Webhooks, HMAC-SHA256 (RFC 2104) over `id.timestamp.body`.
class WebhookSecret {
 public:
  static constexpr std::size_t kSizeMin = 16;  // bytes
  static constexpr std::size_t kSizeMax = 256;

  // Parses "whsec_" and a key in base64 (RFC 4648, section 4); the prefix is optional.
  static Result<WebhookSecret> parse(std::string_view text);

  // Returns whether one of `signatures`, which are separated by blanks (and by commas, where a
  // proxy has joined several header lines: RFC 9110, section 5.3), is "v1," and the base64 of the
  // right code. The time taken reveals nothing about the right code.
  bool has_signed(std::string_view id, std::string_view timestamp, std::string_view body,
                  std::string_view signatures) const;

 private:
  explicit WebhookSecret(std::vector<unsigned char> key) : key_(std::move(key)) {}

  std::vector<unsigned char> key_;
};

}  // namespace picortex
