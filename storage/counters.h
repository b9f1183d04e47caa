#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "storage/event.h"
#include "storage/sqlite/database.h"

namespace picortex {

// The counters of /health, in its order.
struct Metrics {
  std::int64_t chats_total = 0;
  std::int64_t chats_active_7d = 0;
  std::int64_t turns_total = 0;
  std::int64_t turns_last_24h = 0;
  std::int64_t discriminator_skipped_24h = 0;
  std::int64_t errors_last_24h = 0;

  bool operator==(const Metrics&) const = default;
};

// Events of one minute.
struct MinuteCounts {
  std::int64_t turns = 0;
  std::int64_t skipped = 0;
  std::int64_t errors = 0;

  bool operator==(const MinuteCounts&) const = default;
};

// Counts events in memory: counting and reading are O(1). The windows are whole minutes, including
// the
// current one, and roll forward with it. An event with a future time counts in the current minute;
// one older than a window counts in the totals only.
//
// An event's counts are pending until its transaction is committed. save() writes them within it,
// to metric_minute and total (names.h writes each chat's last minute), so that load() can rebuild
// everything from these tables without reading events. Part of the EventStore.
//
// When the clock is set back by more than a minute, the windows move back too: what had left them
// must be read again, so wants_load() asks for load(). A step of up to a minute makes them stand
// still for that long.
class Counters {
 public:
  static constexpr std::int64_t kDayMinutes = 24 * 60;
  static constexpr std::int64_t kWeekMinutes = 7 * kDayMinutes;
  static constexpr std::int64_t kNever = -1;

  // Reads the tables, after moving counts of later minutes (the clock was ahead) to the current
  // one. Call it within a write transaction, before anything is counted in it.
  StoreResult<void> load(Database& database, std::int64_t now_ms);
  // True if the clock was set back, so that load() is due, until that is committed.
  bool wants_load(std::int64_t now_ms) const noexcept;

  // Moves the windows forward. Must not be called within a transaction.
  void roll(std::int64_t now_ms);
  const Metrics& values() const noexcept { return values_; }
  // Returns the counts of a minute of the last 24 hours; zeros for any other.
  MinuteCounts counts_of(std::int64_t minute) const noexcept;

  // Returns the minute in which an event at `time_ms` counts.
  std::int64_t minute_of(std::int64_t time_ms) const noexcept;

  void count(const Event& event);
  // Counts a chat seen in minute `to`, later than any before; the previous one was `from`, or
  // kNever.
  void count_chat(std::int64_t from, std::int64_t to);
  // Counts a chat, last seen in the minute `last_seen`, whose row was deleted.
  void count_pruned_chat(std::int64_t last_seen);
  StoreResult<void> save();
  void commit() noexcept;
  void rollback() noexcept;

 private:
  struct ChatMove {
    std::int64_t from;
    std::int64_t to;
  };

  StoreResult<void> load_minutes(Database& database);
  StoreResult<void> load_chats(Database& database);
  void add(const MinuteCounts& minute, int sign) noexcept;
  void move_chat(const ChatMove& move) noexcept;
  bool in_window(std::int64_t minute, std::int64_t window) const noexcept;

  Metrics values_;
  std::int64_t now_minute_ = 0;
  bool is_loaded_ = false;  // true while the result of load() is committed
  // Indexed by minute modulo the window's length.
  std::array<MinuteCounts, kDayMinutes> minutes_{};
  std::array<std::int64_t, kWeekMinutes> chats_{};

  // Added by the open transaction.
  std::int64_t turns_ = 0;
  std::int64_t pruned_chats_ = 0;
  std::array<MinuteCounts, kDayMinutes> added_{};
  std::vector<std::int64_t> added_minutes_;  // those whose added_ is not zero
  std::vector<ChatMove> chat_moves_;

  Statement save_minute_;
  Statement save_turns_;
  Statement save_pruned_chats_;
};

}  // namespace picortex
