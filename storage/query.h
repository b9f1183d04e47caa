#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/timestamp.h"
#include "storage/event_reader.h"
#include "storage/text_filter.h"

namespace picortex {

// Which events are asked for: those that satisfy every member.
struct EventFilter {
  std::string chat_id;             // empty: any
  std::optional<Uuid> request_id;  // none: any
  std::string event_type;          // exact, or the beginning of it before a final '*'; empty: any
  Level level = Level::trace;      // this level and above
  std::int64_t since_ms = 0;       // inclusive
  std::int64_t until_ms = kLatestUnixMs + 1;  // exclusive
  std::string text;  // somewhere in msg or data; ASCII letters in any case; empty: any
  EventOrder order = EventOrder::newest_first;
};

// Where a page ended, as opaque text for clients: the next one goes on behind it. It holds for the
// same filter in the same order.
std::string format_cursor(std::int64_t key);
std::optional<std::int64_t> parse_cursor(std::string_view text) noexcept;

// How much one slice may do. It ends at the first limit that it meets, one step beyond it at most.
struct QueryBudget {
  std::size_t rows_max = 100;           // rows that `rows` may hold when the slice ends
  std::size_t bytes_max = 1024 * 1024;  // of texts that this slice appends
  std::size_t steps_max = 1'000'000;    // seeks and rows read
  std::chrono::microseconds time_max{1000};
};

struct QueryCost {
  std::int64_t rows_read = 0;  // of which the answer's rows are a part
  std::int64_t steps = 0;      // seeks in an index, and rows read
  std::int64_t slices = 0;
  std::size_t bytes = 0;             // of the texts of the answer's rows
  std::chrono::nanoseconds time{0};  // within run()
};

// One query, run a slice at a time. Each condition that has an index (chat, request, type, level
// from warn on, time) is a sorted set of keys; the sets are intersected by seeking in turn (a
// leapfrog join), so that the rarest one sets the cost, whichever it is. A prefix is the union of
// its types' sets. What has no index (text, a level below warn, a prefix of more than
// kUnionMax types) is tried on each row that is left.
//
// Between slices nothing is held: no read transaction, no statement. So a slice sees what was
// committed meanwhile, the pages are still without repeats, and events that were stored behind the
// place reached are not seen. Keys are the order of time, not of arrival: who follows new events by
// key must look back for those that came late (cli/logs.cpp does).
//
// After a fault it is to be destroyed.
class EventQuery {
 public:
  static constexpr int kUnionMax = 16;

  // `after`: the cursor's key, from which on, exclusive, in the filter's order.
  EventQuery(EventReader& reader, EventFilter filter, std::optional<std::int64_t> after = {});

  // Appends to `rows` until it holds budget.rows_max, the budget is used up, or nothing is left.
  // A row more or less than a page: to know that there is another page, ask for one row more.
  StoreResult<void> run(std::vector<EventRow>& rows, const QueryBudget& budget);

  // True: all events that fit have been appended.
  bool is_done() const noexcept { return done_; }
  // Everything up to here, inclusive, has been looked at; none before the first step. With a slice
  // that found too little it is the cursor of a page that is cut short.
  std::optional<std::int64_t> reached() const noexcept;

  const EventFilter& filter() const noexcept { return filter_; }
  const QueryCost& cost() const noexcept { return cost_; }

  // Keys that are passed over without reading their rows. Must outlive the query.
  void pass_over(const std::unordered_set<std::int64_t>& keys) noexcept { passed_over_ = &keys; }

 private:
  // One value of one index, and the first of its keys at or behind the last place asked for.
  struct Stream {
    EventReader::Index index;
    std::int64_t value;  // unused for the request
    std::optional<std::int64_t> at = {};
    bool is_known = false;
  };
  using Union = std::vector<Stream>;  // its keys are those of any of its streams

  StoreResult<void> resolve();
  StoreResult<void> resolve_type();
  StoreResult<void> advance(std::vector<EventRow>& rows, const QueryBudget& budget);
  StoreResult<void> look_at(std::int64_t key, std::vector<EventRow>& rows);
  // The first key at or behind `from` of any of the streams.
  StoreResult<std::optional<std::int64_t>> first_of(Union& streams, std::int64_t from);
  // At or behind `from` too: the greatest of the unions' first keys, which is `from` itself when
  // all of them have it. None when one of them has come to its end.
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
  // In the filter's order.
  std::int64_t next_ = 0;  // the first key that has not been looked at
  std::int64_t last_ = 0;  // of the time range, inclusive
  bool has_moved_ = false;
  bool done_ = false;
  bool is_resolved_ = false;
  EventRow row_;
  QueryCost cost_;
  const std::unordered_set<std::int64_t>* passed_over_ = nullptr;
};

}  // namespace picortex
