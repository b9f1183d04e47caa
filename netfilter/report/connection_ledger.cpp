#include "netfilter/report/connection_ledger.h"

#include <utility>

namespace picortex {
namespace {

std::string key_of(const SocketEnds& ends) {
  std::string key(1, static_cast<char>(ends.protocol));
  for (const auto& [address, port] : {std::pair{&ends.source, ends.source_port},
                                      std::pair{&ends.destination, ends.destination_port}}) {
    const auto bytes = address->raw();
    key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    key.append({static_cast<char>(port >> 8), static_cast<char>(port & 0xff)});
  }
  return key;
}

}  // namespace

void ConnectionLedger::note(const SocketEnds& ends, OpenConnection connection) {
  std::string key = key_of(ends);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    OpenConnection& known = found->second->connection;
    if (connection.client_pid == 0 && known.client_pid != 0) {
      known.host = std::move(connection.host);
      known.rule = std::move(connection.rule);
    } else {
      known = std::move(connection);
    }
    return;
  }
  if (entries_.size() >= kSizeMax) {
    by_key_.erase(entries_.front().key);
    entries_.pop_front();
  }
  entries_.push_back({std::move(key), std::move(connection)});
  by_key_.emplace(entries_.back().key, std::prev(entries_.end()));
}

std::optional<OpenConnection> ConnectionLedger::take(const SocketEnds& ends) {
  const auto found = by_key_.find(key_of(ends));
  if (found == by_key_.end()) return std::nullopt;
  OpenConnection connection = std::move(found->second->connection);
  const auto entry = found->second;
  by_key_.erase(found);
  entries_.erase(entry);
  return connection;
}

}  // namespace picortex
