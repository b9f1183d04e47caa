#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/query/query.h"
#include "storage/query/stats/chats_query.h"
#include "storage/query/stats/error_groups.h"
#include "storage/query/stats/stats_query.h"
#include "storage/query/turn_reader.h"

namespace picortex {

// Where in the order of a filter to begin, and when to stop.
struct RowsWanted {
  std::optional<std::int64_t> after;  // the key to begin after; none: at the beginning
  std::size_t rows_max = 0;
  std::size_t bytes_max = 256 * 1024 * 1024;  // of texts; the row that exceeds it is the last one
};

// Where logs, why, turns, stats, chats and errors find their answers: this host's store
// (local_source.h), or the table of a fleet (fleet_source.h). Errors are sentences for the operator.
class EventSource {
 public:
  virtual ~EventSource() = default;

  // Appends the rows that fit the filter, in its order. Returns whether there are no more. Two hosts
  // may have an event with the same key; rows with the last key are complete, even if they are then
  // more than rows_max.
  virtual Result<bool> read(const EventFilter& filter, const RowsWanted& wanted,
                            std::vector<EventRow>& rows) = 0;

  // Returns the event with that ID; nothing if there is none.
  virtual Result<std::optional<EventRow>> find(const Uuid& id) = 0;
  // Returns at most two events with an ID from `low` to `high`, of those whose ID is made of their
  // time and place (storage/event_id.h).
  virtual Result<std::vector<EventRow>> find_placed(const Uuid& low, const Uuid& high) = 0;
  // Returns the first and the last request from `low` to `high`; nothing if there is none.
  virtual Result<std::optional<std::pair<Uuid, Uuid>>> find_requests(const Uuid& low,
                                                                     const Uuid& high) = 0;

  virtual Result<std::optional<std::int64_t>> newest_ms() = 0;  // of all events
  virtual Result<bool> has_chat(std::string_view chat_id) = 0;
  // What to do when it has no event at all.
  virtual std::string hint_when_empty() const = 0;

  virtual Result<std::vector<StatsGroup>> count(const StatsQuery::Asked& asked) = 0;
  virtual Result<std::vector<ChatSummary>> chats(const EventFilter& filter) = 0;
  virtual Result<std::vector<ErrorGroup>> errors(const EventFilter& filter) = 0;
  virtual Result<std::vector<Turn>> turns(const TurnFilter& filter) = 0;
  // As TurnReader says it; nothing where it cannot be said.
  virtual Result<std::optional<CostCheck>> check_costs(std::int64_t now_ms) = 0;
};

}  // namespace picortex
