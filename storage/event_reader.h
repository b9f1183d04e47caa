#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/level.h"
#include "base/uuid.h"
#include "storage/database.h"

namespace picortex {

// One event as it is read back. It owns its texts.
struct EventRow {
  std::int64_t key = 0;  // storage/event_id.h: the order of time
  Uuid id;
  std::int64_t time_ms = 0;  // Unix milliseconds
  Level level = Level::info;
  std::string event_type;
  Uuid request_id;
  std::string chat_id;  // empty: in no chat
  std::string msg;
  std::string data;  // a JSON object on one line; empty: none
};

enum class EventOrder { newest_first, oldest_first };

// A read-only connection to <data directory>/picortex.db, beside the daemon's or without one. Each
// call is one seek in an index, so it takes microseconds at any size (a page that is not in memory:
// one read of the disk for each level of the tree). EventQuery makes answers of them.
//
// Between begin() and end() all calls see the same state, and the write-ahead log cannot start
// anew: keep that short. Other calls see the newest. Not thread-safe.
class EventReader {
 public:
  // Changes nothing there; at most SQLite makes the -shm and -wal files. Faults: `open` when there
  // is no database (yet), `newer_schema`, `corrupt`.
  static StoreResult<std::unique_ptr<EventReader>> open(const std::string& data_directory);

  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  StoreResult<void> begin();
  void end() noexcept;  // also after a fault

  // The first key at or behind `from`, in the order given, of all events or of those that have the
  // value; none when there is no such event.
  enum class Index { all, chat, event_type, level, request };  // level: 40 and above only
  StoreResult<std::optional<std::int64_t>> seek(Index index, std::int64_t value, std::int64_t from,
                                                EventOrder order);
  StoreResult<std::optional<std::int64_t>> seek_request(const Uuid& request_id, std::int64_t from,
                                                        EventOrder order);

  // False: there is no event of that key. `row` keeps its capacity.
  StoreResult<bool> read(std::int64_t key, EventRow& row);

  // The key of the event that has this id; none when there is no such event.
  StoreResult<std::optional<std::int64_t>> find(const Uuid& id);

  // The first and the last request of all from `low` to `high`; none when there is no such one.
  StoreResult<std::optional<std::pair<Uuid, Uuid>>> find_requests(const Uuid& low,
                                                                  const Uuid& high);

  // The numbers of names, as seek() takes them.
  StoreResult<std::optional<std::int64_t>> chat_number(std::string_view chat_id);
  StoreResult<std::optional<std::int64_t>> type_number(std::string_view event_type);
  // Of the types that begin with `prefix`, at most `count_max` in no particular order.
  StoreResult<std::vector<std::int64_t>> type_numbers(std::string_view prefix, int count_max);

  // Another number than before when another connection has committed since.
  StoreResult<std::int64_t> data_version();

  // The `moved` fault once the database file is not at its path any more.
  StoreResult<void> check_place() { return database_->check_place(); }

  const std::string& path() const noexcept { return database_->path(); }

  // What seek() runs, for each Index in both orders: a test asks SQLite for its plans.
  static constexpr std::size_t kSeeks = 10;
  static const std::array<const char*, kSeeks> kSeekSql;

 private:
  explicit EventReader(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  StoreResult<void> prepare_statements();
  Statement& seek_statement(Index index, EventOrder order) noexcept;

  std::unique_ptr<Database> database_;
  std::array<Statement, kSeeks> seeks_;
  Statement begin_;
  Statement read_;
  Statement find_place_;
  Statement find_client_id_;
  Statement first_request_;
  Statement last_request_;
  Statement find_chat_;
  Statement find_type_;
  Statement find_types_;
  Statement data_version_;
};

}  // namespace picortex
