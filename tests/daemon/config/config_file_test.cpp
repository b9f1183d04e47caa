#include "daemon/config/config_file.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(config_file)

namespace {

std::string value_of(std::string_view text) {
  return parse_config(text, "f").value().at("LOG_LEVEL").value;
}

std::string error_of(std::string_view text) {
  const auto lines = parse_config(text, "/etc/p.conf");
  BOOST_REQUIRE_MESSAGE(!lines.has_value(), text);
  return lines.error().what;
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_values_and_their_lines) {
  const auto good = parse_config("# c\n\n; d\nLOG_LEVEL=debug\r\n  PICORTEX_HOSTS= a,b \n", "f");
  BOOST_REQUIRE(good.has_value());
  BOOST_TEST(good->at("LOG_LEVEL").value == "debug");
  BOOST_TEST(good->at("LOG_LEVEL").number == 4);
  BOOST_TEST(good->at("PICORTEX_HOSTS").value == "a,b");
  BOOST_TEST(good->at("PICORTEX_HOSTS").number == 5);
}

BOOST_AUTO_TEST_CASE(takes_quotes_away) {
  BOOST_TEST(value_of("LOG_LEVEL=\"debug\"") == "debug");
  BOOST_TEST(value_of("LOG_LEVEL='a \"b\" c'") == "a \"b\" c");
  BOOST_TEST(value_of(R"(LOG_LEVEL="a\"b\\c\d")") == R"(a"b\c\d)");
  BOOST_TEST(value_of("LOG_LEVEL=a=b # no comment") == "a=b # no comment");
}

BOOST_AUTO_TEST_CASE(an_empty_value_counts_as_not_given) {
  BOOST_TEST(parse_config("LOG_LEVEL=\nPICORTEX_HOSTS=''\n", "f")->empty());
  BOOST_TEST(parse_config("", "f")->empty());
}

BOOST_AUTO_TEST_CASE(an_error_names_file_line_and_cause) {
  BOOST_TEST(error_of("\nLOG_LEVL=debug") ==
             "/etc/p.conf:2: \"LOG_LEVL\" is not the name of an option");
  BOOST_TEST(error_of("export LOG_LEVEL=debug") ==
             "/etc/p.conf:1: \"export LOG_LEVEL\" is not the name of an option");
  BOOST_TEST(error_of("PICORTEX_CONFIG=/x") ==
             "/etc/p.conf:1: \"PICORTEX_CONFIG\" is not the name of an option");
  BOOST_TEST(error_of("LOG_LEVEL = x") ==
             "/etc/p.conf:1: \"LOG_LEVEL \" is not the name of an option");
  BOOST_TEST(error_of("hello") == "/etc/p.conf:1: \"hello\" is not a NAME=value line");
  BOOST_TEST(error_of("LOG_LEVEL=\"x") == "/etc/p.conf:1: LOG_LEVEL has a quote without its pair");
  BOOST_TEST(error_of("LOG_LEVEL=\"x\\\"") ==
             "/etc/p.conf:1: LOG_LEVEL has a quote without its pair");
  BOOST_TEST(error_of("LOG_LEVEL='a'b'") ==
             "/etc/p.conf:1: LOG_LEVEL has a quote without its pair");
  BOOST_TEST(error_of("LOG_LEVEL=\"") == "/etc/p.conf:1: LOG_LEVEL has a quote without its pair");
  BOOST_TEST(error_of("LOG_LEVEL=a\\\nb") ==
             "/etc/p.conf:1: LOG_LEVEL ends in a backslash: continuation lines are not supported");
  BOOST_TEST(error_of("LOG_LEVEL=a\x1b[2J") ==
             "/etc/p.conf:1: LOG_LEVEL holds a control character");
  BOOST_TEST(error_of("LOG_LEVEL=a\n\nLOG_LEVEL=b") ==
             "/etc/p.conf:3: LOG_LEVEL is set in line 1 already");
  BOOST_TEST(error_of("\x1b[2Jx\a") ==
             "/etc/p.conf:1: \"\\u001b[2Jx\\u0007\" is not a NAME=value line");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_an_error_with_its_errno) {
  BOOST_TEST(read_config_file("/nonexistent/x").error().code == ENOENT);
  BOOST_TEST(read_config_file("/nonexistent/x").error().what ==
             "cannot read \"/nonexistent/x\": No such file or directory");
  BOOST_TEST(read_config_file("/dev/zero").error().what ==
             "cannot read \"/dev/zero\": not a regular file");
}

BOOST_AUTO_TEST_SUITE_END()
