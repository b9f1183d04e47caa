#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/query/arrival_query.h"

namespace picortex {

// How far a target is. It is saved in `<data dir>/ship/<target>/position`, replaced as a whole and
// synced, before anything that depends on it: what it says is shipped is in the target.
struct ShipPosition {
  std::int64_t epoch = 0;                   // of the order of arrival; 0: nothing was shipped yet
  std::int64_t place = kBeforeAllArrivals;  // everything up to here is in the target
  std::int64_t batch_accepted = 0;          // and this many records of the frozen batch
  std::int64_t shipped = 0;                 // events, since the directory was made
  std::int64_t rejected = 0;                // events that the target will never take
  std::int64_t lapsed = 0;                  // events that were deleted before they were shipped
  // All that was stored until then is shipped (Unix ms); while the target is late, the time of
  // the last event that is.
  std::int64_t complete_ms = 0;
};

// What the shipper does, for people. In `<data dir>/ship/<target>/status`, never synced.
struct ShipStatus {
  std::string target;  // without secrets
  std::string state;   // "shipping", "waiting" for new events, "retrying" or "stopped"
  std::string error;   // the last one; empty: none since the last success
  std::int64_t error_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t retries = 0;  // since the last success
  double rate = 0;           // events a second, over the last minute or so
  std::int64_t pid = 0;
};

// The files of one target.
class ShipFiles {
 public:
  static constexpr std::size_t kRejectedSizeMax = std::size_t{16} << 20;

  ShipFiles(const std::string& data_dir, const std::string& target_name)
      : directory_(data_dir + "/ship/" + target_name) {}

  Result<void> make_directory() const;
  const std::string& directory() const noexcept { return directory_; }
  std::string batch_path() const { return directory_ + "/batch"; }
  std::string lock_path() const { return directory_ + "/lock"; }

  // Without a file a fresh position. The error names the file and what to do.
  Result<ShipPosition> load_position() const;
  Result<void> save_position(const ShipPosition& position) const;
  // Empty members where it cannot be read.
  ShipStatus load_status() const;
  void save_status(const ShipStatus& status) const;
  // Keeps a record that the target rejected, as long as there is room.
  Result<void> keep_rejected(std::string_view line) const;

 private:
  std::string directory_;
};

// The names of the targets that have a directory, in order; at most 64.
std::vector<std::string> shipped_targets(const std::string& data_dir);

// How far a target is from the newest event. The daemon and `ship status` say the same.
struct ShipLag {
  std::int64_t events = 0;  // old ones, which have no number, not counted
  std::int64_t ms = 0;
};
ShipLag lag_of(const ShipPosition& position, std::int64_t epoch, std::int64_t last_arrival,
               std::int64_t now_ms) noexcept;

}  // namespace picortex
