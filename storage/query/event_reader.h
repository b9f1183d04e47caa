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
#include "base/uuid/uuid.h"
#include "storage/compression/data_decompressor.h"
#include "storage/egress_host_table.h"
#include "storage/index/rollup.h"
#include "storage/query/text_needs.h"
#include "storage/sqlite/database.h"

namespace picortex {

// One event as read from the database. It owns its texts.
struct EventRow {
  std::int64_t key = 0;      // storage/event_id.h: the order of time
  std::int64_t arrival = 0;  // its number in order of arrival; 0: from before these were counted
  Uuid id;
  std::int64_t time_ms = 0;  // Unix milliseconds
  Level level = Level::info;
  std::string event_type;
  Uuid request_id;
  std::string chat_id;  // empty: in no chat
  std::string msg;
  std::string data;  // a JSON object on one line; empty: none

  // In bytes, what the parts of any length take.
  std::size_t text_size() const noexcept {
    return event_type.size() + chat_id.size() + msg.size() + data.size();
  }
};

enum class EventOrder { newest_first, oldest_first };

// A read-only connection to <data directory>/picortex.db, with or without a running daemon. Each
// call is one seek in an index, so it takes microseconds at any size (if a page is not in memory,
// one read of the disk for each level of the tree). EventQuery builds answers from them.
//
// Between begin() and end() all calls see the same state, and the write-ahead log cannot restart:
// keep that short. Other calls see the newest state. Not thread-safe.
class EventReader {
 public:
  // Changes nothing there; SQLite may create the -shm and -wal files. Faults: `open` if there is no
  // database (yet), `newer_schema`, `corrupt`.
  static StoreResult<std::unique_ptr<EventReader>> open(const std::string& data_directory);

  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  StoreResult<void> begin();
  void end() noexcept;  // allowed after a fault too

  // Returns the first key at or after `from`, in the given order, of all events or of those that
  // have the value; nothing if there is no such event.
  enum class Index { all, chat, event_type, level, request };  // level: 40 and above only
  StoreResult<std::optional<std::int64_t>> seek(Index index, std::int64_t value, std::int64_t from,
                                                EventOrder order);
  StoreResult<std::optional<std::int64_t>> seek_request(const Uuid& request_id, std::int64_t from,
                                                        EventOrder order);

  // Returns false if there is no event with that key. `row` keeps its capacity.
  StoreResult<bool> read(std::int64_t key, EventRow& row);

  // Returns the key of the event with this ID; nothing if there is none.
  StoreResult<std::optional<std::int64_t>> find(const Uuid& id);

  // Returns the first and the last request from `low` to `high`; nothing if there is none.
  StoreResult<std::optional<std::pair<Uuid, Uuid>>> find_requests(const Uuid& low,
                                                                  const Uuid& high);

  // Return the numbers of names, for seek().
  StoreResult<std::optional<std::int64_t>> chat_number(std::string_view chat_id);
  StoreResult<std::optional<std::int64_t>> type_number(std::string_view event_type);
  // Returns at most `count_max` numbers of types that begin with `prefix`, in no particular order.
  StoreResult<std::vector<std::int64_t>> type_numbers(std::string_view prefix, int count_max);

  // The same of chats.
  StoreResult<std::vector<std::int64_t>> chat_numbers(std::string_view prefix, int count_max);
  // The name of a number; empty where it has been deleted.
  StoreResult<std::string> chat_name(std::int64_t number);
  StoreResult<std::string> type_name(std::int64_t number);

  // --- Of the store's indexes (storage/index/) ---

  // The number of arrival of the newest event; 0: none.
  StoreResult<std::int64_t> last_arrival();
  // What the order of arrival is named by, and other numbers of the table `total`; `none` where
  // nothing says it.
  StoreResult<std::int64_t> total(std::string_view name, std::int64_t none);
  // The first block of arrivals that is not before `from`, and its keys; none: there is none.
  StoreResult<std::optional<std::int64_t>> read_arrivals(std::int64_t from,
                                                         std::vector<std::int64_t>& keys);
  // What is counted of the event of that key; none when there is no such event.
  StoreResult<std::optional<EventFacts>> read_facts(std::int64_t key);
  // Appends the same of the events with keys from `first` to `last`, oldest first, at most `rows_max`.
  // `only_old`: of those without a number of arrival.
  enum class Scanned { all, only_old };
  StoreResult<void> scan_facts(std::int64_t first, std::int64_t last, std::size_t rows_max,
                               Scanned scanned, std::vector<EventFacts>& facts);
  // Appends the counts of that place of the rollup, if it has any.
  StoreResult<void> read_counts(std::int64_t place, std::vector<RollupCount>& counts);
  // The counts of the first place from `from` to `to`; none when there is no such place.
  StoreResult<std::optional<std::int64_t>> next_counts(std::int64_t from, std::int64_t to,
                                                       std::vector<RollupCount>& counts);
  // The block of texts that covers the key: its ends, and whether it may have what is needed; none
  // when no block does.
  struct TextBlock {
    std::int64_t first;
    std::int64_t last;
    bool may_have;
  };
  StoreResult<std::optional<TextBlock>> text_block(std::int64_t key, const TextNeeds& needs);

  // Appends the hosts that the fenced user has attempted, at most `rows_max`, by name and port, those
  // after this place.
  StoreResult<void> scan_egress_hosts(std::string_view name, std::int64_t port,
                                      std::size_t rows_max, std::vector<EgressHost>& hosts);

  // Another number than before when another connection has committed since.
  StoreResult<std::int64_t> data_version();

  // Returns the `moved` fault once the database file is not at its path any more.
  StoreResult<void> check_place() { return database_->check_place(); }

  const std::string& path() const noexcept { return database_->path(); }

  // The statements of seek(), for each Index in both orders: a test asks SQLite for their plans.
  static constexpr std::size_t kSeeks = 10;
  static const std::array<const char*, kSeeks> kSeekSql;

 private:
  explicit EventReader(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  StoreResult<void> prepare_statements();
  StoreResult<void> prepare_index_statements();
  StoreResult<std::vector<std::int64_t>> numbers_of(Statement& find, std::string_view prefix,
                                                    int count_max);
  StoreResult<std::string> name_of(Statement& find, std::int64_t number);
  Fault unreadable(const char* cause) const;
  Statement& seek_statement(Index index, EventOrder order) noexcept;

  std::unique_ptr<Database> database_;
  DataDecompressor decompressor_;
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
  Statement find_chats_;
  Statement chat_name_;
  Statement type_name_;
  Statement last_arrivals_;
  Statement total_;
  Statement arrivals_;
  Statement facts_;
  Statement scan_facts_;
  Statement scan_old_facts_;
  Statement counts_;
  Statement next_counts_;
  Statement text_block_;
  Statement egress_hosts_;
};

}  // namespace picortex
