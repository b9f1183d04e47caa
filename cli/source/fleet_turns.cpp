#include "cli/source/fleet_turns.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/time/durations.h"
#include "cli/source/fleet_sql.h"
#include "cli/source/turn_fold.h"

namespace picortex {
namespace {

// What turns are made of (storage/turn_table.h).
constexpr std::string_view kTurnTypes =
    "(startsWith(event_type, 'claude.') OR event_type IN ('egress.rejected', 'egress.allowed', "
    "'child.exit'))";
constexpr std::string_view kSubmissionType = "claude.prompt_submitted";
constexpr std::size_t kTurnsMax = 20'000;
constexpr std::size_t kEventsMax = 400'000;
constexpr std::size_t kBytesMax = std::size_t{256} << 20;
constexpr std::size_t kRequestsAtOnce = 1000;
// A turn may begin with a connection, before the first event by which it is found.
constexpr std::size_t kMoreTurns = 50;

class FleetTurns {
 public:
  FleetTurns(FleetTable& table, const std::string& host, const TurnFilter& filter)
      : table_(table), host_(host), filter_(filter) {}

  Result<std::vector<Turn>> read() {
    if (filter_.request_id) {
      requests_.push_back(*filter_.request_id);
    } else {
      TRY(find_requests());
    }
    for (std::size_t at = 0; at < requests_.size(); at += kRequestsAtOnce) {
      TRY(read_events(at, std::min(at + kRequestsAtOnce, requests_.size())));
    }
    if (rows_.empty()) return std::vector<Turn>();
    TRY(read_later_prompts());
    return fold();
  }

 private:
  // By the time at which each begins; with another order all of that time.
  Result<void> find_requests() {
    const bool is_newest = filter_.order == TurnOrder::newest;
    const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(filter_.limit, 1));
    const std::size_t most = is_newest && wanted < kTurnsMax ? wanted + kMoreTurns : kTurnsMax + 1;
    EventFilter times;
    times.since_ms = filter_.since_ms;
    times.until_ms = filter_.until_ms;
    times.event_type = "claude.*";
    const std::string rest =
        "WHERE " + sql_condition(times, host_) + (filter_.chat_id.empty() ? "" : chat_condition()) +
        " GROUP BY request_id ORDER BY begin DESC, request_id LIMIT " + std::to_string(most);
    TRY(table_.select("request_id, min(time_ms) AS begin", rest,
                      [this](const simdjson::dom::element& row) -> Result<bool> {
                        if (const auto id = parse_uuid(text_of(row, "request_id"))) {
                          requests_.push_back(*id);
                        }
                        return true;
                      }));
    if (requests_.size() > kTurnsMax) {
      return failure(
          "there are over 20,000 turns to look at: narrow the time with --since, --until");
    }
    return {};
  }

  // A turn's chat is that of its first event that names one; the others may name none.
  std::string chat_condition() const {
    return " AND chat_id IN ('', " + sql_text(filter_.chat_id) + ')';
  }

  Result<void> read_events(std::size_t first, std::size_t last) {
    std::string list;
    for (std::size_t i = first; i < last; ++i) {
      list += (list.empty() ? "" : ", ") + sql_uuid(requests_[i]);
    }
    return read_rows("request_id IN (" + list + ") AND " + std::string(kTurnTypes));
  }

  // The next prompt of a session ends a turn that still runs, wherever it belongs itself.
  Result<void> read_later_prompts() {
    const auto [first, last] = std::ranges::minmax_element(rows_, {}, &EventRow::time_ms);
    EventFilter later;
    later.since_ms = first->time_ms;
    later.until_ms = last->time_ms + kDayMs;
    later.event_type = kSubmissionType;
    return read_rows(sql_condition(later, {}));
  }

  Result<void> read_rows(const std::string& condition) {
    EventFilter any;
    return table_.select_events(
        "WHERE " + sql_condition(any, host_) + " AND " + condition +
            sql_order(EventOrder::oldest_first),
        [this](EventRow& row) -> Result<bool> {
          bytes_ += row.data.size() + row.msg.size();
          if (rows_.size() == kEventsMax || bytes_ > kBytesMax) {
            return failure(
                "the turns have over 400,000 events or 256 MiB: narrow the time with --since, "
                "--until");
          }
          rows_.push_back(std::move(row));
          return true;
        });
  }

  Result<std::vector<Turn>> fold() {
    const auto order = [](const EventRow& row) { return std::pair(row.key, row.id); };
    std::ranges::sort(rows_, {}, order);
    const auto repeated = std::ranges::unique(rows_, {}, order);
    rows_.erase(repeated.begin(), repeated.end());
    auto fold = TRY(TurnFold::open());
    for (const EventRow& row : rows_) TRY(fold->add(row));
    // Of the turns of later prompts not all events have been read.
    TurnFilter all = filter_;
    all.limit = static_cast<std::int64_t>(kEventsMax);
    auto turns = TRY(fold->turns(all));
    const std::set<Uuid> found(requests_.begin(), requests_.end());
    std::erase_if(turns, [&found](const Turn& turn) { return !found.contains(turn.request_id); });
    const auto limit = static_cast<std::size_t>(filter_.limit);
    if (turns.size() > limit) turns.resize(limit);
    return turns;
  }

  FleetTable& table_;
  const std::string& host_;
  const TurnFilter& filter_;
  std::vector<Uuid> requests_;
  std::vector<EventRow> rows_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<std::vector<Turn>> read_fleet_turns(FleetTable& table, const std::string& host,
                                           const TurnFilter& filter) {
  return FleetTurns(table, host, filter).read();
}

}  // namespace picortex
