#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/time/timestamp.h"
#include "storage/query/event_reader.h"
#include "storage/query/field_condition.h"
#include "storage/query/text_filter.h"

namespace picortex {

// A condition on events: those that satisfy every member match.
struct EventFilter {
  std::string chat_id;             // exact, or its beginning before a final '*'; empty: any
  std::optional<Uuid> request_id;  // none: any
  std::string event_type;          // exact, or the beginning of it before a final '*'; empty: any
  Level level = Level::trace;      // this level and above
  std::int64_t since_ms = 0;       // inclusive
  std::int64_t until_ms = kLatestUnixMs + 1;  // exclusive
  std::string text;  // somewhere in msg or data; ASCII letters in any case; empty: any
  std::vector<FieldCondition> where = {};
  EventOrder order = EventOrder::newest_first;
};

// Formats the end of a result page as opaque text for clients; the next page continues after it. It
// is valid for the same filter in the same order.
std::string format_cursor(std::int64_t key);
std::optional<std::int64_t> parse_cursor(std::string_view text) noexcept;

// Limits of one slice, which ends at the first limit that it reaches, at most one step beyond it.
struct QueryBudget {
  std::size_t rows_max = 100;           // rows that `rows` may hold when the slice ends
  std::size_t bytes_max = 1024 * 1024;  // of texts appended by this slice
  std::size_t steps_max = 1'000'000;    // seeks and rows read
  std::chrono::microseconds time_max{1000};
};

struct QueryCost {
  std::int64_t rows_read = 0;  // including those of the answer
  std::int64_t steps = 0;      // seeks in an index, and rows read
  std::int64_t slices = 0;
  std::size_t bytes = 0;             // of the texts of the answer's rows
  std::chrono::nanoseconds time{0};  // within run()
};

// One query, run a slice at a time. Each condition that has an index (chat, request, type, level
// from warn on, time) is a sorted set of keys; the sets are intersected by seeking in turn (a
// leapfrog join), so that the rarest one sets the cost, whichever it is. A prefix is the union of
// its types' sets. What has no index (text, a level below warn, a prefix of more than
// kUnionMax types) is tried on each row that is left. Blocks of rows that cannot have the text, or
// what a condition on a field asks for, are passed over by their filters
// (storage/index/text_index.h).
//
// Between slices nothing is held: no read transaction, no statement. A slice sees what was
// committed meanwhile; the result pages still contain no event twice, and events stored before the
// position reached are not seen. Keys are in the order of time, not of arrival: a reader that
// follows new events by key must look back for those that arrived late (cli/commands/follower.cpp
// does).
//
// After a fault it must be destroyed.
class EventQuery {
 public:
  static constexpr int kUnionMax = 16;

  // `after` is a cursor's key: the query starts after it, in the filter's order.
  EventQuery(EventReader& reader, EventFilter filter, std::optional<std::int64_t> after = {});

  // Appends to `rows` until it holds budget.rows_max, the budget is used up, or nothing is left. To
  // learn whether another result page exists, ask for one row more.
  StoreResult<void> run(std::vector<EventRow>& rows, const QueryBudget& budget);

  // True once all matching events have been appended.
  bool is_done() const noexcept { return done_; }
  // Everything up to this key, inclusive, has been examined; nothing before the first step. If a
  // slice found too little, it is the cursor of a shortened result page.
  std::optional<std::int64_t> reached() const noexcept;

  const EventFilter& filter() const noexcept { return filter_; }
  const QueryCost& cost() const noexcept { return cost_; }

  // Skips these keys without reading their rows. `keys` must outlive the query.
  void pass_over(const std::unordered_set<std::int64_t>& keys) noexcept { passed_over_ = &keys; }

 private:
  // One value of one index, and the first of its keys at or after the last position asked for.
  struct Stream {
    EventReader::Index index;
    std::int64_t value;  // unused for the request
    std::optional<std::int64_t> at = {};
    bool is_known = false;
  };
  using Union = std::vector<Stream>;  // contains the keys of all its streams

  StoreResult<void> resolve();
  StoreResult<void> resolve_chat();
  StoreResult<void> resolve_type();
  void resolve_needs();
  // The keys from `from` on may have the texts that are needed; what is before has none of them.
  StoreResult<std::int64_t> pass_over_blocks(std::int64_t from);
  StoreResult<void> advance(std::vector<EventRow>& rows, const QueryBudget& budget);
  StoreResult<void> look_at(std::int64_t key, std::vector<EventRow>& rows);
  // Returns the first key at or after `from` of any of the streams.
  StoreResult<std::optional<std::int64_t>> first_of(Union& streams, std::int64_t from);
  // Returns the greatest of the unions' first keys at or after `from`, which is `from` itself if
  // all of them contain it; nothing once one of them has ended.
  StoreResult<std::optional<std::int64_t>> leap(std::int64_t from);
  bool comes_before(std::int64_t key, std::int64_t other) const noexcept;
  std::int64_t step_from(std::int64_t key, int steps) const noexcept;
  bool fits(const EventRow& row) const;

  EventReader& reader_;
  EventFilter filter_;
  TextFilter text_;
  std::vector<Union> unions_;
  bool check_level_ = false;
  bool check_type_ = false;
  bool check_chat_ = false;
  TextNeeds needs_;
  // The block that was looked at last, and may have them.
  std::int64_t block_first_ = 0;
  std::int64_t block_last_ = -1;
  // In the filter's order.
  std::int64_t next_ = 0;  // the first key not examined yet
  std::int64_t last_ = 0;  // of the time range, inclusive
  bool has_moved_ = false;
  bool done_ = false;
  bool is_resolved_ = false;
  EventRow row_;
  QueryCost cost_;
  const std::unordered_set<std::int64_t>* passed_over_ = nullptr;
};

}  // namespace picortex
