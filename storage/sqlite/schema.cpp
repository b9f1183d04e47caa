#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

// The cache is small, since writing needs only the ends of a few B-trees.
constexpr const char* kConnectionSql = R"sql(
PRAGMA cell_size_check = ON;
PRAGMA secure_delete = ON;
PRAGMA mmap_size = 0;
PRAGMA cache_size = -2048;
PRAGMA foreign_keys = OFF;
PRAGMA synchronous = FULL;
)sql";

// event.key is time_ms << 20 | sequence: the order of time and, within a millisecond, of arrival.
// So the table is its own time index, and each index below is in time order for one value.
// event.tail is the rest of the ID (storage/event_id.h); 0 where client_id is the ID.
// event.request and event.client_id are UUIDs of 16 bytes; event.level is pino's number.
//
// The view `events` shows events for people. Conditions on its time or chat_id read the whole
// table: fast queries use event.key and the numbers of chat and event_type. Conditions on level use
// their index only together with the literal `level >= 40`.
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

// Version 2: the hosts that the fenced user tried to reach (storage/egress_host_table.h).
constexpr const char* kEgressSql = R"sql(
CREATE TABLE egress_host (
  name TEXT NOT NULL, port INTEGER NOT NULL, protocol INTEGER NOT NULL, outcome INTEGER NOT NULL,
  first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
  PRIMARY KEY (name, port)) STRICT, WITHOUT ROWID;
CREATE INDEX egress_host_by_last_seen ON egress_host (last_seen_ms);
PRAGMA user_version = 2;
)sql";

// Version 3: the turn that last tried to reach a host.
constexpr const char* kLastRequestSql = R"sql(
ALTER TABLE egress_host ADD COLUMN last_request BLOB;
PRAGMA user_version = 3;
)sql";

// Version 4: the attempts at a host by outcome. Earlier attempts all count with the last one's
// outcome.
constexpr const char* kOutcomesSql = R"sql(
CREATE TABLE IF NOT EXISTS egress_outcome (
  name TEXT NOT NULL, port INTEGER NOT NULL, allowed INTEGER NOT NULL, learned INTEGER NOT NULL,
  denied INTEGER NOT NULL, PRIMARY KEY (name, port)) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO egress_outcome
  SELECT name, port, attempts * (outcome = 0), attempts * (outcome = 1),
         attempts * (outcome NOT IN (0, 1)) FROM egress_host;
PRAGMA user_version = 4;
)sql";

// Version 5: the turns of agents (storage/turn_table.h). A turn's chat is its text, since a row may
// outlive the chat's own. turn.cost_micros is NULL while no model call has said its cost, and
// turn.bytes_up while nothing has been measured.
constexpr const char* kTurnsSql = R"sql(
CREATE TABLE IF NOT EXISTS turn (
  request BLOB PRIMARY KEY, chat TEXT NOT NULL, session BLOB, run BLOB,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  is_agent INTEGER NOT NULL DEFAULT 0, is_claimed INTEGER NOT NULL DEFAULT 0,
  state INTEGER NOT NULL DEFAULT 0, state_ms INTEGER NOT NULL DEFAULT 0,
  waited_ms INTEGER NOT NULL DEFAULT 0, model_calls INTEGER NOT NULL DEFAULT 0,
  unknown_costs INTEGER NOT NULL DEFAULT 0, cost_micros INTEGER,
  input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0, cache_creation_tokens INTEGER NOT NULL DEFAULT 0,
  api_ms INTEGER NOT NULL DEFAULT 0, tools INTEGER NOT NULL DEFAULT 0,
  failed_tools INTEGER NOT NULL DEFAULT 0, rejected_tools INTEGER NOT NULL DEFAULT 0,
  api_errors INTEGER NOT NULL DEFAULT 0, retries INTEGER NOT NULL DEFAULT 0,
  blocked_ms INTEGER NOT NULL DEFAULT 0, subagents INTEGER NOT NULL DEFAULT 0,
  connections INTEGER NOT NULL DEFAULT 0, denied INTEGER NOT NULL DEFAULT 0,
  bytes_up INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS turn_by_start ON turn (start_ms) WHERE is_agent = 1;
CREATE INDEX IF NOT EXISTS turn_by_chat ON turn (chat, start_ms) WHERE is_agent = 1;
CREATE INDEX IF NOT EXISTS turn_by_session ON turn (session) WHERE state IN (1, 2);
CREATE INDEX IF NOT EXISTS turn_by_end ON turn (end_ms);
CREATE INDEX IF NOT EXISTS turn_by_cost ON turn (cost_micros) WHERE is_agent = 1;
CREATE INDEX IF NOT EXISTS turn_by_tokens ON turn (
  input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens) WHERE is_agent = 1;
CREATE INDEX IF NOT EXISTS turn_by_duration ON turn (end_ms - start_ms) WHERE is_agent = 1;
CREATE INDEX IF NOT EXISTS turn_by_errors ON turn (api_errors + failed_tools) WHERE is_agent = 1;
CREATE INDEX IF NOT EXISTS turn_by_upload ON turn (bytes_up) WHERE is_agent = 1;
CREATE TABLE IF NOT EXISTS turn_prompt (
  session BLOB NOT NULL, prompt BLOB NOT NULL, request BLOB NOT NULL, start_ms INTEGER NOT NULL,
  is_bound INTEGER NOT NULL, PRIMARY KEY (session, prompt)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turn_prompt_by_start ON turn_prompt (start_ms);
CREATE INDEX IF NOT EXISTS turn_prompt_by_session ON turn_prompt (session, start_ms, request);
CREATE TABLE IF NOT EXISTS turn_message (
  request BLOB PRIMARY KEY, chat TEXT NOT NULL, time_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turn_message_by_chat ON turn_message (chat, time_ms);
CREATE INDEX IF NOT EXISTS turn_message_by_time ON turn_message (time_ms);
CREATE TABLE IF NOT EXISTS turn_run (
  run BLOB PRIMARY KEY, is_process INTEGER NOT NULL, ranges TEXT NOT NULL,
  last_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turn_run_by_last ON turn_run (last_ms);
PRAGMA user_version = 5;
)sql";

// Version 6: the order of arrival, the counts by hour and the filters for texts (storage/index/).
// Events from before have no number of arrival; `old_end_key` is the last of them.
constexpr const char* kIndexesSql = R"sql(
ALTER TABLE event ADD COLUMN arrival INTEGER;
CREATE TABLE arrival (block INTEGER PRIMARY KEY, live INTEGER NOT NULL, keys BLOB NOT NULL) STRICT;
CREATE TABLE rollup (place INTEGER PRIMARY KEY, counts BLOB NOT NULL) STRICT;
CREATE TABLE text_block (
  first INTEGER PRIMARY KEY, last INTEGER NOT NULL, grams BLOB NOT NULL) STRICT;
INSERT OR REPLACE INTO total
  SELECT 'old_end_key', max(key) FROM event HAVING max(key) IS NOT NULL;
PRAGMA user_version = 6;
)sql";

// Version 7: what ended connections to a host have carried (storage/egress_host_table.h).
constexpr const char* kTrafficSql = R"sql(
CREATE TABLE IF NOT EXISTS egress_traffic (
  name TEXT NOT NULL, port INTEGER NOT NULL, connections INTEGER NOT NULL,
  bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL,
  PRIMARY KEY (name, port)) STRICT, WITHOUT ROWID;
PRAGMA user_version = 7;
)sql";

// Version 8: data that are compressed with a dictionary of their type (storage/compression/). Such an event
// has no `data`. And not every message that waits has a row (storage/index/waiting_messages.h), which
// an older picortex would take for granted.
constexpr const char* kCompressionSql = R"sql(
ALTER TABLE event ADD COLUMN compressed BLOB;
CREATE TABLE dictionary (
  number INTEGER PRIMARY KEY, type INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
CREATE INDEX dictionary_by_type ON dictionary (type);
PRAGMA user_version = 8;
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
  auto tables = TRY(database.integer_of("SELECT count(*) FROM sqlite_schema"));
  if (*version == 0 && tables == 0) return version;
  return std::unexpected(
      make_fault(FaultKind::corrupt, database.path(), "holds another program's tables"));
}

StoreResult<void> use_wal(Database& database) {
  TRY(database.execute(kConnectionSql));
  auto mode = TRY(database.text_of("PRAGMA journal_mode = WAL"));
  if (mode == "wal") return {};
  return std::unexpected(
      make_fault(FaultKind::open, database.path(),
                 "its file system cannot hold a write-ahead log (shared memory)"));
}

StoreResult<void> update_tables(Database& database) {
  TRY(database.execute("BEGIN IMMEDIATE"));
  // Read again, now that no other process can be quicker.
  auto version = read_version(database);
  StoreResult<void> done;
  if (!version) done = std::unexpected(std::move(version.error()));
  if (done && *version < 1) done = database.execute(kSchemaSql);
  if (done && *version < 2) done = database.execute(kEgressSql);
  if (done && *version < 3) done = database.execute(kLastRequestSql);
  if (done && *version < 4) done = database.execute(kOutcomesSql);
  if (done && *version < 5) done = database.execute(kTurnsSql);
  if (done && *version < 6) done = database.execute(kIndexesSql);
  if (done && *version < 7) done = database.execute(kTrafficSql);
  if (done && *version < 8) done = database.execute(kCompressionSql);
  if (done) done = database.execute("COMMIT");
  if (!done) database.rollback();
  return done;
}

}  // namespace

StoreResult<void> prepare_schema(Database& database) {
  auto version = TRY(read_version(database));
  TRY(use_wal(database));
  return version < kSchemaVersion ? update_tables(database) : StoreResult<void>{};
}

StoreResult<void> create_tables_in_memory(Database& database) { return update_tables(database); }

StoreResult<void> check_schema(Database& database) {
  auto version = TRY(read_version(database));
  if (version == kSchemaVersion) return {};
  return std::unexpected(make_fault(
      FaultKind::open, database.path(),
      version == 0 ? "has no tables yet" : "was made by an older picortex; start serve once"));
}

StoreResult<void> check_readable(Database& database) {
  auto version = TRY(read_version(database));
  if (version > 0) return {};
  return std::unexpected(make_fault(FaultKind::corrupt, database.path(), "has no tables"));
}

}  // namespace picortex
