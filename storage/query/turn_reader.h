#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time/timestamp.h"
#include "base/uuid/uuid.h"
#include "storage/compression/data_decompressor.h"
#include "storage/sqlite/database.h"
#include "storage/turn_note.h"

namespace picortex {

// A turn as its events add up to it (storage/turn_table.h).
struct Turn {
  static constexpr std::size_t kDeniedHostsMax = 5;

  Uuid request_id;
  std::string chat_id;        // empty: not known
  std::int64_t start_ms = 0;  // its first event's time
  std::int64_t end_ms = 0;    // its last one's so far
  TurnState state = TurnState::none;
  bool is_claimed = false;     // some of it was said by a sender that may only claim
  TurnCounts counts;           // cost_micros is of those calls that said their cost
  bool has_cost = false;       // at least one did
  std::int64_t waited_ms = 0;  // for permissions, as the hooks report
  std::int64_t connections = 0;
  std::int64_t denied = 0;
  std::vector<std::string> denied_hosts;  // the first kDeniedHostsMax, by name or address
  std::optional<std::int64_t> bytes_up;
  std::int64_t lost_records = 0;  // of its process, by the gaps in their numbers

  std::int64_t tokens() const noexcept {
    return counts.input_tokens + counts.output_tokens + counts.cache_read_tokens +
           counts.cache_creation_tokens;
  }
  // The spans and the hooks each know the waits that they have seen.
  std::int64_t permission_ms() const noexcept { return std::max(waited_ms, counts.blocked_ms); }
};

enum class TurnOrder : std::uint8_t { newest, cost, duration, tokens, errors, upload };

// "start", "cost", "duration", "tokens", "errors", "upload"; none for anything else.
std::optional<TurnOrder> parse_turn_order(std::string_view name) noexcept;

struct TurnFilter {
  std::string chat_id;             // empty: any
  std::optional<Uuid> request_id;  // that turn only
  std::int64_t since_ms = 0;       // by their start
  std::int64_t until_ms = kLatestUnixMs + 1;
  TurnOrder order = TurnOrder::newest;  // the largest first
  std::int64_t limit = 50;
};

// What has come of telemetry.
struct TelemetrySeen {
  std::int64_t last_ms = 0;       // 0: none yet
  std::int64_t runs = 0;          // processes or sessions that were seen last, at most 1000
  std::int64_t lost_records = 0;  // of these, by the gaps in their numbers
};

// What the client's own metric of cost says, compared with the sums of its model calls. The metric
// knows what calls cost that were interrupted, of which there is no record.
struct CostCheck {
  std::int64_t runs = 0;           // processes or sessions that have sent the metric
  std::int64_t metric_micros = 0;  // of these
  std::int64_t call_micros = 0;
  std::int64_t runs_above =
      0;  // whose metric says more than their calls, so their sums are too low
  std::int64_t runs_below = 0;  // less: a part of the metric was lost

  bool disagrees() const noexcept { return runs_above + runs_below > 0; }
};

// Reads turns through a connection of its own, which only reads. A call takes milliseconds at a
// million turns: where few fit they are sorted, else an index has them in order. After a fault it
// is to be destroyed.
class TurnReader {
 public:
  // Faults as EventReader::open().
  static StoreResult<std::unique_ptr<TurnReader>> open(const std::string& data_directory);

  // Reads those of a database whose tables are there.
  static std::unique_ptr<TurnReader> over(std::unique_ptr<Database> database);

  StoreResult<std::vector<Turn>> read(const TurnFilter& filter);
  StoreResult<TelemetrySeen> telemetry();
  // Of the newest turns and metrics; a metric that `now_ms` is not yet due is no difference.
  StoreResult<CostCheck> check_costs(std::int64_t now_ms);

 private:
  static constexpr std::int64_t kSortedMax = 20'000;

  explicit TurnReader(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  StoreResult<bool> are_few(const TurnFilter& filter);
  StoreResult<void> find_denied_hosts(std::vector<Turn>& turns);
  StoreResult<Statement> prepare(const TurnFilter& filter);

  std::unique_ptr<Database> database_;
  DataDecompressor decompressor_;
  std::string data_;
};

// Appends it as a JSON object: times as ISO 8601, cost_usd and bytes_up null where they are
// unknown.
void append_turn_json(std::string& out, const Turn& turn);

}  // namespace picortex
