#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/result.h"
#include "netfilter/dns/dns_cache.h"
#include "reactor/reactor.h"
#include "reactor/record_log.h"

namespace picortex {

// Keeps the address table over a restart, in a RecordLog: clients continue to use addresses that were
// answered before it.
//
//   fields = address SP name SP answered SP expires
//
// Live entries are copied to a new generation a few hundred at a time. Each iteration's records are
// submitted to the ring before the answers are sent. What is damaged or lost is learned again.
class AddressLog final : public DnsCache::Recorder {
 public:
  static constexpr std::size_t kCopiedPerTick = 512;

  // Returns whether a recorded pair may still be answered.
  using Filter = BoundMember<bool(const AddressRecord& record)>;

  struct Restored {
    std::size_t records = 0;   // restored
    std::size_t rejected = 0;  // complete, but expired, no longer permitted, or out of bounds
    std::size_t damaged = 0;   // files with a damaged line
  };

  // Fills `table`; blocks for as long as that takes. `table` and `reactor` must outlive this object.
  // Adds a hook before the existing ones.
  static Result<std::unique_ptr<AddressLog>> open(Reactor& reactor, const std::string& path,
                                                  DnsCache& table, std::int64_t now_ms,
                                                  Filter filter);
  ~AddressLog();

  void on_address(const AddressRecord& record) noexcept override;
  // Call it about once a second: copies entries, and begins a new generation when it is due.
  void tick(std::int64_t now_ms);
  // Pending records are still written; idle after that.
  void stop() noexcept { log_->stop(); }
  bool is_idle() const noexcept { return log_->is_idle(); }

  const Restored& restored() const noexcept { return restored_; }
  // Writes that failed, and records that found no room to wait; each entry is copied again later.
  std::uint64_t failures() const noexcept { return log_->failures(); }
  std::size_t size() const noexcept { return log_->size(); }

 private:
  struct Loading;

  explicit AddressLog(DnsCache& table) : table_(table) {}

  bool copy_some(std::int64_t now_ms);

  DnsCache& table_;
  std::unique_ptr<RecordLog> log_;
  Restored restored_;
};

}  // namespace picortex
