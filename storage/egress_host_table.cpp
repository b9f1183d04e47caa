#include "storage/egress_host_table.h"

#include <cstring>
#include <limits>
#include <utility>

#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::max();

EgressOutcome outcome_of(std::int64_t number) noexcept {
  switch (number) {
    case 0:
      return EgressOutcome::allowed;
    case 1:
      return EgressOutcome::learned;
    default:
      return EgressOutcome::denied;
  }
}

}  // namespace

std::string_view outcome_label(EgressOutcome outcome) noexcept {
  switch (outcome) {
    case EgressOutcome::allowed:
      return "allowed";
    case EgressOutcome::learned:
      return "learned";
    case EgressOutcome::denied:
      break;
  }
  return "denied";
}

StoreResult<void> EgressHostTable::prepare(Database& database) {
  const std::pair<Statement*, const char*> statements[] = {
      {&update_,
       "UPDATE egress_host SET last_seen_ms = max(last_seen_ms, ?3), attempts = attempts + ?4,"
       " outcome = ?5, protocol = ?6, last_request = ?7 WHERE name = ?1 AND port = ?2 RETURNING 1"},
      {&insert_, "INSERT INTO egress_host VALUES (?1, ?2, ?6, ?5, ?3, ?3, ?4, ?7)"},
      {&count_,
       "INSERT INTO egress_outcome VALUES (?1, ?2, ?4 * (?5 = 0), ?4 * (?5 = 1), ?4 * (?5 = 2))"
       " ON CONFLICT DO UPDATE SET allowed = allowed + excluded.allowed,"
       " learned = learned + excluded.learned, denied = denied + excluded.denied"},
      {&add_traffic_,
       "INSERT INTO egress_traffic SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS"
       " (SELECT 1 FROM egress_host WHERE name = ?1 AND port = ?2) ON CONFLICT DO UPDATE SET"
       " connections = connections + excluded.connections,"
       " bytes_up = bytes_up + excluded.bytes_up, bytes_down = bytes_down + excluded.bytes_down"},
      {&prune_traffic_,
       "DELETE FROM egress_traffic WHERE (name, port) IN (SELECT name, port FROM egress_host"
       " WHERE last_seen_ms < ?1 ORDER BY last_seen_ms LIMIT ?2)"},
      {&prune_outcomes_,
       "DELETE FROM egress_outcome WHERE (name, port) IN (SELECT name, port FROM egress_host"
       " WHERE last_seen_ms < ?1 ORDER BY last_seen_ms LIMIT ?2)"},
      {&prune_,
       "DELETE FROM egress_host WHERE (name, port) IN (SELECT name, port FROM egress_host"
       " WHERE last_seen_ms < ?1 ORDER BY last_seen_ms LIMIT ?2)"}};
  database_ = &database;
  TRY(database.prepare_all(statements));
  rows_ = rows_before_ = TRY(database.integer_of("SELECT count(*) FROM egress_host"));
  return {};
}

StoreResult<void> EgressHostTable::note(const EgressAttempt& attempt, std::int64_t time_ms,
                                        const Uuid& request_id) {
  const auto bind = [&](Statement& statement) -> Statement& {
    return statement.bind_text(1, attempt.host)
        .bind(2, attempt.port)
        .bind(3, time_ms)
        .bind(4, attempt.count)
        .bind(5, static_cast<std::int64_t>(attempt.outcome))
        .bind(6, attempt.protocol)
        .bind_blob(7, request_id.bytes);
  };
  count_.bind_text(1, attempt.host)
      .bind(2, attempt.port)
      .bind(4, attempt.count)
      .bind(5, static_cast<std::int64_t>(attempt.outcome));
  TRY(count_.run());
  if (TRY(bind(update_).lookup())) return {};
  if (rows_ >= rows_max_) {
    TRY(prune_oldest(kAnyTime, 1));
  }
  auto done = bind(insert_).run();
  if (done) ++rows_;
  return done;
}

StoreResult<void> EgressHostTable::add_traffic(const EgressTraffic& traffic) {
  return add_traffic_.bind_text(1, traffic.host)
      .bind(2, traffic.port)
      .bind(3, traffic.connections)
      .bind(4, traffic.bytes_up)
      .bind(5, traffic.bytes_down)
      .run();
}

StoreResult<std::size_t> EgressHostTable::prune(std::int64_t before_ms, std::size_t rows_max) {
  std::size_t pruned = 0;
  if (is_over_limit()) {
    const auto excess = static_cast<std::size_t>(rows_ - rows_max_);
    pruned = TRY(prune_oldest(kAnyTime, std::min(excess, rows_max)));
  }
  if (pruned == rows_max) return pruned;
  auto old = TRY(prune_oldest(before_ms, rows_max - pruned));
  return pruned + old;
}

StoreResult<std::size_t> EgressHostTable::prune_oldest(std::int64_t before_ms,
                                                       std::size_t rows_max) {
  const auto limit = static_cast<std::int64_t>(rows_max);
  TRY(prune_outcomes_.bind(1, before_ms).bind(2, limit).run());
  TRY(prune_traffic_.bind(1, before_ms).bind(2, limit).run());
  TRY(prune_.bind(1, before_ms).bind(2, limit).run());
  const std::int64_t pruned = database_->changes();
  rows_ -= pruned;
  return static_cast<std::size_t>(pruned);
}

StoreResult<EgressHostReader> EgressHostReader::open(const std::string& data_directory) {
  EgressHostReader reader;
  auto database = TRY(Database::open_read_only(data_directory + "/picortex.db"));
  TRY(check_schema(*database));
  reader.database_ = std::move(database);
  return reader;
}

StoreResult<std::vector<EgressHost>> EgressHostReader::newest(std::int64_t count_max) {
  return read("last_seen_ms DESC LIMIT " + std::to_string(count_max));
}

StoreResult<std::vector<EgressHost>> EgressHostReader::all() { return read("name, port"); }

StoreResult<std::vector<EgressHost>> EgressHostReader::read(std::string_view order) {
  auto rows = TRY(database_->prepare(
      "SELECT name, port, protocol, outcome, first_seen_ms, last_seen_ms, attempts, last_request,"
      " ifnull(allowed, attempts * (outcome = 0)), ifnull(learned, attempts * (outcome = 1)),"
      " ifnull(denied, attempts * (outcome NOT IN (0, 1))),"
      " ifnull(connections, 0), ifnull(bytes_up, 0), ifnull(bytes_down, 0)"
      " FROM egress_host LEFT JOIN egress_outcome USING (name, port)"
      " LEFT JOIN egress_traffic USING (name, port) ORDER BY " +
      std::string(order)));
  std::vector<EgressHost> hosts;
  for (;;) {
    if (!TRY(rows.step())) return hosts;
    EgressHost& host =
        hosts.emplace_back(EgressHost{.name = std::string(rows.text(0)),
                                      .port = static_cast<std::uint16_t>(rows.integer(1)),
                                      .protocol = static_cast<std::uint8_t>(rows.integer(2)),
                                      .outcome = outcome_of(rows.integer(3)),
                                      .first_seen_ms = rows.integer(4),
                                      .last_seen_ms = rows.integer(5),
                                      .attempts = rows.integer(6),
                                      .allowed = rows.integer(8),
                                      .learned = rows.integer(9),
                                      .denied = rows.integer(10),
                                      .connections_ended = rows.integer(11),
                                      .bytes_up = rows.integer(12),
                                      .bytes_down = rows.integer(13),
                                      .last_request = {}});
    const std::string_view request = rows.text(7);
    if (request.size() == host.last_request.bytes.size()) {
      std::memcpy(host.last_request.bytes.data(), request.data(), request.size());
    }
  }
}

StoreResult<std::vector<EgressHost>> read_egress_hosts(const std::string& data_directory) {
  auto reader = TRY(EgressHostReader::open(data_directory));
  return reader.all();
}

}  // namespace picortex
