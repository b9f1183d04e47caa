#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/keyed_hash.h"
#include "base/result.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// Keeps records of a part of the daemon over its restart, in two files that only the daemon's user
// can read, PATH.a and PATH.b:
//
//   file   = name SP version SP generation LF *record
//   record = generation SP fields SP check LF
//   check  = 16 hex digits: a hash of what precedes it on the line
//
// Records are only appended. A generation begins with a copy of the owner's live records, after
// which comes one whose fields are "copied". Anything after a generation's records in a file belongs
// to an older one and is ignored.
//
//   copying   the live records are being appended     → whole, once all of them are written
//   whole     the file replaces the other one         → copying, in the other file, when it has grown
//   broken    a write failed, or had no room to wait  → copying; in the same file if it was not whole
//
// So one of the two files is whole at any time. Writes are operations of the ring, one at a time:
// the loop never waits for the disk. Nothing is synced: the files have to outlive this process, which
// the kernel's page cache does after SIGKILL too, and not the host.
class RecordLog {
 public:
  static constexpr std::size_t kFileSizeMax = 64 << 20;
  static constexpr std::size_t kRotationMin = 1 << 20;
  static constexpr std::size_t kPendingMax = 1 << 20;
  // A write that is out for longer finds a file system that is frozen, or a disk that is stuck.
  static constexpr std::chrono::seconds kAnswerMax{2};

  // Takes the fields of one record, which are valid during the call only, the oldest first. Returns
  // whether they are understood.
  using Restore = BoundMember<bool(std::string_view fields)>;

  // Of a place in the log, as append() has returned it.
  enum class State : std::uint8_t {
    written,  // SIGKILL does not lose it
    pending,
    lost,  // not written, and not for as long as nothing changes
  };

  // Passes the records of both files to `restore`, and begins a generation: append the live records,
  // and call end_copy(). Blocks. `title` is "name version", and `reactor` must outlive this object.
  // Adds a hook before the existing ones. Fails where a file cannot be opened or is not the daemon's
  // own.
  static Result<std::unique_ptr<RecordLog>> open(Reactor& reactor, const std::string& path,
                                                 std::string_view title, Restore restore);

  // `fields` have no line feed. Returns the record's place. State `lost`, until the next generation
  // is written, where nothing can be appended.
  std::uint64_t append(std::string_view fields);
  State state_of(std::uint64_t place) const noexcept;
  // False since a write has failed, or has been out for kAnswerMax, until one succeeds.
  bool can_write() const noexcept { return error_ == 0 && !is_silent_; }

  // Call it about once a second. True: a generation is due, and has begun; append the live records,
  // and call end_copy().
  bool tick() noexcept;
  // Between the beginning of a generation and end_copy().
  bool is_copying() const noexcept { return is_copying_; }
  void end_copy();

  // Pending records are still written; idle after that.
  void stop() noexcept;
  bool is_idle() const noexcept { return !write_.in_flight(); }
  bool has_pending() const noexcept { return write_.in_flight() || !pending_.empty(); }

  // All live records are in the current file.
  bool is_whole() const noexcept { return whole_at_ && *whole_at_ <= written_; }
  // Lines at the start that were no records, although they should have been, by file.
  const std::array<std::size_t, 2>& damaged() const noexcept { return damaged_; }
  // Writes that failed, and records that were lost without one.
  std::uint64_t failures() const noexcept { return failures_; }
  // Why can_write() is false: "No space left on device".
  std::string failure_text() const;
  // Of the current generation, including what is pending.
  std::size_t size() const noexcept { return size_; }

 private:
  RecordLog(Reactor& reactor, std::string_view title) : reactor_(reactor), title_(title) {}

  // Returns the file's generation; 0: none.
  std::uint64_t read_generation(std::string_view text) const;
  bool load(std::size_t file, std::string_view text, Restore restore);
  std::optional<std::string_view> fields_of(std::string_view line, std::uint64_t generation) const;
  void begin_generation() noexcept;
  void fail(int error) noexcept;
  void flush() noexcept;
  void on_write(const Completion& completion) noexcept;

  Reactor& reactor_;
  std::string title_;
  // protects against damage, not against forgery
  KeyedHash check_{0x7069636f72746578, 0x7265636f72646c67};
  std::array<FileDescriptor, 2> files_;
  std::array<std::size_t, 2> damaged_{};
  std::size_t current_ = 0;
  std::uint64_t generation_ = 0;
  std::size_t size_ = 0;
  std::size_t living_size_ = 0;  // its size when all live records had been copied to it
  bool is_copying_ = false;
  bool is_broken_ = false;
  bool is_silent_ = false;
  bool stopping_ = false;
  int error_ = 0;  // of the last write
  // Places: bytes appended since the start, over all generations.
  std::uint64_t appended_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t lost_until_ = 0;
  std::uint64_t writing_until_ = 0;
  std::optional<std::uint64_t> whole_at_;  // the end of the copy
  std::string pending_;
  std::string writing_;
  std::size_t writing_done_ = 0;
  Instant writing_since_;
  std::uint64_t failures_ = 0;
  Operation write_ = Operation::to<&RecordLog::on_write>(*this);
};

}  // namespace picortex
