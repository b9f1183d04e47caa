#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.h"
#include "handlers/client_address.h"

namespace picortex {

// Whom a limit counts as one client: an IPv4 address, an IPv6 /64 (what one household or host is
// given), the user of a Unix socket; and all of loopback, since a local user may take any of
// 127.0.0.0/8 as its source.
class ClientKey {
 public:
  explicit ClientKey(const ClientAddress& address) noexcept;

  std::string_view bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  // A kind, then up to 8 bytes of the address.
  std::array<char, 9> bytes_{};
};

// Fixed windows, as @fastify/rate-limit counts them: a client's first request opens its window, and
// until the window ends `limit` requests are allowed. Refused requests do not lengthen it.
//
// The memory is fixed (192 KiB): a table of 1024 sets of 8 clients. A client that finds its set
// full takes the place of the one whose window is the oldest. The hash is keyed, so nobody can
// choose addresses that fall into a set of his choice. Allocates nothing after construction.
class RateLimiter {
 public:
  static constexpr std::int64_t kWindowMs = 60'000;

  // What the answer's headers say: x-ratelimit-limit, -remaining and -reset, and retry-after.
  struct Decision {
    bool allowed = true;
    std::uint32_t limit = 0;      // 0: there is none, and no such header belongs into the answer
    std::uint32_t remaining = 0;  // requests left in this window
    std::uint32_t reset_s = 0;    // until the window ends, rounded up: 1 to 60
  };

  // `limit`: requests in a window; 0 lifts the limit.
  explicit RateLimiter(std::uint32_t limit);

  // From now on; what was counted so far counts.
  void set_limit(std::uint32_t limit);

  // Counts a request. `now_ms`: of the monotonic clock, never less than before.
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

// Appends the header lines that tell of a decision, named as by @fastify/rate-limit.
void append_rate_fields(std::string& fields, const RateLimiter::Decision& decision);

}  // namespace picortex
