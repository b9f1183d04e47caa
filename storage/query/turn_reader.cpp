#include "storage/query/turn_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "base/json/json_object.h"
#include "storage/index/run_ranges.h"
#include "storage/query/json_field.h"
#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

struct Order {
  std::string_view name;
  std::string_view value;  // as its index has it
  std::string_view index;
};

// In the order of TurnOrder.
constexpr std::array<Order, 6> kOrders{
    {{"start", "start_ms", "turn_by_start"},
     {"cost", "cost_micros", "turn_by_cost"},
     {"duration", "end_ms - start_ms", "turn_by_duration"},
     {"tokens", "input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens",
      "turn_by_tokens"},
     {"errors", "api_errors + failed_tools", "turn_by_errors"},
     {"upload", "bytes_up", "turn_by_upload"}}};

constexpr std::string_view kColumns =
    "request, chat, start_ms, end_ms, state, is_claimed, model_calls, unknown_costs, cost_micros,"
    " input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, api_ms, tools,"
    " failed_tools, rejected_tools, api_errors, retries, blocked_ms, subagents, waited_ms,"
    " connections, denied, bytes_up,"
    " (SELECT ranges FROM turn_run WHERE turn_run.run = turn.run),"
    " (SELECT is_process FROM turn_run WHERE turn_run.run = turn.run)";

// Millionths of what a JSON number says; 0 where that is none, or no cost.
std::int64_t micros_of(const std::string& number) {
  constexpr double kMost = 1e9;
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || !(value > 0 && value < kMost)) return 0;
  return std::llround(value * 1e6);
}

Turn turn_of(const Statement& row) {
  Turn turn;
  const std::string_view request = row.text(0);
  if (request.size() == turn.request_id.bytes.size()) {
    std::memcpy(turn.request_id.bytes.data(), request.data(), request.size());
  }
  turn.chat_id = row.text(1);
  turn.start_ms = row.integer(2);
  turn.end_ms = row.integer(3);
  const std::int64_t state = row.integer(4);
  if (state > 0 && state <= static_cast<std::int64_t>(TurnState::blocked)) {
    turn.state = static_cast<TurnState>(state);
  }
  turn.is_claimed = row.integer(5) != 0;
  turn.has_cost = !row.is_null(8);
  constexpr std::array<std::int64_t TurnCounts::*, 15> kCounts{&TurnCounts::model_calls,
                                                               &TurnCounts::unknown_costs,
                                                               &TurnCounts::cost_micros,
                                                               &TurnCounts::input_tokens,
                                                               &TurnCounts::output_tokens,
                                                               &TurnCounts::cache_read_tokens,
                                                               &TurnCounts::cache_creation_tokens,
                                                               &TurnCounts::api_ms,
                                                               &TurnCounts::tools,
                                                               &TurnCounts::failed_tools,
                                                               &TurnCounts::rejected_tools,
                                                               &TurnCounts::api_errors,
                                                               &TurnCounts::retries,
                                                               &TurnCounts::blocked_ms,
                                                               &TurnCounts::subagents};
  for (std::size_t i = 0; i < kCounts.size(); ++i) {
    turn.counts.*kCounts[i] = row.integer(6 + static_cast<int>(i));
  }
  turn.waited_ms = row.integer(21);
  turn.connections = row.integer(22);
  turn.denied = row.integer(23);
  if (!row.is_null(24)) turn.bytes_up = row.integer(24);
  turn.lost_records = missing_in_ranges(row.text(25), row.integer(26) != 0);
  return turn;
}

}  // namespace

std::optional<TurnOrder> parse_turn_order(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kOrders.size(); ++i) {
    if (kOrders[i].name == name) return static_cast<TurnOrder>(i);
  }
  return std::nullopt;
}

StoreResult<std::unique_ptr<TurnReader>> TurnReader::open(const std::string& data_directory) {
  auto database = TRY(Database::open_read_only(data_directory + "/picortex.db"));
  TRY(check_schema(*database));
  std::unique_ptr<TurnReader> reader(new TurnReader(std::move(database)));
  TRY(reader->decompressor_.prepare(*reader->database_));
  return reader;
}

std::unique_ptr<TurnReader> TurnReader::over(std::unique_ptr<Database> database) {
  return std::unique_ptr<TurnReader>(new TurnReader(std::move(database)));
}

// Whether so few fit that sorting them is cheaper than walking the index of the order, most of
// whose turns do not fit.
StoreResult<bool> TurnReader::are_few(const TurnFilter& filter) {
  auto count = database_->prepare(
      filter.chat_id.empty()
          ? "SELECT count(*) FROM (SELECT 1 FROM turn INDEXED BY turn_by_start WHERE is_agent = 1"
            " AND start_ms >= ?2 AND start_ms < ?3 LIMIT ?4)"
          : "SELECT count(*) FROM (SELECT 1 FROM turn INDEXED BY turn_by_chat WHERE is_agent = 1"
            " AND chat = ?1 AND start_ms >= ?2 AND start_ms < ?3 LIMIT ?4)");
  if (!count) return std::unexpected(std::move(count.error()));
  if (!filter.chat_id.empty()) count->bind_text(1, filter.chat_id);
  count->bind(2, filter.since_ms).bind(3, filter.until_ms).bind(4, kSortedMax + 1);
  auto fitting = TRY(count->value());
  return fitting <= kSortedMax;
}

StoreResult<Statement> TurnReader::prepare(const TurnFilter& filter) {
  const Order& order = kOrders[static_cast<std::size_t>(filter.order)];
  if (filter.request_id) {
    return database_->prepare("SELECT " + std::string(kColumns) +
                              " FROM turn WHERE is_agent = 1 AND request = ?1");
  }
  auto few = TRY(are_few(filter));
  std::string_view index = filter.chat_id.empty() ? "turn_by_start" : "turn_by_chat";
  if (!few && filter.order != TurnOrder::newest) index = order.index;
  std::string sql = "SELECT " + std::string(kColumns) + " FROM turn INDEXED BY ";
  sql.append(index).append(" WHERE is_agent = 1 AND start_ms >= ?2 AND start_ms < ?3");
  if (!filter.chat_id.empty()) sql += " AND chat = ?1";
  sql.append(" ORDER BY ").append(order.value).append(" DESC LIMIT ?4");
  return database_->prepare(sql);
}

StoreResult<std::vector<Turn>> TurnReader::read(const TurnFilter& filter) {
  auto rows = TRY(prepare(filter));
  if (filter.request_id) {
    rows.bind_blob(1, filter.request_id->bytes);
  } else {
    if (!filter.chat_id.empty()) rows.bind_text(1, filter.chat_id);
    rows.bind(2, filter.since_ms).bind(3, filter.until_ms).bind(4, filter.limit);
  }
  std::vector<Turn> turns;
  while (TRY(rows.step())) {
    turns.push_back(turn_of(rows));
  }
  TRY(find_denied_hosts(turns));
  return turns;
}

// By the events of denials, as far as they are still there; of the first turns that have any.
StoreResult<void> TurnReader::find_denied_hosts(std::vector<Turn>& turns) {
  constexpr int kTurnsMax = 100;
  constexpr std::int64_t kEventsMax = 2000;
  auto denials = TRY(database_->prepare(
      "SELECT data, compressed FROM (SELECT data, compressed, type FROM event INDEXED BY "
      "event_by_request"
      " WHERE request = ?1 LIMIT ?2)"
      " WHERE type = (SELECT id FROM event_type WHERE name = 'egress.rejected')"));
  int left = kTurnsMax;
  for (Turn& turn : turns) {
    if (turn.denied == 0) continue;
    if (left-- == 0) break;
    denials.bind_blob(1, turn.request_id.bytes).bind(2, kEventsMax);
    while (TRY(denials.step())) {
      TRY(decompressor_.read(denials.text(0), denials.text(1), data_));
      std::string host = first_json_text(data_, {"host", "address"});
      if (host.empty() || std::ranges::count(turn.denied_hosts, host) > 0) continue;
      turn.denied_hosts.push_back(std::move(host));
      if (turn.denied_hosts.size() == Turn::kDeniedHostsMax) break;
    }
    denials.reset();
  }
  return {};
}

StoreResult<TelemetrySeen> TurnReader::telemetry() {
  auto rows = TRY(database_->prepare(
      "SELECT last_ms, is_process, ranges FROM turn_run ORDER BY last_ms DESC LIMIT 1000"));
  TelemetrySeen seen;
  for (;;) {
    if (!TRY(rows.step())) return seen;
    seen.last_ms = std::max(seen.last_ms, rows.integer(0));
    seen.lost_records += missing_in_ranges(rows.text(2), rows.integer(1) != 0);
    ++seen.runs;
  }
}

StoreResult<CostCheck> TurnReader::check_costs(std::int64_t now_ms) {
  constexpr std::int64_t kPointsMax = 5'000;
  constexpr std::int64_t kTurnsMax = 20'000;
  // The client sends metrics once a minute, and at its end.
  constexpr std::int64_t kLateMs = 150'000;
  struct Sums {
    std::int64_t metric = 0;
    std::int64_t calls = 0;
    std::int64_t last_ms = 0;
  };
  std::map<Uuid, Sums> runs;
  auto points = TRY(database_->prepare(
      "SELECT data, compressed FROM event"
      " WHERE type = (SELECT id FROM event_type WHERE name = 'claude.cost_metric')"
      " ORDER BY key DESC LIMIT ?1"));
  points.bind(1, kPointsMax);
  while (TRY(points.step())) {
    TRY(decompressor_.read(points.text(0), points.text(1), data_));
    const auto run = parse_uuid(first_json_text(data_, {"picortex_run_id", "session_id"}));
    if (run) runs[*run].metric += micros_of(first_json_text(data_, {"cost_usd"}));
  }
  if (runs.empty()) return CostCheck();
  auto turns = TRY(database_->prepare(
      "SELECT run, coalesce(cost_micros, 0), end_ms FROM turn INDEXED BY turn_by_start"
      " WHERE is_agent = 1 ORDER BY start_ms DESC LIMIT ?1"));
  turns.bind(1, kTurnsMax);
  while (TRY(turns.step())) {
    Uuid run;
    if (turns.text(0).size() != run.bytes.size()) continue;
    std::memcpy(run.bytes.data(), turns.text(0).data(), run.bytes.size());
    const auto found = runs.find(run);
    if (found == runs.end()) continue;
    found->second.calls += turns.integer(1);
    found->second.last_ms = std::max(found->second.last_ms, turns.integer(2));
  }
  CostCheck check;
  for (const auto& [run, sums] : runs) {
    ++check.runs;
    check.metric_micros += sums.metric;
    check.call_micros += sums.calls;
    const std::int64_t allowed = std::max<std::int64_t>(sums.metric / 100, 100);
    check.runs_above += sums.metric > sums.calls + allowed;
    check.runs_below += sums.metric < sums.calls - allowed && sums.last_ms < now_ms - kLateMs;
  }
  return check;
}

// The names that GET /api/turns has in docs/reference/http-api.md.
void append_turn_json(std::string& out, const Turn& turn) {
  const TurnCounts& counts = turn.counts;
  JsonObject json(out);
  json.id("request_id", turn.request_id).text("chat_id", turn.chat_id);
  json.time("start", turn.start_ms).number("duration_ms", turn.end_ms - turn.start_ms);
  json.text("state", turn_state_label(turn.state)).boolean("claimed", turn.is_claimed);
  json.number("model_calls", counts.model_calls);
  if (turn.has_cost) {
    json.number("cost_usd", static_cast<double>(counts.cost_micros) / 1e6);
  } else {
    json.null("cost_usd");
  }
  json.number("calls_of_unknown_cost", counts.unknown_costs);
  json.number("input_tokens", counts.input_tokens);
  json.number("cache_read_tokens", counts.cache_read_tokens);
  json.number("cache_creation_tokens", counts.cache_creation_tokens);
  json.number("output_tokens", counts.output_tokens).number("api_ms", counts.api_ms);
  json.number("tools", counts.tools).number("failed_tools", counts.failed_tools);
  json.number("rejected_tools", counts.rejected_tools);
  json.number("permission_ms", turn.permission_ms());
  json.number("api_errors", counts.api_errors).number("retries", counts.retries);
  json.number("subagents", counts.subagents);
  json.number("connections", turn.connections).number("denied", turn.denied);
  {
    JsonArray hosts = json.array("denied_hosts");
    for (const std::string& host : turn.denied_hosts) hosts.text(host);
  }
  if (turn.bytes_up) {
    json.number("bytes_up", *turn.bytes_up);
  } else {
    json.null("bytes_up");
  }
  json.number("lost_records", turn.lost_records);
}

}  // namespace picortex
