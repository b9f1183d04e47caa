#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "netfilter/policy/flow_table.h"
#include "netfilter/wire/host_name.h"

namespace picortex {

// The name for which each connection was allowed, so that it can be judged again when the list has
// changed. Bounded: the oldest entry is removed, and its connection is then judged by its address
// alone.
class ConnectionTable {
 public:
  static constexpr std::size_t kSizeMax = 16'384;

  // `host` is empty if the address itself was permitted.
  void add(const FlowKey& key, const HostName& host);
  void remove(const FlowKey& key);
  const HostName* find(const FlowKey& key) const;
  std::size_t size() const noexcept { return by_key_.size(); }

 private:
  struct Entry {
    FlowKey key;
    HostName host;
  };
  struct Hash {
    std::size_t operator()(const FlowKey& key) const noexcept;
  };

  std::list<Entry> entries_;  // the oldest first
  std::unordered_map<FlowKey, std::list<Entry>::iterator, Hash> by_key_;
};

}  // namespace picortex
