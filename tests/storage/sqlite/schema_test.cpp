#include "storage/sqlite/schema.h"

#include <fstream>

#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

struct SchemaFixture : StoreFixture {
  SchemaFixture() { std::ofstream(path()).flush(); }

  std::unique_ptr<Database> database() const { return get(Database::open(path())); }
  void run(const char* sql) const { get(database()->execute(sql)); }
  std::int64_t version() const { return number("PRAGMA user_version"); }
  // The tables and indices as SQLite keeps them.
  std::string schema() const {
    return text("SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(schema, SchemaFixture)

BOOST_AUTO_TEST_CASE(an_empty_file_gets_the_tables_of_this_version) {
  get(prepare_schema(*database()));
  BOOST_TEST(version() == kSchemaVersion);
  BOOST_TEST(text("PRAGMA journal_mode") == "wal");
  for (const char* table : {"event", "event_type", "chat", "total", "egress_host"}) {
    const std::string sql =
        "SELECT count(*) FROM sqlite_schema WHERE name = '" + std::string(table) + "'";
    BOOST_TEST(number(sql) == 1, table);
  }
}

BOOST_AUTO_TEST_CASE(tables_of_this_version_stay_as_they_are) {
  get(prepare_schema(*database()));
  run("INSERT INTO total VALUES ('chats_pruned', 7)");
  const std::string before = schema();
  get(prepare_schema(*database()));
  BOOST_TEST(schema() == before);
  BOOST_TEST(number("SELECT value FROM total WHERE name = 'chats_pruned'") == 7);
}

BOOST_AUTO_TEST_CASE(tables_of_an_older_version_end_up_as_new_ones_are) {
  get(prepare_schema(*database()));
  const std::string wanted = schema();
  // Version 3 had no table of outcomes, whose rows come from its hosts' attempts, no turns and no
  // indexes of arrival, counts and texts.
  run("DROP TABLE turn; DROP TABLE turn_prompt; DROP TABLE turn_message; DROP TABLE turn_run;"
      "ALTER TABLE event DROP COLUMN compressed; DROP TABLE dictionary;"
      "ALTER TABLE event DROP COLUMN arrival; DROP TABLE arrival; DROP TABLE rollup;"
      "DROP TABLE text_block; DROP TABLE egress_outcome; PRAGMA user_version = 3;"
      "INSERT INTO egress_host (name, port, protocol, outcome, first_seen_ms, last_seen_ms, "
      "attempts)"
      " VALUES ('a.test', 443, 6, 0, 1, 2, 5), ('b.test', 443, 6, 2, 1, 2, 3)");
  get(prepare_schema(*database()));
  BOOST_TEST(version() == kSchemaVersion);
  BOOST_TEST(schema() == wanted);
  BOOST_TEST(number("SELECT allowed FROM egress_outcome WHERE name = 'a.test'") == 5);
  BOOST_TEST(number("SELECT denied FROM egress_outcome WHERE name = 'b.test'") == 3);
}

BOOST_AUTO_TEST_CASE(a_database_of_a_newer_picortex_is_left_alone) {
  get(prepare_schema(*database()));
  run("PRAGMA user_version = 1000");
  const std::string before = schema();
  const auto connection = database();
  BOOST_TEST((fault_kind(prepare_schema(*connection)) == FaultKind::newer_schema));
  BOOST_TEST((fault_kind(check_schema(*connection)) == FaultKind::newer_schema));
  BOOST_TEST((fault_kind(check_readable(*connection)) == FaultKind::newer_schema));
  BOOST_TEST(schema() == before);
  BOOST_TEST(version() == 1000);
}

BOOST_AUTO_TEST_CASE(another_programs_database_is_left_alone) {
  run("CREATE TABLE bookmark (url TEXT)");
  const auto connection = database();
  BOOST_TEST((fault_kind(prepare_schema(*connection)) == FaultKind::corrupt));
  BOOST_TEST((fault_kind(check_readable(*connection)) == FaultKind::corrupt));
  BOOST_TEST(schema() == "CREATE TABLE bookmark (url TEXT)");
  BOOST_TEST(version() == 0);
}

BOOST_AUTO_TEST_CASE(a_reader_needs_tables_of_this_version) {
  BOOST_TEST((fault_kind(check_schema(*database())) == FaultKind::open));
  BOOST_TEST((fault_kind(check_readable(*database())) == FaultKind::corrupt));
  get(prepare_schema(*database()));
  get(check_schema(*database()));
  get(check_readable(*database()));
  run("PRAGMA user_version = 3");
  BOOST_TEST((fault_kind(check_schema(*database())) == FaultKind::open));
  get(check_readable(*database()));
}

BOOST_AUTO_TEST_CASE(an_update_that_fails_half_way_changes_nothing) {
  get(prepare_schema(*database()));
  // Of version 2, but for a table that the last step of the update cannot fill.
  run("DROP TABLE egress_host; DROP TABLE egress_outcome; CREATE TABLE egress_outcome (name TEXT);"
      "CREATE TABLE egress_host (name TEXT, port INTEGER, outcome INTEGER, attempts INTEGER);"
      "INSERT INTO egress_host VALUES ('a.test', 443, 0, 1); PRAGMA user_version = 2");
  const std::string before = schema();
  BOOST_TEST(!prepare_schema(*database()).has_value());
  BOOST_TEST(version() == 2);
  BOOST_TEST(schema() == before);
}

BOOST_AUTO_TEST_SUITE_END()
