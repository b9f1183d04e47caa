#include "netfilter/report/recent_denials.h"

#include <algorithm>
#include <utility>

namespace picortex {

// Two denials with the same hash would count as one: of 64 bits with a secret key, none will meet.
std::uint64_t RecentDenials::key_of(const Denial& denial) {
  key_.assign(denial.host).append(1, '\0').append(denial.address).append(1, '\0');
  const std::uint32_t numbers[] = {denial.port, static_cast<std::uint32_t>(denial.reason),
                                   denial.protocol, denial.uid};
  key_.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  const auto& request = denial.ids.request_id.bytes;
  key_.append(reinterpret_cast<const char*>(request.data()), request.size());
  key_.append(denial.ids.chat_id);
  return hash_(key_);
}

void RecentDenials::note(Denial denial) {
  const std::uint64_t key = key_of(denial);
  Kind& kind = kinds_[denial.port == 0 && denial.address.empty() ? 1 : 0];
  if (const auto known = kind.by_key.find(key); known != kind.by_key.end()) {
    Denial& same = *known->second;
    same.last_ms = std::max(same.last_ms, denial.last_ms);
    ++same.count;
    kind.latest.splice(kind.latest.begin(), kind.latest, known->second);
    return;
  }
  if (kind.latest.size() == kDenialsMax) {
    kind.by_key.erase(key_of(kind.latest.back()));
    kind.latest.pop_back();
  }
  kind.latest.push_front(std::move(denial));
  kind.by_key.emplace(key, kind.latest.begin());
}

}  // namespace picortex
