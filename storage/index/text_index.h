#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/compression/data_decompressor.h"
#include "storage/index/gram_filter.h"
#include "storage/sqlite/database.h"

namespace picortex {

// Makes the filters by which a search for a text passes over blocks of rows (table `text_block`):
// each covers the keys from its first to its last, and blocks do not overlap. What no block covers
// is read row by row, so a missing block costs time and never an answer. Part of the EventStore.
//
// - Blocks are built after the writer, a slice at a time, of rows that are a minute old.
// - An event that arrives later than that, into a block, deletes the block; it is built again.
// - Deleted events leave their block as it is, which is too large a set then, and right; but for
//   those that are to leave no trace.
class TextIndex {
 public:
  static constexpr std::int64_t kRowsPerBlock = 512;
  // Of texts in a block of large rows, so that a slice is short.
  static constexpr std::size_t kBytesPerBlock = std::size_t{1} << 20;
  static constexpr std::int64_t kLateMs = 60'000;

  // Once.
  StoreResult<void> prepare(Database& database);

  // Within the transaction that stored an event of that key; then one of the next two.
  StoreResult<void> note_appended(std::int64_t key);
  // Deletes the block that covers the key, if there is one. Within a transaction.
  StoreResult<void> uncover(std::int64_t key);
  void commit() noexcept;
  void rollback() noexcept;

  // Deletes some blocks of which all keys are before `oldest`. Within a transaction.
  StoreResult<void> prune(std::int64_t oldest);

  // Whether keys that are old enough wait to be covered.
  bool wants_to_build(std::int64_t now_ms) const noexcept;
  // Within a transaction: goes on to the next keys that no block covers, and builds one there if
  // there are enough rows.
  StoreResult<void> build(std::int64_t now_ms);

 private:
  // Keys from the first to the last that no block covers.
  struct Gap {
    std::int64_t first;
    std::int64_t last;
    bool is_open;  // no block follows
  };

  StoreResult<std::optional<Gap>> next_gap(std::int64_t end);
  StoreResult<void> fill(const Gap& gap);

  Database* database_ = nullptr;
  GramFilter filter_;
  std::string data_;
  std::string shown_;
  std::int64_t next_ = 0;     // the keys before it have been looked at
  std::int64_t sealed_ = -1;  // the last key of any block
  // The number of events still to arrive before the rows after the last block are enough for one.
  std::int64_t rows_missing_ = 0;
  std::int64_t committed_next_ = 0;
  std::int64_t committed_sealed_ = -1;

  Statement covering_;
  Statement following_;
  Statement write_;
  Statement delete_;
  Statement first_;
  Statement rows_;
  DataDecompressor decompressor_;
};

}  // namespace picortex
