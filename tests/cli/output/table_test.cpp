#include "cli/output/table.h"

#include <boost/test/unit_test.hpp>

#include "cli/output/chart.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(table)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_text) {
  Table table({{"chat"}, {"events", Table::Side::right}, {"note"}});
  table.add({"a", "1,234", ""});
  table.add({"a longer é", "7", "x"});
  std::string out;
  table.append(out);
  BOOST_TEST(out ==
             "chat        events  note\n"
             "a            1,234\n"
             "a longer é       7  x\n");
}

BOOST_AUTO_TEST_CASE(texts_are_one_line_each_and_do_nothing_to_a_terminal) {
  Table table(std::vector<Table::Column>{{"chat"}});
  table.add({"\x1b[31mred\nline"});
  table.add({std::string(500, 'x')});
  std::string out;
  table.append(out);
  BOOST_TEST(out == "chat\n\\u001b[31mred\\nline\n" + std::string(79, 'x') + "…\n");
}

BOOST_AUTO_TEST_CASE(numbers_are_shown_as_people_read_them) {
  BOOST_TEST(grouped_digits(0) == "0");
  BOOST_TEST(grouped_digits(999) == "999");
  BOOST_TEST(grouped_digits(1'000) == "1,000");
  BOOST_TEST(grouped_digits(-1'234'567) == "-1,234,567");
  BOOST_TEST(rounded(0.1 + 0.2) == "0.3");
  BOOST_TEST(rounded(81000) == "81000");
  BOOST_TEST(rounded(1.00004) == "1");
  BOOST_TEST(rounded(-0.00001) == "0");
  BOOST_TEST(rounded(2.5e17) == "2.5e+17");
}

BOOST_AUTO_TEST_CASE(bars_are_in_proportion_and_never_nothing_for_something) {
  BOOST_TEST(bar(8, 8, 2) == "██");
  BOOST_TEST(bar(4, 8, 2) == "█");
  BOOST_TEST(bar(1, 8, 1) == "▏");
  BOOST_TEST(bar(1, 1'000'000, 10) == "▏");
  BOOST_TEST(bar(0, 8, 10).empty());
  BOOST_TEST(bar(3, 0, 10).empty());
}

BOOST_AUTO_TEST_SUITE_END()
