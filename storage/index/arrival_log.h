#pragma once

#include <cstdint>
#include <map>

#include "storage/index/arrival_block.h"
#include "storage/sqlite/database.h"

namespace picortex {

// Writes the order of arrival: the number of each event, in its row, and the keys by number, in the
// table `arrival`. All of it within the events' own transactions. Part of the EventStore.
//
// - Numbers have no holes. An event that is deleted leaves its number; a block whose events are all
//   deleted goes, except the last, from which the next process learns where to go on.
// - The epoch names this order among those of other databases: a copy that is restored begins
//   another one, since it goes on with numbers that the lost events had too.
class ArrivalLog {
 public:
  // Once; reads the last block.
  StoreResult<void> prepare(Database& database);
  // Writes another epoch, within a transaction.
  StoreResult<void> begin_epoch(std::int64_t epoch);

  std::int64_t epoch() const noexcept { return state_.epoch; }
  // The number that the next event gets.
  std::int64_t next() const noexcept {
    return first_arrival_of(state_.number) + static_cast<std::int64_t>(state_.block.size());
  }

  // The event with the number next() has this key.
  StoreResult<void> append(std::int64_t key);
  // The event of that number has been deleted.
  void note_deleted(std::int64_t arrival) { ++deleted_[arrival_block_of(arrival)]; }
  // Within the transaction that did either; then one of the other two.
  StoreResult<void> save();
  void commit();
  void rollback();

 private:
  // The last block, which grows.
  struct State {
    std::int64_t epoch = 0;
    std::int64_t number = 0;
    std::int64_t live = 0;  // of its events those that are not deleted
    ArrivalBlock block;
    bool is_saved = true;
  };

  StoreResult<void> write_block();

  Database* database_ = nullptr;
  State state_;
  State committed_;
  std::map<std::int64_t, std::int64_t> deleted_;  // in the open transaction, by block

  Statement write_;
  Statement count_down_;
  Statement drop_;
  Statement write_epoch_;
};

}  // namespace picortex
