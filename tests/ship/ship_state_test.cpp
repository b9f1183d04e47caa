#include "ship/ship_state.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "../cli/temporary_directory.h"
#include "ship/durable_file.h"

namespace picortex {

BOOST_AUTO_TEST_SUITE(ship_state)

namespace {

BOOST_AUTO_TEST_CASE(a_position_is_read_back) {
  const TemporaryDirectory directory;
  const ShipFiles files(directory.path(), "t");
  BOOST_REQUIRE(files.make_directory());
  const auto fresh = files.load_position();
  BOOST_REQUIRE(fresh);
  BOOST_TEST(fresh->place == kBeforeAllArrivals);
  BOOST_REQUIRE(files.save_position({.epoch = 9'007'199'254'740'993,
                                     .place = old_arrival(12),
                                     .batch_accepted = 3,
                                     .shipped = 4,
                                     .rejected = 5,
                                     .lapsed = 6,
                                     .complete_ms = 7}));
  const auto read = files.load_position();
  BOOST_REQUIRE(read);
  BOOST_TEST(read->epoch == 9'007'199'254'740'993);
  BOOST_TEST((read->place == old_arrival(12)));
  BOOST_TEST(read->batch_accepted == 3);
  BOOST_TEST(read->shipped == 4);
  BOOST_TEST(read->rejected == 5);
  BOOST_TEST(read->lapsed == 6);
  BOOST_TEST(read->complete_ms == 7);
}

BOOST_AUTO_TEST_CASE(a_damaged_position_is_an_error_and_never_a_fresh_start) {
  const TemporaryDirectory directory;
  const ShipFiles files(directory.path(), "t");
  BOOST_REQUIRE(files.make_directory());
  for (const char* const text : {"", "{", "[]", "{\"epoch\":1}", "{\"epoch\":\"1\",\"place\":2}"}) {
    BOOST_REQUIRE(replace_file(files.directory() + "/position", {text}, Synced::no));
    const auto read = files.load_position();
    BOOST_REQUIRE(!read);
    BOOST_TEST(read.error().what.find("delete it") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_status_is_read_back_and_may_be_missing) {
  const TemporaryDirectory directory;
  const ShipFiles files(directory.path(), "t");
  BOOST_TEST(files.load_status().state.empty());
  BOOST_REQUIRE(files.make_directory());
  files.save_status({.target = "x\n\"",
                     .state = "retrying",
                     .error = "e",
                     .error_ms = 1,
                     .updated_ms = 2,
                     .retries = 3,
                     .rate = 1.5,
                     .pid = 4});
  const ShipStatus read = files.load_status();
  BOOST_TEST(read.target == "x\n\"");
  BOOST_TEST(read.state == "retrying");
  BOOST_TEST(read.rate == 1.5);
  BOOST_TEST(read.retries == 3);
}

BOOST_AUTO_TEST_CASE(rejected_records_are_kept_within_a_bound) {
  const TemporaryDirectory directory;
  const ShipFiles files(directory.path(), "t");
  BOOST_REQUIRE(files.make_directory());
  const std::string line(ShipFiles::kRejectedSizeMax / 2 - 10, 'x');
  BOOST_TEST(files.keep_rejected(line).has_value());
  BOOST_TEST(files.keep_rejected(line).has_value());
  BOOST_TEST(!files.keep_rejected(line).has_value());
}

BOOST_AUTO_TEST_CASE(targets_are_listed_in_order) {
  const TemporaryDirectory directory;
  BOOST_TEST(shipped_targets(directory.path()).empty());
  for (const char* const name : {"b", "a"}) {
    BOOST_REQUIRE(ShipFiles(directory.path(), name).make_directory());
  }
  const auto names = shipped_targets(directory.path());
  BOOST_REQUIRE(names.size() == 2);
  BOOST_TEST(names[0] == "a");
}

BOOST_AUTO_TEST_CASE(the_lag_counts_from_the_place_of_the_same_order) {
  const ShipPosition position{.epoch = 5, .place = 90, .complete_ms = 1000};
  BOOST_TEST(lag_of(position, 5, 100, 4000).events == 10);
  BOOST_TEST(lag_of(position, 5, 100, 4000).ms == 3000);
  BOOST_TEST(lag_of(position, 5, 90, 4000).ms == 0);
  BOOST_TEST(lag_of(position, 6, 100, 4000).events == 100);
  BOOST_TEST(lag_of({.epoch = 5, .place = old_arrival(3)}, 5, 7, 9).events == 7);
  BOOST_TEST(lag_of(position, 5, 100, 10).ms == 0);  // the clock was set back
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace picortex
