#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "storage/database.h"

namespace picortex {

// What became of an attempt to reach a host. The numbers are those in the database.
enum class EgressOutcome : std::uint8_t {
  allowed = 0,
  learned = 1,  // let go in learn mode, though no rule permits it
  refused = 2,
};

// "allowed", "learned", "refused".
std::string_view outcome_label(EgressOutcome outcome) noexcept;

// One or more attempts of the fenced user to reach a host, as the event that tells of them says.
struct EgressAttempt {
  std::string_view host;  // a name, or an address where no name is known: 1 to 253 bytes
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;  // IP's number
  EgressOutcome outcome = EgressOutcome::refused;
  std::int64_t count = 1;
};

// A row of the table `egress_host`: a host and port that were attempted, ever.
struct EgressHost {
  std::string name;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  EgressOutcome outcome = EgressOutcome::refused;  // of the last attempt
  std::int64_t first_seen_ms = 0;
  std::int64_t last_seen_ms = 0;
  std::int64_t attempts = 0;
  Uuid last_request{};  // of the last attempt; nil: not known
};

// The writer of that table, within the events' own transactions. Holds kRowsMax rows: beyond it the
// row not seen for longest goes. Part of the EventStore.
class EgressHosts {
 public:
  static constexpr std::int64_t kRowsMax = 100'000;

  // Counts the rows. Once.
  StoreResult<void> prepare(Database& database);

  StoreResult<void> note(const EgressAttempt& attempt, std::int64_t time_ms,
                         const Uuid& request_id);
  void commit() noexcept { rows_before_ = rows_; }
  void rollback() noexcept { rows_ = rows_before_; }

 private:
  std::int64_t rows_ = 0;
  std::int64_t rows_before_ = 0;  // the open transaction

  Statement update_;
  Statement insert_;
  Statement drop_oldest_;
};

// Reads that table through a connection of its own, which only reads. The database must exist and
// be of this version. After a fault it is to be destroyed.
class EgressHostReader {
 public:
  static StoreResult<EgressHostReader> open(const std::string& data_directory);

  // The rows seen last, the newest first.
  StoreResult<std::vector<EgressHost>> newest(std::int64_t count_max);
  // All rows, by name and port.
  StoreResult<std::vector<EgressHost>> all();

 private:
  StoreResult<std::vector<EgressHost>> read(std::string_view order);

  std::unique_ptr<Database> database_;
};

StoreResult<std::vector<EgressHost>> read_egress_hosts(const std::string& data_directory);

}  // namespace picortex
