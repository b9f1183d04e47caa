#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/keyed_hash.h"
#include "base/net/ip_address.h"

namespace picortex {

// One name for which the fenced user received an address. Times are Unix milliseconds.
struct AddressRecord {
  IpAddress address;
  std::string name;
  std::int64_t answered_ms = 0;  // the latest answer
  std::int64_t expires_ms = 0;
};

// The names for which the fenced user received each address. The DNS proxy writes it before an
// answer
// is sent; the verdicts read it.
//
// An entry is valid for its answer's TTL plus kGraceMs, and longer while the address is in use:
// every use() renews the entries of the address for kUseMs, up to kAgeMaxMs after the latest
// answer.
//
// Bounded by kEntriesMax. An address keeps kNamesMax names; more push out the one not renewed for
// longest, except while it is held: for kAnswerHoldMs after its answer, in which its client
// connects, and for kOpeningHoldMs after a SYN to its address, whose hello may still name it. While
// every entry that could make room is held, a new one is rejected (and its answer must not be
// sent).
class DnsCache {
 public:
  static constexpr std::size_t kEntriesMax = 65'536;  // pairs of address and name
  static constexpr std::size_t kNamesMax = 1024;      // of one address, while none is held
  static constexpr std::size_t kVisitsMax = 256;      // of find_name
  // Clients continue to use an address for some time after its TTL.
  static constexpr std::int64_t kGraceMs = 600'000;
  static constexpr std::int64_t kUseMs = 600'000;
  static constexpr std::int64_t kAgeMaxMs = 24 * 3'600'000;
  static constexpr std::int64_t kAnswerHoldMs = 30'000;
  static constexpr std::int64_t kOpeningHoldMs = 75'000;
  static constexpr std::uint32_t kTtlMaxS = 3600;  // DnsAnswer::kTtlCeilingS

  // Receives what must survive a restart. Called within learn() and use().
  class Recorder {
   public:
    virtual void on_address(const AddressRecord& record) noexcept = 0;

   protected:
    ~Recorder() = default;
  };

  DnsCache() = default;
  DnsCache(const DnsCache&) = delete;
  DnsCache& operator=(const DnsCache&) = delete;

  void set_recorder(Recorder* recorder) noexcept { recorder_ = recorder; }

  // `name` must be normalized. Renews an existing entry, never shortens it. Returns false if there
  // is no room.
  bool learn(const IpAddress& address, std::string_view name, std::uint32_t ttl_s,
             std::int64_t now_ms);

  // Restores a record from before a restart. Returns false if it is expired, from the future, valid
  // longer than any answer, or finds no room.
  bool restore(const AddressRecord& record, std::int64_t now_ms);

  // Call it when a client opens a connection to the address: protects its names for a while.
  void hold(const IpAddress& address, std::int64_t now_ms);
  // Call it when a client connects to the address, or still has a connection to it: renews its
  // names.
  void use(const IpAddress& address, std::int64_t now_ms);

  bool agrees(const IpAddress& address, std::string_view name, std::int64_t now_ms) const;
  bool knows(const IpAddress& address, std::int64_t now_ms) const;
  // Returns until when the name leads to the address, unless it is renewed; 0 if it never did.
  std::int64_t valid_until_ms(const IpAddress& address, std::string_view name) const;
  // Returns whether any address was answered for the name; it may have just expired.
  bool knows_name(std::string_view name) const { return name_counts_.contains(name); }

  // Calls `visit(std::string_view name)` for each valid name of the address, most recently answered
  // first, until it returns true; for at most kVisitsMax names.
  template <class Visit>
  void find_name(const IpAddress& address, std::int64_t now_ms, Visit visit) const {
    const auto found = addresses_.find(view_of(address));
    if (found == addresses_.end()) return;
    std::size_t visits = 0;
    const auto& names = found->second.names;
    for (auto entry = names.rbegin(); entry != names.rend() && visits < kVisitsMax; ++entry) {
      ++visits;
      const AddressRecord& record = (*entry)->record;
      if (now_ms < record.expires_ms && visit(std::string_view(record.name))) return;
    }
  }

  // Begins a walk over all entries. An entry that is renewed from now on is recorded again, so that
  // the walk and the records together contain all.
  void begin_walk() noexcept;
  // Calls `visit(const AddressRecord&)` for the next `count` entries; returns false after the last
  // one.
  template <class Visit>
  bool walk(std::size_t count, Visit visit) {
    for (; count > 0 && walk_left_ > 0 && walk_ != entries_.end(); --count, --walk_left_, ++walk_) {
      visit(std::as_const(walk_->record));
    }
    if (walk_ == entries_.end()) walk_left_ = 0;
    return walk_left_ > 0;
  }

  std::size_t size() const noexcept { return entries_.size(); }
  std::uint64_t turned_away() const noexcept { return turned_away_; }

 private:
  struct Entry;
  using EntryList = std::list<Entry>;
  struct Entry {
    AddressRecord record;
    std::int64_t held_until_ms = 0;
    std::int64_t recorded_expiry_ms = 0;               // the recorder's latest value …
    std::uint64_t recorded_walk = 0;                   // … and the walk that had begun by then
    std::list<EntryList::iterator>::iterator place{};  // among its address's names
  };
  struct Address {
    std::list<EntryList::iterator> names;  // the one not renewed for longest first
    std::int64_t held_until_ms = 0;
    std::int64_t next_renewal_ms = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash(text); }
    KeyedHash hash;
  };

  static std::string_view view_of(const IpAddress& address) noexcept {
    return {reinterpret_cast<const char*>(address.bytes.data()), address.raw().size()};
  }
  // Returns the key of a pair: the address's bytes, then the name.
  std::string_view pair_key(const IpAddress& address, std::string_view name) const;

  bool is_held(const Entry& entry, std::int64_t now_ms) const;
  bool make_room(const IpAddress& address, std::int64_t now_ms);
  bool insert(AddressRecord record, std::int64_t held_until_ms, std::int64_t now_ms);
  void renew(EntryList::iterator entry);
  void record(Entry& entry);
  void prune(std::int64_t now_ms);
  void remove(EntryList::iterator entry);

  EntryList entries_;  // the one not renewed for longest first
  // The keys are hostile: the user chooses names, and their servers choose addresses.
  std::unordered_map<std::string, EntryList::iterator, TextHash, std::equal_to<>> pairs_;
  std::unordered_map<std::string, Address, TextHash, std::equal_to<>> addresses_;
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> name_counts_;
  mutable std::string key_;
  EntryList::iterator walk_ = entries_.end();
  std::size_t walk_left_ = 0;  // renewed entries move to the end, which the walk need not visit
  std::uint64_t walks_ = 0;
  Recorder* recorder_ = nullptr;
  std::uint64_t turned_away_ = 0;
};

}  // namespace picortex
