#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid/uuid.h"
#include "storage/sqlite/database.h"

namespace picortex {

// The outcome of an attempt to reach a host. The numbers are those in the database.
enum class EgressOutcome : std::uint8_t {
  allowed = 0,
  learned = 1,  // allowed by learn mode, though no rule permits it
  denied = 2,
};

// "allowed", "learned", "denied".
std::string_view outcome_label(EgressOutcome outcome) noexcept;

// One or more attempts of the fenced user to reach a host, as reported by an event.
struct EgressAttempt {
  std::string_view host;  // a name, or an address where no name is known: 1 to 253 bytes
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;  // IP's number
  EgressOutcome outcome = EgressOutcome::denied;
  std::int64_t count = 1;
};

// What ended connections of the fenced user have carried, as reported by an event.
struct EgressTraffic {
  std::string_view host;  // as in EgressAttempt
  std::uint16_t port = 0;
  std::int64_t connections = 1;
  std::int64_t bytes_up = 0;
  std::int64_t bytes_down = 0;
  bool has_turn = false;  // the event's request ID is a turn's, not one of its own
};

// A row of the table `egress_host`: a host and port that were attempted.
struct EgressHost {
  std::string name;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  EgressOutcome outcome = EgressOutcome::denied;  // of the last attempt
  std::int64_t first_seen_ms = 0;
  std::int64_t last_seen_ms = 0;
  std::int64_t attempts = 0;
  // Attempts by outcome.
  std::int64_t allowed = 0;
  std::int64_t learned = 0;
  std::int64_t denied = 0;
  // Of its connections that have ended, as far as they were counted.
  std::int64_t connections_ended = 0;
  std::int64_t bytes_up = 0;
  std::int64_t bytes_down = 0;
  Uuid last_request{};  // of the last attempt; nil: not known
};

// The row of the table `total` that counts the hosts that had to make room.
inline constexpr std::string_view kEgressHostsEvicted = "egress_hosts_evicted";

// Writes that table, `egress_outcome` and `egress_traffic`, within the transactions of events. Keeps
// at most kRowsMax rows, or fewer (limit()): beyond that some are evicted, and counted. prune()
// deletes rows that no event refers to any more. Part of the EventStore.
//
// The fenced user chooses which hosts it tries, so eviction must not let it choose what is lost:
// - Hosts of which a rule has allowed an attempt, and all others, are two classes. While a class has
//   no more than half of the rows none of it is evicted, so denied junk costs no allowed host, and
//   junk names below an allowed wildcard cost no denied one.
// - Of the class, the older half by the last attempt stays, and of the newer half the oldest go.
//   Deleting the oldest would let junk push out what was before it; deleting the newest, or those
//   with the fewest attempts, would let junk that came first push out everything later. This way a
//   host is lost only after at least a quarter of the table in junk before it, and another quarter
//   after it; what was evicted is counted.
class EgressHostTable {
 public:
  static constexpr std::int64_t kRowsMax = 100'000;

  // Counts the rows. Call it once.
  StoreResult<void> prepare(Database& database);

  StoreResult<void> note(const EgressAttempt& attempt, std::int64_t time_ms,
                         const Uuid& request_id);
  // Adds to the host's row; does nothing if there is none.
  StoreResult<void> add_traffic(const EgressTraffic& traffic);
  void limit(std::int64_t rows_max) noexcept { rows_max_ = std::min(rows_max, kRowsMax); }
  bool is_over_limit() const noexcept { return rows_ > rows_max_; }
  // Deletes at most `rows_max` rows, or a 64th of the table: those beyond the limit, and those last
  // seen before `before_ms`. Returns how many.
  StoreResult<std::size_t> prune(std::int64_t before_ms, std::size_t rows_max);
  void commit() noexcept { rows_before_ = rows_; }
  void rollback() noexcept { rows_ = rows_before_; }

 private:
  StoreResult<std::size_t> prune_oldest(std::int64_t before_ms, std::size_t rows_max);
  StoreResult<std::size_t> evict(std::size_t rows_max);
  StoreResult<void> remove(std::string_view name, std::uint16_t port);

  Database* database_ = nullptr;
  std::int64_t rows_max_ = kRowsMax;
  std::int64_t rows_ = 0;
  std::int64_t rows_before_ = 0;  // before the open transaction

  Statement update_;
  Statement insert_;
  Statement count_;
  Statement add_traffic_;
  Statement prune_outcomes_;
  Statement prune_traffic_;
  Statement prune_;
  Statement count_allowed_;
  Statement find_victims_;
  std::array<Statement, 3> remove_;
  Statement count_evicted_;
};

// The columns of `egress_host`, joined with the other two tables, that egress_host_of() reads.
extern const std::string_view kEgressHostColumns;
EgressHost egress_host_of(const Statement& row);

// Reads all rows, by name and port, through a read-only connection of its own. The database must
// exist and have this version.
StoreResult<std::vector<EgressHost>> read_egress_hosts(const std::string& data_directory);

}  // namespace picortex
