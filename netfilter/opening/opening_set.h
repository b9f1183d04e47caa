#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/file_descriptor.h"
#include "base/net/ip_address.h"
#include "base/result.h"
#include "base/time/clock.h"
#include "netfilter/kernel/fenced_user.h"

namespace picortex {

// The addresses and ports to which the fenced user's SYNs need not wait for a verdict, in the
// kernel: a table of nf_tables that marks such SYNs as `opening` (firewall_rules.h), ahead of the
// mangle table, whose rules pass them on. It holds what a rule for a name leads to, and is a
// shortcut alone: a SYN that it does not mark waits in the queue, and every connection is judged by
// what it sends.
//
// The table is owned by this object's socket, so the kernel removes it with the process, however
// that ends: nothing passes at once while no daemon runs, and no old table is left.
//
// An entry expires in the kernel; until then it is not renewed. Bounded by kEntriesMax: beyond that
// nothing is added.
//
// send() and clear() are one transaction of nf_tables each, which waits for one of another program.
class OpeningSet {
 public:
  static constexpr std::size_t kEntriesMax = 16'384;
  // Prunes this many entries a call: all of them in about 4 minutes.
  static constexpr std::size_t kLooksPerPrune = 64;

  // Makes the table, for the UIDs of `user`, in the network namespace of the caller.
  static Result<std::unique_ptr<OpeningSet>> open(const FencedUser& user);

  // Returns whether there is such a table, of whatever process.
  static Result<bool> is_made();

  bool contains(const IpAddress& address, std::uint16_t port, Instant now) const;
  // Adds an entry with the next send(). Does nothing if it is there, or the set is full.
  void add(const IpAddress& address, std::uint16_t port, std::chrono::milliseconds lifetime,
           Instant now);
  // Sends what was added. After a failure the object is of no more use.
  Result<void> send();
  // Removes all entries at once.
  Result<void> clear();
  // Forgets some of the expired entries. Call it about once a second.
  void prune(Instant now);

  std::size_t size() const noexcept { return entries_.size(); }
  std::uint64_t turned_away() const noexcept { return turned_away_; }  // since it was opened

 private:
  using Key = std::pair<IpAddress, std::uint16_t>;

  explicit OpeningSet(FileDescriptor socket) : socket_(std::move(socket)) {}

  FileDescriptor socket_;
  // Ordered, since the user's servers choose the keys. The value is when the entry is certain to
  // have expired in the kernel.
  std::map<Key, Instant> entries_;
  Key pruned_{};         // the last entry that prune() has looked at
  std::string pending_;  // messages
  std::uint64_t turned_away_ = 0;
};

}  // namespace picortex
