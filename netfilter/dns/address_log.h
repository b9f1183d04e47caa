#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/keyed_hash.h"
#include "base/result.h"
#include "netfilter/dns/dns_cache.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// Keeps the address table over a restart: clients continue to use addresses that were answered
// before
// it. Two files, PATH.a and PATH.b, readable only by the daemon's user:
//
//   file   = "picortex-addresses 1 " generation LF *record
//   record = generation SP address SP name SP answered SP expires SP check LF
//   check  = 16 hex digits: a hash of what precedes it on the line
//
// Records are only appended. Once the current file has grown to several times the live entries, the
// other one is overwritten from its beginning with the next generation, and the live entries are
// copied to it a few hundred at a time; until that is done the older file still holds them.
// Anything after the new records in a file belongs to an older generation and is ignored.
//
// Nothing is synced: the file has to outlive this process, which the kernel's page cache does after
// SIGKILL too, and not the host, whose clients do not survive either. Each iteration's records are
// submitted to the ring before the answers are sent. A file that is damaged, foreign or of another
// version is read as far as it is valid; what is lost is learned again.
class AddressLog final : public DnsCache::Recorder {
 public:
  static constexpr std::size_t kFileSizeMax = 64 << 20;
  static constexpr std::size_t kRotationMin = 1 << 20;
  static constexpr std::size_t kPendingMax = 1 << 20;
  static constexpr std::size_t kCopiedPerTick = 512;

  // Returns whether a recorded pair may still be answered.
  using Filter = BoundMember<bool(const AddressRecord& record)>;

  struct Restored {
    std::size_t records = 0;   // restored
    std::size_t rejected = 0;  // complete, but expired, no longer permitted, or out of bounds
    std::size_t damaged = 0;   // files that end with an invalid line
  };

  // Fills `table` and starts a new generation; blocks for as long as that takes. `table` and
  // `reactor` must outlive this object. Adds a hook before the existing ones.
  static Result<std::unique_ptr<AddressLog>> open(Reactor& reactor, const std::string& path,
                                                  DnsCache& table, std::int64_t now_ms,
                                                  Filter filter);
  ~AddressLog();

  void on_address(const AddressRecord& record) noexcept override;
  // Call it about once a second: copies entries, and begins a new generation when it is due.
  void tick(std::int64_t now_ms);
  // Pending records are still written; idle after that.
  void stop() noexcept;
  bool is_idle() const noexcept { return !write_.in_flight(); }

  const Restored& restored() const noexcept { return restored_; }
  // Writes that failed, and records that found no room to wait; each entry is copied again later.
  std::uint64_t failures() const noexcept { return failures_; }
  std::size_t size() const noexcept { return size_; }

 private:
  AddressLog(Reactor& reactor, DnsCache& table) : reactor_(reactor), table_(table) {}

  Result<void> open_file(int index, const std::string& path);
  // Returns the file's generation; 0: none.
  std::uint64_t read_generation(std::string_view text) const;
  void load(std::string_view text, std::int64_t now_ms, Filter filter);
  Result<void> write_snapshot(std::int64_t now_ms);
  void append(std::string& out, const AddressRecord& record) const;
  bool parse(std::string_view line, std::uint64_t generation, AddressRecord& record) const;
  void begin_generation_when_due();
  void flush() noexcept;
  void on_write(const Completion& completion) noexcept;

  Reactor& reactor_;
  DnsCache& table_;
  // protects against damage, not against forgery
  KeyedHash check_{0x7069636f72746578, 0x616464726573736c};
  std::array<FileDescriptor, 2> files_;
  std::size_t current_ = 0;
  std::uint64_t generation_ = 0;
  std::size_t size_ = 0;         // of the current generation, including what is pending
  std::size_t living_size_ = 0;  // its size when all live entries had been copied to it
  bool is_copying_ = false;
  bool is_incomplete_ = false;  // records were lost: all live entries must be copied again
  bool stopping_ = false;
  std::string pending_;
  std::string writing_;
  std::size_t written_ = 0;
  std::uint64_t failures_ = 0;
  Restored restored_;
  Operation write_ = Operation::to<&AddressLog::on_write>(*this);
};

}  // namespace picortex
