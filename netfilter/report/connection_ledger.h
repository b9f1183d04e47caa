#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "netfilter/attribution/attribution.h"
#include "netfilter/kernel/sock_diag_query.h"

namespace picortex {

// What is known of an open connection of the fenced user, for the report of its end.
struct OpenConnection {
  std::string host;  // a name, or the address where no name is known
  std::string rule;  // that allowed it; empty: none
  std::string executable;
  std::int64_t client_pid = 0;  // 0: not known
  TurnIds ids;                  // a nil request ID: no turn is known
  IdSource id_source = IdSource::none;
};

// The fenced user's allowed connections, from their verdicts until the kernel reports their ends.
// Bounded: the oldest is removed, and its end is then reported by its address alone.
class ConnectionLedger {
 public:
  static constexpr std::size_t kSizeMax = 16'384;

  // Of a connection that is there already, as each request on an HTTP connection is a verdict of
  // its own, the latest host and rule are kept; its process stays known if it was.
  void note(const SocketEnds& ends, OpenConnection connection);
  // Removes it and returns what is known; nothing if it is not there.
  std::optional<OpenConnection> take(const SocketEnds& ends);
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    OpenConnection connection;
  };
  using EntryList = std::list<Entry>;

  EntryList entries_;  // the oldest first
  // The fenced user chooses source ports, and the addresses of its servers.
  std::unordered_map<std::string_view, EntryList::iterator, KeyedHash> by_key_;
};

}  // namespace picortex
