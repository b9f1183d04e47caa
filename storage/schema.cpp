#include "storage/schema.h"

namespace picortex {
namespace {

// The cache is small since the ends of a few B-trees are all that writing needs.
constexpr const char* kConnectionSql = R"sql(
PRAGMA cell_size_check = ON;
PRAGMA mmap_size = 0;
PRAGMA cache_size = -2048;
PRAGMA foreign_keys = OFF;
PRAGMA synchronous = FULL;
)sql";

// event.key is time_ms << 20 | sequence: the order of time and, within a millisecond, of arrival.
// So the table is its own time index, and each index below is in time order for one value.
// event.tail is the rest of the id (storage/event_id.h); 0 where client_id is the id.
// event.request and event.client_id are UUIDs of 16 bytes; event.level is pino's number.
//
// The view `events` shows events as people read them. Conditions on its time or chat_id read the
// whole table: fast queries go by event.key and the numbers of chat and event_type. Conditions on
// level use their index only beside the literal `level >= 40`.
constexpr const char* kSchemaSql = R"sql(
CREATE TABLE event_type (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE chat (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last_seen_minute INTEGER NOT NULL) STRICT;
CREATE TABLE event (
  key INTEGER PRIMARY KEY, tail INTEGER NOT NULL, level INTEGER NOT NULL, type INTEGER NOT NULL,
  chat INTEGER, request BLOB NOT NULL, client_id BLOB, msg TEXT NOT NULL, data TEXT) STRICT;
CREATE INDEX event_by_type ON event (type);
CREATE INDEX event_by_chat ON event (chat) WHERE chat IS NOT NULL;
CREATE INDEX event_by_request ON event (request);
CREATE INDEX event_by_level ON event (level) WHERE level >= 40;
CREATE UNIQUE INDEX event_by_client_id ON event (client_id) WHERE client_id IS NOT NULL;

CREATE TABLE metric_minute (
  minute INTEGER PRIMARY KEY, turns INTEGER NOT NULL, skipped INTEGER NOT NULL,
  errors INTEGER NOT NULL) STRICT;
CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO total VALUES ('turns', 0);
CREATE TABLE metrics (
  name TEXT PRIMARY KEY, value INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT;

CREATE VIEW events (id, time, level, event_type, request_id, chat_id, msg, data) AS
SELECT
  CASE WHEN client_id IS NULL
    THEN printf('%08x-%04x-7%03x-%04x-%012x', key >> 36, (key >> 20) & 65535, (key >> 8) & 4095,
                32768 | ((key & 255) << 6) | (tail >> 48), tail & 281474976710655)
    ELSE lower(printf('%s-%s-%s-%s-%s', substr(hex(client_id), 1, 8), substr(hex(client_id), 9, 4),
                      substr(hex(client_id), 13, 4), substr(hex(client_id), 17, 4),
                      substr(hex(client_id), 21)))
  END,
  strftime('%Y-%m-%dT%H:%M:%S', (key >> 20) / 1000, 'unixepoch')
    || printf('.%03dZ', (key >> 20) % 1000),
  CASE level WHEN 10 THEN 'trace' WHEN 20 THEN 'debug' WHEN 30 THEN 'info' WHEN 40 THEN 'warn'
             WHEN 50 THEN 'error' ELSE 'fatal' END,
  (SELECT name FROM event_type WHERE event_type.id = event.type),
  lower(printf('%s-%s-%s-%s-%s', substr(hex(request), 1, 8), substr(hex(request), 9, 4),
               substr(hex(request), 13, 4), substr(hex(request), 17, 4), substr(hex(request), 21))),
  (SELECT name FROM chat WHERE chat.id = event.chat),
  msg, data
FROM event;
)sql";

// Version 2: which hosts the fenced user ever tried to reach (storage/egress_hosts.h).
constexpr const char* kEgressSql = R"sql(
CREATE TABLE egress_host (
  name TEXT NOT NULL, port INTEGER NOT NULL, protocol INTEGER NOT NULL, outcome INTEGER NOT NULL,
  first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
  PRIMARY KEY (name, port)) STRICT, WITHOUT ROWID;
CREATE INDEX egress_host_by_last_seen ON egress_host (last_seen_ms);
PRAGMA user_version = 2;
)sql";

// Version 3: the turn that tried it last.
constexpr const char* kLastRequestSql = R"sql(
ALTER TABLE egress_host ADD COLUMN last_request BLOB;
PRAGMA user_version = 3;
)sql";

StoreResult<std::int64_t> read_version(Database& database) {
  auto version = database.integer_of("PRAGMA user_version");
  if (!version || (*version > 0 && *version <= kSchemaVersion)) return version;
  if (*version > kSchemaVersion) {
    return std::unexpected(make_fault(FaultKind::newer_schema, database.path(),
                                      "its schema is version " + std::to_string(*version) +
                                          ", this picortex knows " +
                                          std::to_string(kSchemaVersion)));
  }
  auto tables = database.integer_of("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables;
  if (*version == 0 && *tables == 0) return version;
  return std::unexpected(
      make_fault(FaultKind::corrupt, database.path(), "holds another program's tables"));
}

StoreResult<void> use_wal(Database& database) {
  if (auto done = database.execute(kConnectionSql); !done) return done;
  auto mode = database.text_of("PRAGMA journal_mode = WAL");
  if (!mode) return std::unexpected(std::move(mode.error()));
  if (*mode == "wal") return {};
  return std::unexpected(
      make_fault(FaultKind::open, database.path(),
                 "its file system cannot hold a write-ahead log (shared memory)"));
}

StoreResult<void> update_tables(Database& database) {
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun;
  // Again, now that nobody else can be quicker.
  auto version = read_version(database);
  StoreResult<void> done;
  if (!version) done = std::unexpected(std::move(version.error()));
  if (done && *version < 1) done = database.execute(kSchemaSql);
  if (done && *version < 2) done = database.execute(kEgressSql);
  if (done && *version < 3) done = database.execute(kLastRequestSql);
  if (done) done = database.execute("COMMIT");
  if (!done) database.rollback();
  return done;
}

}  // namespace

StoreResult<void> prepare_schema(Database& database) {
  auto version = read_version(database);
  if (!version) return std::unexpected(std::move(version.error()));
  if (auto done = use_wal(database); !done) return done;
  return *version < kSchemaVersion ? update_tables(database) : StoreResult<void>{};
}

StoreResult<void> check_schema(Database& database) {
  auto version = read_version(database);
  if (!version) return std::unexpected(std::move(version.error()));
  if (*version == kSchemaVersion) return {};
  return std::unexpected(make_fault(
      FaultKind::open, database.path(),
      *version == 0 ? "has no tables yet" : "was made by an older picortex; start serve once"));
}

}  // namespace picortex
