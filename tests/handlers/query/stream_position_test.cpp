#include "handlers/query/stream_position.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(stream_position)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const StreamPosition positions[] = {
      {}, {1, 2, 3}, {UINT64_MAX, UINT64_MAX, INT64_MAX}, {0, 0, 0x1a20a921fc500000}};
  for (const StreamPosition& position : positions) {
    std::string text;
    append_stream_position(text, position);
    BOOST_TEST((parse_stream_position(text) == position), text);
  }
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_position) {
  for (const char* text :
       {"", "-", "--", "1", "1-2", "1-2-", "1-2-3-", "1-2-3-4", "-1-2-3", "1--3", "x-1-2",
        "1-2-8000000000000000", "10000000000000000-1-1", " 1-2-3", "1-2-3 ", "+1-2-3", "0x1-2-3"}) {
    BOOST_TEST(!parse_stream_position(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
