#include "netfilter/dns/dns_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace picortex {
namespace {

// A renewal is recorded once it adds this much, so that a busy name is recorded with a few bytes a
// minute.
constexpr std::int64_t kRecordStepMs = 120'000;
// An address in constant use renews its names this often.
constexpr std::int64_t kRenewalStepMs = 10'000;
// How many entries are searched for one that can make room, before a new one is rejected.
constexpr int kEvictionLooks = 64;
// How far a record's time may be in the future: the clock may have been set back a little.
constexpr std::int64_t kClockSlackMs = 5'000;

}  // namespace

std::string_view DnsCache::pair_key(const IpAddress& address, std::string_view name) const {
  key_.assign(1, address.is_v6 ? '6' : '4').append(view_of(address)).append(name);
  return key_;
}

bool DnsCache::learn(const IpAddress& address, std::string_view name, std::uint32_t ttl_s,
                     std::int64_t now_ms) {
  prune(now_ms);
  const std::int64_t expires_ms = now_ms + std::int64_t{ttl_s} * 1000 + kGraceMs;
  const std::int64_t held_until_ms = now_ms + kAnswerHoldMs;
  const auto known = pairs_.find(pair_key(address, name));
  if (known == pairs_.end()) {
    return insert({address, std::string(name), now_ms, expires_ms}, held_until_ms, now_ms);
  }
  Entry& entry = *known->second;
  entry.record.answered_ms = now_ms;
  entry.record.expires_ms = std::max(entry.record.expires_ms, expires_ms);
  entry.held_until_ms = held_until_ms;
  renew(known->second);
  record(entry);
  return true;
}

bool DnsCache::restore(const AddressRecord& record, std::int64_t now_ms) {
  const std::int64_t longest = std::int64_t{kTtlMaxS} * 1000 + kGraceMs;
  if (record.name.empty() || record.answered_ms > now_ms + kClockSlackMs ||
      record.answered_ms < now_ms - kAgeMaxMs || record.expires_ms <= now_ms ||
      record.expires_ms > now_ms + kClockSlackMs + longest ||
      record.expires_ms > record.answered_ms + kAgeMaxMs + longest) {
    return false;
  }
  const auto known = pairs_.find(pair_key(record.address, record.name));
  // Its client may be about to connect, as after an answer.
  if (known == pairs_.end()) return insert(record, now_ms + kAnswerHoldMs, now_ms);
  AddressRecord& there = known->second->record;
  there.answered_ms = std::max(there.answered_ms, record.answered_ms);
  there.expires_ms = std::max(there.expires_ms, record.expires_ms);
  renew(known->second);
  return true;
}

bool DnsCache::insert(AddressRecord record, std::int64_t held_until_ms, std::int64_t now_ms) {
  if (!make_room(record.address, now_ms)) {
    ++turned_away_;
    return false;
  }
  const auto entry = entries_.insert(entries_.end(), {std::move(record), held_until_ms});
  auto& names = addresses_[std::string(view_of(entry->record.address))].names;
  entry->place = names.insert(names.end(), entry);
  pairs_.emplace(std::string(pair_key(entry->record.address, entry->record.name)), entry);
  ++name_counts_[entry->record.name];
  this->record(*entry);
  return true;
}

void DnsCache::renew(EntryList::iterator entry) {
  if (walk_ == entry) ++walk_;
  entries_.splice(entries_.end(), entries_, entry);
  auto& names = addresses_.find(view_of(entry->record.address))->second.names;
  names.splice(names.end(), names, entry->place);
}

void DnsCache::record(Entry& entry) {
  if (recorder_ == nullptr) return;
  if (entry.recorded_walk == walks_ && entry.recorded_expiry_ms != 0 &&
      entry.record.expires_ms < entry.recorded_expiry_ms + kRecordStepMs) {
    return;
  }
  entry.recorded_expiry_ms = entry.record.expires_ms;
  entry.recorded_walk = walks_;
  recorder_->on_address(entry.record);
}

void DnsCache::begin_walk() noexcept {
  walk_ = entries_.begin();
  walk_left_ = entries_.size();
  ++walks_;
}

bool DnsCache::is_held(const Entry& entry, std::int64_t now_ms) const {
  if (now_ms < entry.held_until_ms) return true;
  const auto address = addresses_.find(view_of(entry.record.address));
  return address != addresses_.end() && now_ms < address->second.held_until_ms;
}

// Removes one name of an address that has its share, and one of all when the table is full.
bool DnsCache::make_room(const IpAddress& address, std::int64_t now_ms) {
  // At most two, so that an address that exceeded its share while it was held shrinks again.
  for (int i = 0; i < 2; ++i) {
    const auto known = addresses_.find(view_of(address));
    if (known == addresses_.end() || known->second.names.size() < kNamesMax) break;
    const EntryList::iterator oldest = known->second.names.front();
    if (is_held(*oldest, now_ms)) break;
    remove(oldest);
  }
  if (entries_.size() < kEntriesMax) return true;
  int looks = 0;
  for (auto entry = entries_.begin(); entry != entries_.end() && looks < kEvictionLooks; ++looks) {
    const auto candidate = entry++;
    if (is_held(*candidate, now_ms)) continue;
    remove(candidate);
    return true;
  }
  return false;
}

void DnsCache::hold(const IpAddress& address, std::int64_t now_ms) {
  const auto known = addresses_.find(view_of(address));
  if (known == addresses_.end()) return;
  known->second.held_until_ms = std::max(known->second.held_until_ms, now_ms + kOpeningHoldMs);
}

void DnsCache::use(const IpAddress& address, std::int64_t now_ms) {
  const auto known = addresses_.find(view_of(address));
  if (known == addresses_.end() || now_ms < known->second.next_renewal_ms) return;
  known->second.next_renewal_ms = now_ms + kRenewalStepMs;
  for (const EntryList::iterator entry : known->second.names) {
    AddressRecord& there = entry->record;
    if (there.expires_ms <= now_ms) continue;  // expired: using it does not restore it
    const std::int64_t renewed = std::min(now_ms + kUseMs, there.answered_ms + kAgeMaxMs);
    if (renewed <= there.expires_ms) continue;
    there.expires_ms = renewed;
    record(*entry);
  }
}

bool DnsCache::agrees(const IpAddress& address, std::string_view name, std::int64_t now_ms) const {
  const auto known = pairs_.find(pair_key(address, name));
  return known != pairs_.end() && now_ms < known->second->record.expires_ms;
}

std::int64_t DnsCache::valid_until_ms(const IpAddress& address, std::string_view name) const {
  const auto known = pairs_.find(pair_key(address, name));
  return known == pairs_.end() ? 0 : known->second->record.expires_ms;
}

bool DnsCache::knows(const IpAddress& address, std::int64_t now_ms) const {
  bool found = false;
  find_name(address, now_ms, [&found](std::string_view) { return found = true; });
  return found;
}

// The list is in the order of renewal, not of expiry: an entry that was used may precede one that
// has expired, so a few entries are checked each time, and expired ones never count as valid.
void DnsCache::prune(std::int64_t now_ms) {
  constexpr int kLooks = 4;
  constexpr int kRemovalsMax = 64;
  auto entry = entries_.begin();
  for (int good = 0, gone = 0; good < kLooks && gone < kRemovalsMax && entry != entries_.end();) {
    const auto candidate = entry++;
    if (candidate->record.expires_ms > now_ms) {
      ++good;
    } else {
      remove(candidate);
      ++gone;
    }
  }
}

void DnsCache::remove(EntryList::iterator entry) {
  if (walk_ == entry) ++walk_;
  const auto known = addresses_.find(view_of(entry->record.address));
  CHECK(known != addresses_.end());
  known->second.names.erase(entry->place);
  if (known->second.names.empty()) addresses_.erase(known);
  pairs_.erase(pairs_.find(pair_key(entry->record.address, entry->record.name)));
  const auto count = name_counts_.find(entry->record.name);
  if (--count->second == 0) name_counts_.erase(count);
  entries_.erase(entry);
}

}  // namespace picortex
