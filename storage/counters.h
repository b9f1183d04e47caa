#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "storage/database.h"
#include "storage/event.h"

namespace picortex {

// The figures of /health, in its order.
struct Metrics {
  std::int64_t chats_total = 0;
  std::int64_t chats_active_7d = 0;
  std::int64_t turns_total = 0;
  std::int64_t turns_last_24h = 0;
  std::int64_t discriminator_skipped_24h = 0;
  std::int64_t errors_last_24h = 0;

  bool operator==(const Metrics&) const = default;
};

// What happened in one minute.
struct MinuteCounts {
  std::int64_t turns = 0;
  std::int64_t skipped = 0;
  std::int64_t errors = 0;

  bool operator==(const MinuteCounts&) const = default;
};

// Counts events in memory: O(1) to count one and to read. The windows are whole minutes, the
// current one included, and roll as it moves on. What happened at a later time than now counts in
// the current minute; what is older than a window counts in the totals only.
//
// An event's counts wait until its transaction is committed. save() writes them within it, to
// metric_minute and total (names.h writes each chat's last minute), so that load() can rebuild
// everything from these tables without looking at an event. Part of the EventStore.
//
// A clock that is set back lets the windows stand still until it has caught up.
class Counters {
 public:
  static constexpr std::int64_t kDayMinutes = 24 * 60;
  static constexpr std::int64_t kWeekMinutes = 7 * kDayMinutes;
  static constexpr std::int64_t kNever = -1;

  // Reads the tables, after bringing to the current minute whatever they hold of later ones (the
  // clock was ahead). Once, within a write transaction.
  StoreResult<void> load(Database& database, std::int64_t now_ms);

  // Moves the windows on. Not within a transaction.
  void roll(std::int64_t now_ms);
  const Metrics& values() const noexcept { return values_; }
  // Of a minute of the last 24 hours; zeros for any other.
  MinuteCounts counts_of(std::int64_t minute) const noexcept;

  // The minute in which something that happened at `time_ms` counts.
  std::int64_t minute_of(std::int64_t time_ms) const noexcept;

  void count(const Event& event);
  // A chat was seen in minute `to`, later than any before; the last was `from`, or kNever.
  void count_chat(std::int64_t from, std::int64_t to);
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
  // By minute modulo the window's length.
  std::array<MinuteCounts, kDayMinutes> minutes_{};
  std::array<std::int64_t, kWeekMinutes> chats_{};

  // What the open transaction adds.
  std::int64_t turns_ = 0;
  std::array<MinuteCounts, kDayMinutes> added_{};
  std::vector<std::int64_t> added_minutes_;  // those whose added_ is not zero
  std::vector<ChatMove> chat_moves_;

  Statement save_minute_;
  Statement save_turns_;
};

}  // namespace picortex
