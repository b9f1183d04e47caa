#include "netfilter/policy/connection_table.h"

namespace picortex {

std::size_t ConnectionTable::Hash::operator()(const FlowKey& key) const noexcept {
  const std::size_t ports = std::size_t{key.source_port} << 16 | key.destination_port;
  return (IpAddressHash{}(key.source) * 31 + IpAddressHash{}(key.destination)) * 31 + ports;
}

void ConnectionTable::add(const FlowKey& key, const HostName& host) {
  remove(key);
  if (entries_.size() >= kSizeMax) remove(FlowKey(entries_.front().key));
  entries_.push_back({key, host});
  by_key_.emplace(key, std::prev(entries_.end()));
}

void ConnectionTable::remove(const FlowKey& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  entries_.erase(found->second);
  by_key_.erase(found);
}

const HostName* ConnectionTable::find(const FlowKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &found->second->host;
}

}  // namespace picortex
