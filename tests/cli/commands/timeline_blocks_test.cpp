#include <boost/test/unit_test.hpp>

#include "cli/commands/timeline.h"

using namespace picortex;

namespace {

struct TimelineFixture {
  std::string lines_of(std::string_view data) {
    EventRow row;
    row.event_type = "t";
    row.msg = "m";
    row.data = data;
    std::string out;
    Timeline(false).append_in_turn(out, {&row, 1});
    const std::size_t line = out.find("  t  m");  // below the header, after time and level
    return line == std::string::npos ? out : out.substr(line + 6);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(timeline_blocks, TimelineFixture)

BOOST_AUTO_TEST_CASE(short_members_stay_on_the_line) {
  BOOST_TEST(lines_of(R"({"a":1,"b":"x y","c":{"d":[1,2]},"score":0.312345678,"n":null})") ==
             "  a=1 b=\"x y\" c={\"d\":[1,2]} score=0.3123 n=null\n");
}

BOOST_AUTO_TEST_CASE(what_every_line_of_a_log_has_is_out_of_the_way) {
  BOOST_TEST(lines_of(R"({"pid":12,"hostname":"h","exit":2})") == "  exit=2\n");
}

BOOST_AUTO_TEST_CASE(a_stack_is_shown_line_by_line) {
  BOOST_TEST(lines_of(R"({"exit":2,"stack":"Error: x\n    at f (a.js:1)\n"})") ==
             "  exit=2\n"
             "      stack\n"
             "        Error: x\n"
             "            at f (a.js:1)\n");
}

BOOST_AUTO_TEST_CASE(a_large_object_is_a_tree) {
  const std::string text(120, 'x');
  BOOST_TEST(
      lines_of(R"({"err":{"type":"T","stack":"T: x\n  at f","list":[1,{"y":0.25}],"long":")" +
               text + "\"}}") ==
      "\n"
      "      err\n"
      "        type: T\n"
      "        stack\n"
      "          T: x\n"
      "            at f\n"
      "        list\n"
      "          - 1\n"
      "          -\n"
      "            y: 0.25\n"
      "        long: " +
          text + "\n");
}

BOOST_AUTO_TEST_CASE(a_tree_is_bounded_and_no_text_leaves_its_line) {
  std::string data = R"({"list":[)";
  for (int i = 0; i < 500; ++i) data += "\"a\\u001b[2J\",";
  data.back() = ']';
  const std::string out = lines_of(data + "}");
  BOOST_TEST(std::count(out.begin(), out.end(), '\n') < 70);
  BOOST_TEST(out.find('\x1b') == std::string::npos);
  BOOST_TEST(out.ends_with("… --json has all of it\n"));
}

BOOST_AUTO_TEST_SUITE_END()
