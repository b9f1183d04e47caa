#include "netfilter/dns/address_use.h"

#include <algorithm>

namespace picortex {

void AddressUse::note(const SocketEnds& connection) {
  if (connections_.size() < kConnectionsMax) {
    connections_.push_back(connection);
    return;
  }
  connections_[oldest_] = connection;
  oldest_ = (oldest_ + 1) % kConnectionsMax;
}

void AddressUse::tick(std::int64_t now_ms) {
  const std::size_t looks = std::min(kLooksPerTick, connections_.size());
  for (std::size_t i = 0; i < looks && !connections_.empty(); ++i) {
    if (next_ >= connections_.size()) next_ = 0;
    if (is_open_(connections_[next_])) {
      table_.use(connections_[next_].destination, now_ms);
      ++next_;
    } else {
      connections_[next_] = connections_.back();
      connections_.pop_back();
    }
  }
}

}  // namespace picortex
