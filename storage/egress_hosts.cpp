#include "storage/egress_hosts.h"

#include <cstring>
#include <utility>

#include "storage/schema.h"

namespace picortex {
namespace {

EgressOutcome outcome_of(std::int64_t number) noexcept {
  switch (number) {
    case 0:
      return EgressOutcome::allowed;
    case 1:
      return EgressOutcome::learned;
    default:
      return EgressOutcome::refused;
  }
}

}  // namespace

std::string_view outcome_label(EgressOutcome outcome) noexcept {
  switch (outcome) {
    case EgressOutcome::allowed:
      return "allowed";
    case EgressOutcome::learned:
      return "learned";
    case EgressOutcome::refused:
      break;
  }
  return "refused";
}

StoreResult<void> EgressHosts::prepare(Database& database) {
  const std::pair<Statement*, const char*> statements[] = {
      {&update_,
       "UPDATE egress_host SET last_seen_ms = max(last_seen_ms, ?3), attempts = attempts + ?4,"
       " outcome = ?5, protocol = ?6, last_request = ?7 WHERE name = ?1 AND port = ?2 RETURNING 1"},
      {&insert_, "INSERT INTO egress_host VALUES (?1, ?2, ?6, ?5, ?3, ?3, ?4, ?7)"},
      {&drop_oldest_,
       "DELETE FROM egress_host WHERE (name, port) ="
       " (SELECT name, port FROM egress_host ORDER BY last_seen_ms LIMIT 1)"}};
  if (auto done = database.prepare_all(statements); !done) return done;
  auto rows = database.integer_of("SELECT count(*) FROM egress_host");
  if (!rows) return std::unexpected(std::move(rows.error()));
  rows_ = rows_before_ = *rows;
  return {};
}

StoreResult<void> EgressHosts::note(const EgressAttempt& attempt, std::int64_t time_ms,
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
  auto updated = bind(update_).lookup();
  if (!updated) return std::unexpected(std::move(updated.error()));
  if (*updated) return {};
  if (rows_ >= kRowsMax) {
    if (auto dropped = drop_oldest_.run(); !dropped) return dropped;
    --rows_;
  }
  auto done = bind(insert_).run();
  if (done) ++rows_;
  return done;
}

StoreResult<EgressHostReader> EgressHostReader::open(const std::string& data_directory) {
  EgressHostReader reader;
  auto database = Database::open_read_only(data_directory + "/picortex.db");
  if (!database) return std::unexpected(std::move(database.error()));
  if (auto done = check_schema(**database); !done) return std::unexpected(std::move(done.error()));
  reader.database_ = std::move(*database);
  return reader;
}

StoreResult<std::vector<EgressHost>> EgressHostReader::newest(std::int64_t count_max) {
  return read("last_seen_ms DESC LIMIT " + std::to_string(count_max));
}

StoreResult<std::vector<EgressHost>> EgressHostReader::all() { return read("name, port"); }

StoreResult<std::vector<EgressHost>> EgressHostReader::read(std::string_view order) {
  auto rows = database_->prepare(
      "SELECT name, port, protocol, outcome, first_seen_ms, last_seen_ms, attempts, last_request"
      " FROM egress_host ORDER BY " +
      std::string(order));
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<EgressHost> hosts;
  for (;;) {
    auto row = rows->step();
    if (!row) return std::unexpected(std::move(row.error()));
    if (!*row) return hosts;
    EgressHost& host =
        hosts.emplace_back(EgressHost{.name = std::string(rows->text(0)),
                                      .port = static_cast<std::uint16_t>(rows->integer(1)),
                                      .protocol = static_cast<std::uint8_t>(rows->integer(2)),
                                      .outcome = outcome_of(rows->integer(3)),
                                      .first_seen_ms = rows->integer(4),
                                      .last_seen_ms = rows->integer(5),
                                      .attempts = rows->integer(6),
                                      .last_request = {}});
    const std::string_view request = rows->text(7);
    if (request.size() == host.last_request.bytes.size()) {
      std::memcpy(host.last_request.bytes.data(), request.data(), request.size());
    }
  }
}

StoreResult<std::vector<EgressHost>> read_egress_hosts(const std::string& data_directory) {
  auto reader = EgressHostReader::open(data_directory);
  if (!reader) return std::unexpected(std::move(reader.error()));
  return reader->all();
}

}  // namespace picortex
