#include "cli/source/fleet_source.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "cli/source/fleet_sql.h"
#include "cli/source/fleet_turns.h"
#include "storage/event_id.h"
#include "storage/query/event_matcher.h"

namespace picortex {
namespace {

using Kind = StatsDimension::Kind;
using Row = simdjson::dom::element;

// More than hosts can have an event in the same place of the same millisecond.
constexpr std::size_t kTiesMax = 10'000;
// Steps of the local zone begin at its multiples, wherever the zone is.
constexpr std::int64_t kCellMs = 900'000;

std::string between(std::string_view column, const Uuid& low, const Uuid& high) {
  const std::string name(column);
  if (low == high) return name + " = " + sql_uuid(low);
  // UUIDs sort by halves there; their texts as they read.
  return "toString(" + name + ") >= " + sql_text(to_string(low)) + " AND toString(" + name +
         ") <= " + sql_text(to_string(high));
}

}  // namespace

Result<std::unique_ptr<FleetSource>> FleetSource::open(const FleetPlace& place) {
  auto table = TRY(FleetTable::open(place.table));
  return std::unique_ptr<FleetSource>(new FleetSource(std::move(table), place.host));
}

std::string FleetSource::where(std::string_view condition) const {
  return "WHERE " + sql_condition(EventFilter(), host_) + " AND " + std::string(condition);
}

Result<void> FleetSource::each(const EventFilter& filter, const FleetTable::TakeEvent& take) {
  const EventMatcher matcher(filter);
  return table_->select_events("WHERE " + sql_condition(filter, host_) + sql_order(filter.order),
                               [&](EventRow& row) -> Result<bool> {
                                 if (!matcher.matches(row)) return true;
                                 return take(row);
                               });
}

Result<bool> FleetSource::read(const EventFilter& filter, const RowsWanted& wanted,
                               std::vector<EventRow>& rows) {
  if (wanted.rows_max == 0) return false;
  std::string rest =
      "WHERE " + sql_condition(filter, host_, wanted.after) + sql_order(filter.order);
  const std::size_t limit = wanted.rows_max + kTiesMax;
  if (is_sql_exact(filter)) rest += " LIMIT " + std::to_string(limit);
  const EventMatcher matcher(filter);
  const std::size_t first = rows.size();
  std::size_t got = 0;
  std::size_t bytes = 0;
  bool is_all = true;
  TRY(table_->select_events(rest, [&](EventRow& row) -> Result<bool> {
    ++got;
    if (!matcher.matches(row)) return true;
    const std::size_t taken = rows.size() - first;
    const bool is_full = taken >= wanted.rows_max || (taken > 0 && bytes >= wanted.bytes_max);
    if (is_full && row.key != rows.back().key) {
      is_all = false;
      return false;
    }
    bytes += row.text_size();
    rows.push_back(std::move(row));
    return true;
  }));
  return is_all && !(is_sql_exact(filter) && got == limit);
}

Result<std::optional<EventRow>> FleetSource::find(const Uuid& id) {
  std::optional<EventRow> found;
  TRY(table_->select_events(where("event_id = " + sql_uuid(id)) + " LIMIT 1",
                            [&found](EventRow& row) -> Result<bool> {
                              found = std::move(row);
                              return false;
                            }));
  return found;
}

Result<std::vector<EventRow>> FleetSource::find_placed(const Uuid& low, const Uuid& high) {
  std::vector<EventRow> rows;
  const auto first = event_place(low);
  const auto last = event_place(high);
  if (!first || !last) return rows;
  EventFilter times;
  times.since_ms = time_of(first->key);
  times.until_ms = time_of(last->key) + 1;
  times.order = EventOrder::oldest_first;
  const std::string rest = "WHERE " + sql_condition(times, host_) + " AND " +
                           between("event_id", low, high) + sql_order(times.order);
  TRY(table_->select_events(rest, [&](EventRow& row) -> Result<bool> {
    if (row.key < first->key || row.key > last->key) return true;
    rows.push_back(std::move(row));
    return rows.size() < 2;
  }));
  return rows;
}

Result<std::optional<std::pair<Uuid, Uuid>>> FleetSource::find_requests(const Uuid& low,
                                                                        const Uuid& high) {
  std::optional<std::pair<Uuid, Uuid>> found;
  TRY(table_->select(
      "min(toString(request_id)) AS low, max(toString(request_id)) AS high, count() AS events",
      where(between("request_id", low, high)), [&found](const Row& row) -> Result<bool> {
        const auto first = parse_uuid(text_of(row, "low"));
        const auto last = parse_uuid(text_of(row, "high"));
        if (number_of(row, "events") > 0 && first && last) found.emplace(*first, *last);
        return true;
      }));
  return found;
}

Result<std::optional<std::int64_t>> FleetSource::newest_ms() {
  std::optional<std::int64_t> newest;
  TRY(table_->select("max(time_ms) AS newest, count() AS events",
                     "WHERE " + sql_condition(EventFilter(), host_),
                     [&newest](const Row& row) -> Result<bool> {
                       if (number_of(row, "events") > 0) newest = number_of(row, "newest");
                       return true;
                     }));
  return newest;
}

Result<bool> FleetSource::has_chat(std::string_view chat_id) {
  bool has = false;
  TRY(table_->select("1 AS one", where("chat_id = " + sql_text(chat_id)) + " LIMIT 1",
                     [&has](const Row&) -> Result<bool> {
                       has = true;
                       return false;
                     }));
  return has;
}

std::string FleetSource::hint_when_empty() const {
  return host_.empty() ? "the table holds no event yet: does picortex ship run?"
                       : "the table holds no event of host " + host_ + ": is this its name?";
}

Result<std::vector<StatsGroup>> FleetSource::count(const StatsQuery::Asked& asked) {
  StatsQuery query(asked);
  if (query.is_counted()) {
    TRY(count_in_table(query));
  } else {
    TRY(each(asked.filter, [&query](EventRow& row) -> Result<bool> {
      query.take(row);
      return !query.error();
    }));
  }
  if (auto error = query.error()) return std::unexpected(std::move(*error));
  return query.take_groups();
}

// A row for each group that differs in what is asked about, and in the level.
Result<void> FleetSource::count_in_table(StatsQuery& query) {
  const auto groups_by = [&query](Kind kind) {
    return std::ranges::find(query.asked().by, kind, &StatsDimension::kind) !=
           query.asked().by.end();
  };
  std::string columns = "toInt8(level) AS level_number, count() AS events";
  std::string by = "level_number";
  if (groups_by(Kind::time)) {
    columns += ", intDiv(time_ms, " + std::to_string(kCellMs) + ") AS cell";
    by += ", cell";
  }
  for (const auto& [kind, column] :
       {std::pair(Kind::type, "event_type"), {Kind::chat, "chat_id"}}) {
    const bool is_apart = kind == Kind::type && !query.asked().type_apart.empty();
    if (!groups_by(kind) && !is_apart) continue;
    columns += std::string(", ") + column;
    by += std::string(", ") + column;
  }
  const std::string rest =
      "WHERE " + sql_condition(query.asked().filter, host_) + " GROUP BY " + by;
  return table_->select(columns, rest, [&query](const Row& row) -> Result<bool> {
    EventRow like;
    like.time_ms = number_of(row, "cell") * kCellMs;
    like.level = level_of_number(number_of(row, "level_number")).value_or(Level::fatal);
    like.event_type = text_of(row, "event_type");
    like.chat_id = text_of(row, "chat_id");
    query.take(like, number_of(row, "events"));
    return !query.error();
  });
}

Result<std::vector<ChatSummary>> FleetSource::chats(const EventFilter& filter) {
  const StatsQuery::Asked asked = count_by_chat(filter);
  auto chats = summarise_chats(TRY(count(asked)));
  std::unordered_map<std::string, ChatSummary*> by_name;
  for (ChatSummary& chat : chats) by_name[chat.chat_id] = &chat;
  // Of all events, whatever else the filter says.
  EventFilter any;
  any.chat_id = asked.filter.chat_id;
  TRY(table_->select("chat_id, max(time_ms) AS newest",
                     "WHERE " + sql_condition(any, host_) + " GROUP BY chat_id",
                     [&by_name](const Row& row) -> Result<bool> {
                       const auto chat = by_name.find(text_of(row, "chat_id"));
                       if (chat != by_name.end()) chat->second->last_ms = number_of(row, "newest");
                       return true;
                     }));
  sort_chats(chats);
  return chats;
}

Result<std::vector<ErrorGroup>> FleetSource::errors(const EventFilter& filter) {
  ErrorGroupsQuery query(filter);
  TRY(each(query.filter(), [&query](EventRow& row) -> Result<bool> {
    query.take(row);
    return !query.error();
  }));
  if (auto error = query.error()) return std::unexpected(std::move(*error));
  EventFilter states;
  states.event_type = kErrorStateType;
  std::size_t left = kErrorStatesMax;
  TRY(each(states, [&query, &left](EventRow& row) -> Result<bool> {
    query.take_state(row);
    return --left > 0;
  }));
  return query.take_groups();
}

Result<std::vector<Turn>> FleetSource::turns(const TurnFilter& filter) {
  return read_fleet_turns(*table_, host_, filter);
}

Result<std::optional<CostCheck>> FleetSource::check_costs(std::int64_t) { return std::nullopt; }

}  // namespace picortex
