#include "storage/query/event_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "storage/event_id.h"
#include "storage/query/renamed_reasons.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/uuid_column.h"

namespace picortex {
namespace {

constexpr const char* kConnectionSql = R"sql(
PRAGMA cell_size_check = ON;
PRAGMA mmap_size = 0;
PRAGMA cache_size = -2048;
PRAGMA query_only = ON;
)sql";

}  // namespace

// In the order of Index, each in both directions. Every index ends in the key. The literal in the
// condition on the level is what allows SQLite to use the index of high levels.
constexpr std::array<const char*, EventReader::kSeeks> EventReader::kSeekSql{
    "SELECT key FROM event WHERE key <= ?2 ORDER BY key DESC LIMIT 1",
    "SELECT key FROM event WHERE key >= ?2 ORDER BY key LIMIT 1",
    "SELECT key FROM event WHERE chat = ?1 AND key <= ?2 ORDER BY key DESC LIMIT 1",
    "SELECT key FROM event WHERE chat = ?1 AND key >= ?2 ORDER BY key LIMIT 1",
    "SELECT key FROM event WHERE type = ?1 AND key <= ?2 ORDER BY key DESC LIMIT 1",
    "SELECT key FROM event WHERE type = ?1 AND key >= ?2 ORDER BY key LIMIT 1",
    "SELECT key FROM event WHERE level >= 40 AND level = ?1 AND key <= ?2"
    " ORDER BY key DESC LIMIT 1",
    "SELECT key FROM event WHERE level >= 40 AND level = ?1 AND key >= ?2 ORDER BY key LIMIT 1",
    "SELECT key FROM event WHERE request = ?1 AND key <= ?2 ORDER BY key DESC LIMIT 1",
    "SELECT key FROM event WHERE request = ?1 AND key >= ?2 ORDER BY key LIMIT 1"};

StoreResult<std::unique_ptr<EventReader>> EventReader::open(const std::string& data_directory) {
  const std::string path = data_directory + "/picortex.db";
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    Fault fault = make_fault(FaultKind::open, path, "there is no database yet");
    fault.what += ", or name the daemon's data directory";
    return std::unexpected(std::move(fault));
  }
  auto database = TRY(Database::open_read_only(path));
  std::unique_ptr<EventReader> reader(new EventReader(std::move(database)));
  auto done = reader->database_->execute(kConnectionSql);
  if (done) done = check_schema(*reader->database_);
  if (done) done = reader->prepare_statements();
  if (!done) return std::unexpected(std::move(done.error()));
  return reader;
}

StoreResult<void> EventReader::prepare_statements() {
  TRY(decompressor_.prepare(*database_));
  for (std::size_t i = 0; i < kSeekSql.size(); ++i) {
    seeks_[i] = TRY(database_->prepare(kSeekSql[i]));
  }
  const std::pair<Statement*, const char*> statements[] = {
      {&begin_, "BEGIN"},
      {&read_,
       "SELECT event.tail, event.level, event_type.name, event.request, chat.name,"
       " event.client_id, event.msg, event.data, event.arrival, event.compressed FROM event"
       " JOIN event_type ON event_type.id = event.type LEFT JOIN chat ON chat.id = event.chat"
       " WHERE event.key = ?1"},
      {&find_place_, "SELECT key FROM event WHERE key = ?1 AND tail = ?2 AND client_id IS NULL"},
      {&find_client_id_, "SELECT key FROM event WHERE client_id = ?1"},
      {&first_request_,
       "SELECT request FROM event WHERE request BETWEEN ?1 AND ?2 ORDER BY request LIMIT 1"},
      {&last_request_,
       "SELECT request FROM event WHERE request BETWEEN ?1 AND ?2 ORDER BY request DESC LIMIT 1"},
      {&find_chat_, "SELECT id FROM chat WHERE name = ?1"},
      {&find_type_, "SELECT id FROM event_type WHERE name = ?1"},
      {&find_types_, "SELECT id FROM event_type WHERE name >= ?1 AND name < ?2 LIMIT ?3"},
      {&data_version_, "PRAGMA data_version"}};
  TRY(database_->prepare_all(statements));
  return prepare_index_statements();
}

StoreResult<void> EventReader::begin() { return begin_.run(); }

void EventReader::end() noexcept { database_->rollback(); }

Statement& EventReader::seek_statement(Index index, EventOrder order) noexcept {
  return seeks_[2 * static_cast<std::size_t>(index) + (order == EventOrder::oldest_first ? 1 : 0)];
}

StoreResult<std::optional<std::int64_t>> EventReader::seek(Index index, std::int64_t value,
                                                           std::int64_t from, EventOrder order) {
  Statement& statement = seek_statement(index, order).bind(2, from);
  if (index != Index::all) statement.bind(1, value);
  return statement.lookup();
}

StoreResult<std::optional<std::int64_t>> EventReader::seek_request(const Uuid& request_id,
                                                                   std::int64_t from,
                                                                   EventOrder order) {
  return seek_statement(Index::request, order)
      .bind_blob(1, request_id.bytes)
      .bind(2, from)
      .lookup();
}

StoreResult<bool> EventReader::read(std::int64_t key, EventRow& row) {
  auto found = read_.bind(1, key).step();
  if (!found || !*found) return found;
  row.key = key;
  row.id = read_.is_null(5) ? event_id({key, read_.integer(0)}) : uuid_of(read_.text(5));
  row.time_ms = time_of(key);
  row.level = level_of_number(read_.integer(1)).value_or(Level::fatal);
  row.event_type = read_.text(2);
  row.request_id = uuid_of(read_.text(3));
  row.chat_id = read_.text(4);
  row.msg = read_.text(6);
  TRY(decompressor_.read(read_.text(7), read_.text(9), row.data));
  row.arrival = read_.integer(8);
  rename_reason(row.event_type, row.data);
  read_.reset();
  return true;
}

StoreResult<std::optional<std::int64_t>> EventReader::find(const Uuid& id) {
  if (const auto place = event_place(id)) {
    auto found = find_place_.bind(1, place->key).bind(2, place->tail).lookup();
    if (!found || *found) return found;
  }
  return find_client_id_.bind_blob(1, id.bytes).lookup();
}

StoreResult<std::optional<std::pair<Uuid, Uuid>>> EventReader::find_requests(const Uuid& low,
                                                                             const Uuid& high) {
  std::pair<Uuid, Uuid> found;
  const std::pair<Statement*, Uuid*> ends[] = {{&first_request_, &found.first},
                                               {&last_request_, &found.second}};
  for (const auto& [statement, request] : ends) {
    if (!TRY(statement->bind_blob(1, low.bytes).bind_blob(2, high.bytes).step()))
      return std::nullopt;
    *request = uuid_of(statement->text(0));
    statement->reset();
  }
  return found;
}

StoreResult<std::optional<std::int64_t>> EventReader::chat_number(std::string_view chat_id) {
  return find_chat_.bind_text(1, chat_id).lookup();
}

StoreResult<std::optional<std::int64_t>> EventReader::type_number(std::string_view event_type) {
  return find_type_.bind_text(1, event_type).lookup();
}

StoreResult<std::vector<std::int64_t>> EventReader::type_numbers(std::string_view prefix,
                                                                 int count_max) {
  return numbers_of(find_types_, prefix, count_max);
}

StoreResult<std::vector<std::int64_t>> EventReader::numbers_of(Statement& find,
                                                               std::string_view prefix,
                                                               int count_max) {
  // What begins with the prefix stands before the prefix with its last byte one greater. (UTF-8
  // never has a byte 0xff.)
  std::string end(prefix);
  if (!end.empty()) ++end.back();
  find.bind_text(1, prefix).bind_text(2, end).bind(3, count_max);
  std::vector<std::int64_t> numbers;
  for (;;) {
    if (!TRY(find.step())) return numbers;
    numbers.push_back(find.integer(0));
  }
}

StoreResult<std::int64_t> EventReader::data_version() { return data_version_.value(); }

}  // namespace picortex
