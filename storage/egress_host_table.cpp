#include "storage/egress_host_table.h"

#include <cstring>
#include <utility>

#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

// Of the rows, the part that is evicted at once: to find them takes a look at each row.
constexpr std::int64_t kEvictedPart = 64;

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
       " WHERE last_seen_ms < ?1 ORDER BY last_seen_ms LIMIT ?2)"},
      // An earlier version left rows without a row in egress_outcome.
      {&count_allowed_,
       "SELECT count(*) FROM egress_host LEFT JOIN egress_outcome USING (name, port)"
       " WHERE ifnull(allowed > 0, outcome = 0)"},
      {&find_victims_,
       "SELECT name, port FROM egress_host LEFT JOIN egress_outcome USING (name, port)"
       " WHERE ifnull(allowed > 0, outcome = 0) = ?1 ORDER BY last_seen_ms LIMIT ?2 OFFSET ?3"},
      {&remove_[0], "DELETE FROM egress_outcome WHERE name = ?1 AND port = ?2"},
      {&remove_[1], "DELETE FROM egress_traffic WHERE name = ?1 AND port = ?2"},
      {&remove_[2], "DELETE FROM egress_host WHERE name = ?1 AND port = ?2"},
      {&count_evicted_,
       "INSERT INTO total VALUES (?1, ?2)"
       " ON CONFLICT DO UPDATE SET value = value + excluded.value"}};
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
    TRY(evict(static_cast<std::size_t>(rows_ / kEvictedPart) + 1));
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
    const auto part = static_cast<std::size_t>(rows_ / kEvictedPart);
    pruned = TRY(evict(std::min(excess, std::max(rows_max, part))));
  }
  if (pruned >= rows_max) return pruned;
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

// Evicts at most `rows_max` rows, and at least one if there are rows.
StoreResult<std::size_t> EgressHostTable::evict(std::size_t rows_max) {
  const std::int64_t allowed = TRY(count_allowed_.value());
  const std::int64_t others = rows_ - allowed;
  const bool of_allowed = others <= rows_max_ / 2 && allowed > 0;
  const std::int64_t size = of_allowed ? allowed : others;
  const std::int64_t kept = size / 2;
  const std::int64_t limit = std::min(static_cast<std::int64_t>(rows_max), size - kept);
  std::vector<std::pair<std::string, std::uint16_t>> victims;
  find_victims_.bind(1, of_allowed ? 1 : 0).bind(2, limit).bind(3, kept);
  while (TRY(find_victims_.step())) {
    victims.emplace_back(find_victims_.text(0),
                         static_cast<std::uint16_t>(find_victims_.integer(1)));
  }
  for (const auto& [name, port] : victims) TRY(remove(name, port));
  rows_ -= std::ssize(victims);
  TRY(count_evicted_.bind_text(1, kEgressHostsEvicted).bind(2, std::ssize(victims)).run());
  return victims.size();
}

StoreResult<void> EgressHostTable::remove(std::string_view name, std::uint16_t port) {
  for (Statement& statement : remove_) TRY(statement.bind_text(1, name).bind(2, port).run());
  return {};
}

const std::string_view kEgressHostColumns =
    "name, port, protocol, outcome, first_seen_ms, last_seen_ms, attempts, last_request,"
    " ifnull(allowed, attempts * (outcome = 0)), ifnull(learned, attempts * (outcome = 1)),"
    " ifnull(denied, attempts * (outcome NOT IN (0, 1))),"
    " ifnull(connections, 0), ifnull(bytes_up, 0), ifnull(bytes_down, 0)"
    " FROM egress_host LEFT JOIN egress_outcome USING (name, port)"
    " LEFT JOIN egress_traffic USING (name, port)";

EgressHost egress_host_of(const Statement& row) {
  EgressHost host{.name = std::string(row.text(0)),
                  .port = static_cast<std::uint16_t>(row.integer(1)),
                  .protocol = static_cast<std::uint8_t>(row.integer(2)),
                  .outcome = outcome_of(row.integer(3)),
                  .first_seen_ms = row.integer(4),
                  .last_seen_ms = row.integer(5),
                  .attempts = row.integer(6),
                  .allowed = row.integer(8),
                  .learned = row.integer(9),
                  .denied = row.integer(10),
                  .connections_ended = row.integer(11),
                  .bytes_up = row.integer(12),
                  .bytes_down = row.integer(13),
                  .last_request = {}};
  const std::string_view request = row.text(7);
  if (request.size() == host.last_request.bytes.size()) {
    std::memcpy(host.last_request.bytes.data(), request.data(), request.size());
  }
  return host;
}

StoreResult<std::vector<EgressHost>> read_egress_hosts(const std::string& data_directory) {
  auto database = TRY(Database::open_read_only(data_directory + "/picortex.db"));
  TRY(check_schema(*database));
  auto rows =
      TRY(database->prepare("SELECT " + std::string(kEgressHostColumns) + " ORDER BY name, port"));
  std::vector<EgressHost> hosts;
  while (TRY(rows.step())) hosts.push_back(egress_host_of(rows));
  return hosts;
}

}  // namespace picortex
