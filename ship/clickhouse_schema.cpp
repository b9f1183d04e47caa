#include "ship/clickhouse_schema.h"

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/text.h"

namespace picortex::shipping {
namespace {

constexpr ClickHouseVersion kCodecs{20, 3};
constexpr ClickHouseVersion kIndexes{20, 3};

std::string name_of(const ShipTarget& target) {
  return '`' + target.database + "`.`" + target.table + '`';
}

}  // namespace

Result<std::string> run_statement(const ShipTarget& target, Poster& poster, std::string_view sql) {
  const auto answer = TRY(poster.post(
      {.url = target.url(), .content_type = "text/plain", .body = sql, .on_bytes = {}}));
  if (answer.status == 200) return answer.body;
  std::string what = "the server answers " + std::to_string(answer.status) + ": ";
  append_visible(what, cut_to(trimmed(answer.body, " \t\r\n"), 500));
  return failure(std::move(what));
}

Result<ClickHouseVersion> ask_version(const ShipTarget& target, Poster& poster) {
  const std::string said = TRY(run_statement(target, poster, "SELECT version()"));
  std::string_view text = said;
  ClickHouseVersion version;
  const auto major = take_whole<int>(text);
  if (!major || !text.starts_with('.')) return failure("the server does not say its version");
  text.remove_prefix(1);
  version.major = *major;
  version.minor = take_whole<int>(text).value_or(0);
  return version;
}

std::string clickhouse_schema(const ShipTarget& target, ClickHouseVersion version) {
  const bool has_codecs = version >= kCodecs;
  const bool has_indexes = version >= kIndexes;
  const std::string text_codec = has_codecs ? " CODEC(ZSTD(1))" : "";
  const std::string number_codec = has_codecs ? " CODEC(Delta, ZSTD(1))" : "";
  const std::string name = has_codecs ? "LowCardinality(String)" : "String";
  std::string sql = "CREATE TABLE IF NOT EXISTS " + name_of(target) +
                    "\n(\n"
                    "    host " +
                    name +
                    ",\n"
                    "    time DateTime('UTC')" +
                    number_codec +
                    ",\n"
                    "    time_ms Int64" +
                    number_codec +
                    ",\n"
                    "    sequence UInt32,\n"
                    "    event_id UUID,\n"
                    "    level Enum8('trace' = 10, 'debug' = 20, 'info' = 30, 'warn' = 40, "
                    "'error' = 50, 'fatal' = 60),\n"
                    "    event_type " +
                    name +
                    ",\n"
                    "    chat_id String" +
                    text_codec +
                    ",\n"
                    "    request_id UUID,\n"
                    "    msg String" +
                    text_codec +
                    ",\n"
                    "    data String" +
                    text_codec;
  if (has_indexes) {
    sql +=
        ",\n"
        "    INDEX request request_id TYPE bloom_filter GRANULARITY 4,\n"
        "    INDEX type event_type TYPE set(64) GRANULARITY 4,\n"
        "    INDEX msg_grams lower(msg) TYPE ngrambf_v1(4, 32768, 3, 0) GRANULARITY 4,\n"
        "    INDEX data_grams lower(data) TYPE ngrambf_v1(4, 32768, 3, 0) GRANULARITY 4";
  }
  sql +=
      "\n)\n"
      "ENGINE = ReplacingMergeTree\n"
      "PARTITION BY toYYYYMM(time, 'UTC')\n"
      "ORDER BY (chat_id, time_ms, host, event_id)\n";
  return sql;
}

std::string clickhouse_insert_parameters(const ShipTarget& target) {
  // An acknowledgement of a Distributed table must mean that its shard has the rows.
  return "insert_distributed_sync=1&query=" +
         percent_encoded("INSERT INTO " + name_of(target) +
                         " (host, time, time_ms, sequence, event_id, level, event_type, chat_id, "
                         "request_id, msg, data) FORMAT JSONEachRow");
}

}  // namespace picortex::shipping
