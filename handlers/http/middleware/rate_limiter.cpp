#include "handlers/http/middleware/rate_limiter.h"

#include <algorithm>
#include <limits>

#include "base/json/json_text.h"

namespace picortex {
namespace {

void append_number_field(std::string& fields, std::string_view name, std::int64_t value) {
  fields += name;
  fields += ": ";
  append_json_number(fields, value);
  fields += "\r\n";
}

}  // namespace

ClientKey::ClientKey(const ClientAddress& address) noexcept {
  if (address.is_loopback()) {
    bytes_[0] = 'l';
    return;
  }
  switch (address.family()) {
    case ClientAddress::Family::v4:
      bytes_[0] = '4';
      break;
    case ClientAddress::Family::v6:
      bytes_[0] = '6';
      break;
    case ClientAddress::Family::unix_peer:
      bytes_[0] = 'u';
      break;
  }
  // The first half of an IPv6 address; the other kinds are shorter and followed by zeros.
  std::copy_n(address.bytes().begin(), bytes_.size() - 1, bytes_.begin() + 1);
}

RateLimiter::RateLimiter(std::uint32_t limit) { set_limit(limit); }

void RateLimiter::set_limit(std::uint32_t limit) {
  limit_ = limit;
  sets_.resize(limit == 0 ? 0 : kSets);
}

RateLimiter::Decision RateLimiter::check(const ClientKey& client, std::int64_t now_ms) noexcept {
  if (limit_ == 0) return {};
  Window& window = window_of(hash_(client.bytes()), now_ms);
  if (window.count < std::numeric_limits<std::uint32_t>::max()) ++window.count;
  const std::int64_t left_ms = window.begin_ms + kWindowMs - now_ms;
  return {.allowed = window.count <= limit_,
          .limit = limit_,
          .remaining = limit_ - std::min(window.count, limit_),
          .reset_s = static_cast<std::uint32_t>((left_ms + 999) / 1000)};
}

// Returns the client's window, and opens one if it has none or its last one has ended.
RateLimiter::Window& RateLimiter::window_of(std::uint64_t client, std::int64_t now_ms) noexcept {
  Set& set = sets_[client % kSets];
  auto found = std::ranges::find_if(
      set, [&](const Window& window) { return window.count > 0 && window.client == client; });
  if (found != set.end() && now_ms - found->begin_ms < kWindowMs) return *found;
  if (found == set.end()) {
    found = std::ranges::min_element(set, {}, [](const Window& window) {
      return window.count == 0 ? std::numeric_limits<std::int64_t>::min() : window.begin_ms;
    });
  }
  *found = Window{.client = client, .begin_ms = now_ms, .count = 0};
  return *found;
}

void append_rate_fields(std::string& fields, const RateLimiter::Decision& decision) {
  if (decision.limit == 0) return;
  append_number_field(fields, "x-ratelimit-limit", decision.limit);
  append_number_field(fields, "x-ratelimit-remaining", decision.remaining);
  append_number_field(fields, "x-ratelimit-reset", decision.reset_s);
  if (!decision.allowed) append_number_field(fields, "retry-after", decision.reset_s);
}

}  // namespace picortex
