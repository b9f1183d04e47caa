#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/uuid/random_pool.h"
#include "storage/compression/data_decompressor.h"
#include "storage/sqlite/database.h"

namespace picortex {

// Examines the database on the disk, bypassing SQLite and its caches: SQLite itself reads a page
// only
// when it needs one, and the pages that storing needs are in memory.
//
// - The header: those parts of page 1 that stay the same for as long as the file does.
// - A sample of events, one at a random place and the next in turn: the row with all of its text,
//   and its entry in each index, in the order of arrival and in the filter for texts. So every page
//   that holds events is looked at sooner or later.
class SpotCheck {
 public:
  // `reading`, a read-only connection to the file that is not used otherwise meanwhile, must
  // outlive this object. Call it once.
  StoreResult<void> prepare(Database& reading);

  // Returns the `corrupt` fault if the header differs from that of prepare(). One small read.
  StoreResult<void> check_header();
  // Returns the `corrupt` fault if something does not match. About 50 µs per event if the pages are
  // in memory.
  StoreResult<void> check_sample(int events);

 private:
  using Header = std::array<std::uint8_t, 101>;  // and the kind of the page

  StoreResult<Header> read_header();
  StoreResult<void> check_events(int count);
  // Checks the first event at or after `from` and returns its key; nothing if there is no such
  // event.
  StoreResult<std::optional<std::int64_t>> check_event(std::int64_t from);
  StoreResult<void> check_index(Statement& index, std::int64_t key);
  StoreResult<void> check_arrival(std::int64_t arrival, std::int64_t key);
  StoreResult<void> check_text(std::int64_t key, std::string_view msg, std::string_view data);

  Database* reading_ = nullptr;
  DataDecompressor decompressor_;
  Header header_{};
  std::int64_t next_ = 0;  // the key from which the next event in order is searched
  RandomPool random_;
  Statement first_;
  Statement last_;
  Statement event_;
  Statement by_type_;
  Statement by_chat_;
  Statement by_request_;
  Statement by_client_id_;
  Statement arrivals_;
  Statement texts_;
};

}  // namespace picortex
