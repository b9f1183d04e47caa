#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace picortex {

// Events as they are sent to a target: encoded once, written to `<data dir>/ship/<target>/batch`,
// and sent from there until they are accepted, so that a request that is sent again has the same
// bytes, whatever has happened to the process or the database in between.
//
//   batch  = header newline *record
//   header = a JSON object: epoch, to, complete_ms, gone, sizes [bytes of each record],
//            groups [first record of each group]
//
// Records of one group may be sent in one request: of ClickHouse they belong to one partition.
struct FrozenBatch {
  static constexpr std::size_t kFileSizeMax = std::size_t{40} << 20;

  std::int64_t epoch = 0;
  std::int64_t to = 0;              // the place in the order of arrival that is reached with it
  std::int64_t complete_ms = 0;     // ShipPosition::complete_ms once it is accepted
  std::int64_t gone = 0;            // events on the way that had been deleted
  std::vector<std::size_t> ends;    // the end of each record in `records`
  std::vector<std::size_t> groups;  // the number of the first record of each group; begins with 0
  std::string records;

  std::size_t size() const noexcept { return ends.size(); }
  void append(std::string_view record) {
    records += record;
    ends.push_back(records.size());
  }
  // The bytes of the records from `first` up to, but excluding, `end`.
  std::string_view slice(std::size_t first, std::size_t end) const noexcept {
    const std::size_t from = first == 0 ? 0 : ends[first - 1];
    return std::string_view(records).substr(from, (end == 0 ? 0 : ends[end - 1]) - from);
  }
};

Result<void> save_batch(const std::string& path, const FrozenBatch& batch);
// Nothing where there is no such file.
Result<std::optional<FrozenBatch>> load_batch(const std::string& path);

}  // namespace picortex
