#include "cli/source/fleet_sql.h"

#include <boost/test/unit_test.hpp>

#include "storage/event_id.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(fleet_sql)

namespace {

// What ClickHouse reads a literal as, or that it does not end where it should.
std::string read_literal(std::string_view sql) {
  std::string out;
  BOOST_REQUIRE(sql.starts_with('\''));
  for (std::size_t i = 1; i < sql.size(); ++i) {
    if (sql[i] == '\'') {
      BOOST_TEST(i + 1 == sql.size());
      return out;
    }
    if (sql[i] != '\\') {
      out += sql[i];
      continue;
    }
    BOOST_REQUIRE(sql.substr(i).size() >= 4);
    BOOST_TEST(sql[i + 1] == 'x');
    out += static_cast<char>(std::stoi(std::string(sql.substr(i + 2, 2)), nullptr, 16));
    i += 3;
  }
  BOOST_ERROR("the literal has no end");
  return out;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_literal_says_every_text_and_ends_at_its_end) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const std::string& text :
       {all, std::string("' OR 1=1 -- \\"), std::string("\\'"), std::string()}) {
    BOOST_TEST(read_literal(sql_text(text)) == text);
  }
  for (const char c : sql_text(all)) BOOST_TEST((c >= ' ' && c < 0x7f));
}

BOOST_AUTO_TEST_CASE(without_a_filter_every_row_fits) {
  BOOST_TEST(sql_condition({}, {}) == "1");
  EventFilter any;
  any.event_type = "*";
  BOOST_TEST(sql_condition(any, {}) == "1");
}

BOOST_AUTO_TEST_CASE(each_part_of_a_filter_is_a_condition) {
  EventFilter filter;
  filter.chat_id = "o'*";
  filter.event_type = "log";
  filter.level = Level::warn;
  filter.since_ms = 1'790'000'000'500;
  filter.until_ms = 1'790'000'001'000;
  filter.text = "A\"b";
  const std::string sql = sql_condition(filter, "host-a");
  for (const char* part :
       {"host = 'host-a'", "chat_id != ''", "chat_id >= 'o\\x27' AND chat_id < 'o\\x28'",
        "event_type = 'log'", "toInt8(level) >= 40", "time >= toDateTime(1790000000)",
        "time_ms >= 1790000000500", "time <= toDateTime(1790000000)", "time_ms <= 1790000000999",
        "position(lower(msg), 'a\\x22b') > 0", "position(lower(data), 'a\\x5c\\x22b') > 0"}) {
    BOOST_TEST(has(sql, part), part << " in " << sql);
  }
}

BOOST_AUTO_TEST_CASE(a_page_begins_after_a_key_in_its_order) {
  EventFilter filter;
  const std::int64_t key = first_key_of(5000) + 7;
  BOOST_TEST(
      has(sql_condition(filter, {}, key), "(time_ms < 5000 OR (time_ms = 5000 AND sequence < 7))"));
  filter.order = EventOrder::oldest_first;
  BOOST_TEST(
      has(sql_condition(filter, {}, key), "(time_ms > 5000 OR (time_ms = 5000 AND sequence > 7))"));
}

BOOST_AUTO_TEST_CASE(conditions_on_fields_narrow_but_do_not_decide) {
  EventFilter filter;
  filter.where.push_back(*FieldCondition::parse("rule=It's"));
  filter.where.push_back(*FieldCondition::parse("type=log"));
  BOOST_TEST(!is_sql_exact(filter));
  const std::string sql = sql_condition(filter, {});
  for (const char* part : {"position(lower(data), 'rule') > 0",
                           "position(lower(data), 'it\\x27s') > 0", "event_type = 'log'"}) {
    BOOST_TEST(has(sql, part), part << " in " << sql);
  }
}

BOOST_AUTO_TEST_SUITE_END()
