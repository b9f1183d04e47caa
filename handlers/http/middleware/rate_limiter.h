#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.h"
#include "handlers/http/middleware/client_address.h"

namespace picortex {

// What a limit counts as one client: an IPv4 address, an IPv6 /64 (the block of one household or
// host), the user of a Unix socket; and all of loopback, since a local user may use any of
// 127.0.0.0/8 as its source.
class ClientKey {
 public:
  explicit ClientKey(const ClientAddress& address) noexcept;

  std::string_view bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  // A kind, then up to 8 bytes of the address.
  std::array<char, 9> bytes_{};
};

// Fixed windows, counted like @fastify/rate-limit: a client's first request opens its window, and
// until
// the window ends `limit` requests are allowed. Rejected requests do not lengthen it.
//
// The memory is fixed (192 KiB): a table of 1024 sets of 8 clients. A client that finds its set
// full replaces the one whose window is the oldest. The hash is keyed, so an attacker cannot choose
// addresses that fall into the same set. Allocates nothing after construction.
class RateLimiter {
 public:
  static constexpr std::int64_t kWindowMs = 60'000;

  // The values of the answer's headers: x-ratelimit-limit, -remaining and -reset, and retry-after.
  struct Decision {
    bool allowed = true;
    std::uint32_t limit = 0;      // 0: there is no limit, and the answer has no such header
    std::uint32_t remaining = 0;  // requests left in this window
    std::uint32_t reset_s = 0;    // until the window ends, rounded up: 1 to 60
  };

  // `limit` is the number of requests in a window; 0: no limit.
  explicit RateLimiter(std::uint32_t limit);

  // Applies from now on; what was counted so far still counts.
  void set_limit(std::uint32_t limit);

  // Counts a request. `now_ms` is of the monotonic clock and must never decrease.
  Decision check(const ClientKey& client, std::int64_t now_ms) noexcept;

 private:
  static constexpr std::size_t kSets = 1024;
  static constexpr std::size_t kWays = 8;

  struct Window {
    std::uint64_t client = 0;  // the client's hash; the slot is free while count is 0
    std::int64_t begin_ms = 0;
    std::uint32_t count = 0;
  };
  using Set = std::array<Window, kWays>;

  Window& window_of(std::uint64_t client, std::int64_t now_ms) noexcept;

  std::uint32_t limit_;
  KeyedHash hash_;
  std::vector<Set> sets_;
};

// Appends the header lines for a decision, with the names of @fastify/rate-limit.
void append_rate_fields(std::string& fields, const RateLimiter::Decision& decision);

}  // namespace picortex
