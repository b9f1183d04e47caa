#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/time/timestamp.h"
#include "storage/egress_host_table.h"
#include "storage/index/event_indexes.h"
#include "storage/name_pruner.h"
#include "storage/sqlite/database.h"
#include "storage/turn_table.h"

namespace picortex {

struct RetentionLimits {
  std::int64_t age_max_ms = 0;  // by the event's own time; 0: no limit
  std::int64_t size_max = 0;    // of the database with its log, in bytes; 0: no limit

  bool operator==(const RetentionLimits&) const = default;
};

// The range of times that an event may have without being deleted as soon as it is stored.
struct AcceptedTimes {
  std::int64_t oldest_by_age_ms = 0;
  std::int64_t oldest_by_size_ms = 0;
  std::int64_t newest_ms = kLatestUnixMs;
};

// How far somebody is who takes the events in their order of arrival (storage/index/arrival_log.h).
struct ConsumerPlace {
  std::string name;
  std::int64_t epoch = 0;  // that the place is of
  std::int64_t place = 0;  // as storage/query/arrival_query.h has it
};

// The result of one call of Retention::prune().
struct Pruned {
  std::size_t events = 0;
  bool more = false;                      // there is or may be more to delete
  std::vector<std::int64_t> lapsed = {};  // for each consumer: events that it did not have yet
};

// Deletes the oldest events, a few at a time: those beyond an age, and as many as needed to stay
// within a size; and with them the names (storage/name_pruner.h) and the fence's hosts that no
// event refers to any more. Free pages are used again, so that a file that has reached its size
// grows no further; it never shrinks. Totals of chats and turns keep counting deleted events.
//
// For the size, event types that anybody may send are evicted first, except the newest kOpenKept of
// each: a client without the token cannot push out other events, and what was just stored stays.
//
// An event that was already beyond the age when it was stored (keep_appended()) is kept for as long
// as any other from then on: the times of such events form one span, in which nothing is deleted
// for its age until then. The span is saved in the table `total`. Part of the EventStore.
class Retention {
 public:
  // The least size_max: the log may use up to kLogSize of it.
  static constexpr std::int64_t kSizeMaxMin = std::int64_t{64} << 20;
  static constexpr std::int64_t kLogSize = std::int64_t{24} << 20;
  static constexpr std::int64_t kOpenKept = 32;

  // Call it once. References passed in must outlive this object.
  StoreResult<void> prepare(Database& database, NameInterner& names, Counters& counters,
                            EgressHostTable& egress_hosts, TurnTable& turns, EventIndexes& indexes);
  void limit(const RetentionLimits& limits) noexcept;

  // Whose lapsed events are counted, until the next call; places of the store's own epoch.
  void note_consumers(std::vector<std::int64_t> places) noexcept { places_ = std::move(places); }

  // Returns whether there is something to delete. `now_ms`, here and below, is the time that
  // deletion may trust (base/trusted_clock.h).
  StoreResult<bool> is_due(std::int64_t now_ms);
  // Deletes about `rows_max` rows at most. Must be called within a transaction.
  StoreResult<Pruned> prune(std::int64_t now_ms, std::size_t rows_max);

  // Keeps events that are older than `before_ms` and appended from now on until `until_ms`.
  void keep_appended(std::int64_t before_ms, std::int64_t until_ms) noexcept;
  void note_appended(std::int64_t time_ms) noexcept;
  // Call save() within the transaction that appended, then one of the other two.
  StoreResult<void> save();
  void commit() noexcept { saved_span_ = span_; }
  void rollback() noexcept { span_ = saved_span_; }

  // The size of the database without free pages, when it was last read.
  std::int64_t size() const noexcept { return size_; }
  // Events before this time would be deleted at once for the size; 0: none would.
  std::int64_t oldest_by_size_ms() const noexcept { return oldest_by_size_ms_; }

 private:
  // Keys from `begin` up to, but excluding, `end`.
  struct Keys {
    std::int64_t begin;
    std::int64_t end;
  };
  // A range of event times, and until when nothing in it is deleted for its age.
  struct Span {
    std::int64_t from_ms = 0;
    std::int64_t to_ms = -1;
    std::int64_t until_ms = 0;

    bool operator==(const Span&) const = default;
  };

  StoreResult<std::optional<Keys>> expired(std::int64_t now_ms);
  StoreResult<std::optional<Keys>> holding_events(const Keys& keys);
  StoreResult<std::size_t> prune_events(const Keys& keys, std::size_t rows_max);
  StoreResult<std::size_t> prune_open_types(std::size_t rows_max);
  StoreResult<bool> prune_others(std::int64_t now_ms, std::size_t rows_max);
  std::int64_t before_ms(std::int64_t now_ms) const noexcept;
  StoreResult<void> look_at_size();
  StoreResult<void> note_oldest();
  StoreResult<std::size_t> run(Statement& statement);
  StoreResult<void> load_span(Database& database);

  EgressHostTable* egress_hosts_ = nullptr;
  TurnTable* turns_ = nullptr;
  EventIndexes* indexes_ = nullptr;
  NamePruner names_;
  RetentionLimits limits_;
  std::int64_t page_size_ = 0;
  std::int64_t size_ = 0;
  bool is_too_large_ = false;
  std::int64_t oldest_by_size_ms_ = 0;
  std::int64_t seen_before_ = 0;  // an unused chat last seen before this minute may be deleted
  std::int64_t next_scan_ms_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t size_due_ms_ = 0;
  std::int64_t others_due_ms_ = 0;  // the search for hosts and turns that can go

  std::int64_t keep_before_ms_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t keep_until_ms_ = 0;
  Span span_;
  Span saved_span_;

  std::vector<std::int64_t> places_;  // of the consumers
  std::vector<std::int64_t> lapsed_;  // by these, of the call at hand

  Statement oldest_;
  Statement pages_;
  Statement free_pages_;
  Statement prune_type_;
  Statement prune_oldest_;
  Statement prune_minutes_;
  Statement save_span_;
};

}  // namespace picortex
