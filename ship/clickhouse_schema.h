#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ship/http/http_client.h"
#include "ship/ship_target.h"

namespace picortex::shipping {

// The table of a fleet's events in ClickHouse. The same event has the same row, so that a row that
// is there twice is one after the engine's merge, and always for SELECT … FINAL.
//
//   column      type              meaning
//   host        String            the name of the machine
//   time        DateTime('UTC')   to the second, for people and for the partition
//   time_ms     Int64             Unix milliseconds
//   sequence    UInt32            the event's place within its millisecond, on its host
//   event_id    UUID
//   level       Enum8             trace = 10 … fatal = 60, so that level >= 'warn' works
//   event_type, chat_id, msg      String
//   request_id  UUID
//   data        String            a JSON object; empty: none

// A server's version, as SELECT version() says: 18.16.1 is {18, 16}.
struct ClickHouseVersion {
  int major = 0;
  int minor = 0;

  auto operator<=>(const ClickHouseVersion&) const = default;
};
Result<ClickHouseVersion> ask_version(const ShipTarget& target, Poster& poster);

// The statements that make the table, for that version: 18.16 and later have the engine and the
// types; data-skipping indexes and codecs came later.
std::string clickhouse_schema(const ShipTarget& target, ClickHouseVersion version);

// "query=INSERT…" and the settings that an insert needs, for the request's URL.
std::string clickhouse_insert_parameters(const ShipTarget& target);

// Runs one statement. The error is what the server said.
Result<std::string> run_statement(const ShipTarget& target, Poster& poster, std::string_view sql);

}  // namespace picortex::shipping
