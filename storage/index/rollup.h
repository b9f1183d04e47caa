#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/level.h"
#include "storage/index/rollup_block.h"
#include "storage/sqlite/database.h"

namespace picortex {

// What of an event is counted.
struct EventFacts {
  std::int64_t key = 0;
  std::int64_t type = 0;
  std::int64_t chat = kNoChat;
  Level level = Level::info;
  std::int64_t arrival = 0;  // 0: from before arrivals had numbers
};

// Counts the events that are in the database by hour, level, type and chat, in the table `rollup`,
// so that a reader need not count rows. Part of the EventStore; all of it within the events' own
// transactions. What the table says at any moment is exact in this sense:
//
//   events in the database = what the rows count
//                          + the events that arrived after number `rollup_arrival` of `total`
//                          + the old events (without a number) with keys above `rollup_old_key`
//
// Readers (storage/query/counts.h) count the second kind from the events themselves: at most
// kTailMax of them and one transaction's. So the writer changes a row once for thousands of events,
// however small its transactions are. Events that are deleted are subtracted at once. The third
// kind is there after an update of an older database, until build() has counted them, a slice at a
// time.
class Rollup {
 public:
  static constexpr std::size_t kTailMax = 4096;
  static constexpr std::int64_t kOldPerSlice = 1000;

  // Once; counts the tail.
  StoreResult<void> prepare(Database& database);

  void count(const EventFacts& event);
  void note_deleted(const EventFacts& event);
  // Within the transaction that did either, all of whose events have arrived by `last_arrival`;
  // then one of the next two.
  StoreResult<void> save(std::int64_t last_arrival);
  void commit();
  void rollback();

  // Whether there are old events that are not counted.
  bool wants_to_build() const noexcept { return old_key_ < old_end_; }
  // Counts some of them, within a transaction.
  StoreResult<void> build();

 private:
  struct Cell {
    std::int64_t place;
    RollupCount count;
  };

  StoreResult<void> load(Database& database);
  StoreResult<void> load_tail(Database& database);
  static void add(std::vector<Cell>& cells, const EventFacts& event, std::int64_t count);
  StoreResult<void> write(std::vector<Cell>& cells);
  StoreResult<void> write_row(std::int64_t place, const std::vector<RollupCount>& added);

  Database* database_ = nullptr;
  std::int64_t arrival_ = 0;  // the rows count the events up to this number
  std::int64_t committed_arrival_ = 0;
  std::int64_t old_key_ = -1;  // the rows count the old events up to this key
  std::int64_t committed_old_key_ = -1;
  std::int64_t old_end_ = -1;       // the last old event's key
  std::vector<Cell> tail_;          // what arrived since
  std::size_t committed_tail_ = 0;  // of these from before the open transaction
  std::vector<Cell> deleted_;       // in the open transaction, of what the rows count
  std::vector<RollupCount> row_;
  std::vector<RollupCount> added_;

  Statement read_;
  Statement write_;
  Statement delete_;
  Statement old_;
  Statement write_total_;
};

}  // namespace picortex
