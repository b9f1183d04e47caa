#include "handlers/query_runner.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/http_fixture.h"
#include "tests/support/scripted_ring.h"

using namespace picortex;
using test::ScriptedRing;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

// A query whose handler is the test's.
struct Asker {
  void on_slice() noexcept { handle(); }

  std::function<void()> handle;
  int slices = 0;
  RunningQuery query = RunningQuery::to<&Asker::on_slice>(*this);
};

struct RunnerFixture {
  RunnerFixture() { store(100); }
  ~RunnerFixture() {
    for (Asker* asker : {&first, &second}) runner.end(asker->query);
    output.abandon();
  }

  void store(int count) {
    auto opened = EventStore::open(directory.path, kNow);
    BOOST_REQUIRE(opened.has_value());
    EventStore& store = **opened;
    BOOST_REQUIRE(store.begin(kNow).has_value());
    for (int i = 0; i < count; ++i) {
      Event event;
      event.time_ms = kNow + i;
      event.event_type = "t";
      event.request_id.bytes[0] = 1;
      BOOST_REQUIRE(store.append(event).has_value());
    }
    BOOST_REQUIRE(store.commit().has_value());
    BOOST_REQUIRE(store.finish(kNow).has_value());
  }

  // Asks for all events, `rows_max` a slice, and ends when there are no more.
  void ask(Asker& asker, std::size_t rows_max, std::size_t& rows) {
    asker.handle = [this, &asker, &rows] {
      ++asker.slices;
      rows += asker.query.rows().size();
      asker.query.rows().clear();
      if (asker.query.has_failed() || asker.query.is_done()) runner.end(asker.query);
    };
    runner.start(asker.query, {}, {}, rows_max);
  }
  void turn(int count) {
    for (int i = 0; i < count; ++i) reactor->turn();
  }

  test::TemporaryDirectory directory;
  std::unique_ptr<Reactor> reactor = *Reactor::open();
  Output output{*reactor, 1, 65536};
  Log log{*reactor, output, {}};
  EventFeed feed{*reactor};
  EventWriter writer{*reactor, log, feed, directory.path, Durability::power};
  QueryRunner runner{*reactor, log, writer, directory.path};
  Asker first;
  Asker second;
  std::size_t first_rows = 0;
  std::size_t second_rows = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(query_runner, RunnerFixture)

BOOST_AUTO_TEST_CASE(two_queries_take_turns_slice_by_slice) {
  ask(first, 10, first_rows);
  ask(second, 10, second_rows);
  turn(4);
  BOOST_TEST(first.slices == 2);
  BOOST_TEST(second.slices == 2);
  turn(40);
  BOOST_TEST(first_rows == 100u);
  BOOST_TEST(second_rows == 100u);
  BOOST_TEST(first.query.is_idle());
}

BOOST_AUTO_TEST_CASE(a_paused_query_gets_no_slice_until_it_is_resumed) {
  ask(first, 10, first_rows);
  turn(1);
  runner.pause(first.query);
  turn(5);
  BOOST_TEST(first.slices == 1);
  runner.resume(first.query);
  turn(20);
  BOOST_TEST(first_rows == 100u);
}

BOOST_AUTO_TEST_CASE(a_query_whose_client_has_gone_ends_between_slices) {
  ask(first, 10, first_rows);
  ask(second, 10, second_rows);
  turn(1);
  runner.end(first.query);
  turn(20);
  BOOST_TEST(first.slices == 1);
  BOOST_TEST(second_rows == 100u);
}

BOOST_AUTO_TEST_CASE(while_events_wait_there_is_a_pause_behind_each_slice) {
  struct Writer {
    void on_outcome(StoreOutcome) noexcept {}
    Event event;
    Submission submission = Submission::to<&Writer::on_outcome>(*this);
  } client;
  client.event.time_ms = reactor->unix_ms();
  client.event.event_type = "t";
  writer.open();
  writer.submit(client.submission, {&client.event, 1});
  reactor->turn();  // committed, and its fsync does not end
  BOOST_TEST(writer.has_events_waiting());
  std::vector<Instant> slices;
  first.handle = [&] {
    slices.push_back(reactor->now());
    first.query.rows().clear();
  };
  runner.start(first.query, {}, {}, 10);
  for (int i = 0; i < 10'000 && slices.size() < 4; ++i) {
    usleep(1000);
    reactor->turn();
  }
  BOOST_REQUIRE(slices.size() == 4u);
  for (std::size_t i = 1; i < slices.size(); ++i) {
    BOOST_TEST(bool(slices[i] - slices[i - 1] >= QueryRunner::kPause));
  }
  runner.end(first.query);
  ScriptedRing::current().complete(test::Request::Kind::sync, -1, 0);
  turn(5);
  BOOST_TEST(!writer.has_events_waiting());
  writer.close();
}

BOOST_AUTO_TEST_CASE(a_database_that_cannot_be_read_fails_the_query_once) {
  std::filesystem::remove_all(directory.path);
  ask(first, 10, first_rows);
  turn(5);
  BOOST_TEST(first.slices == 1);
  BOOST_TEST(first_rows == 0u);
  BOOST_TEST(first.query.is_idle());
}

BOOST_AUTO_TEST_CASE(behind_a_fault_of_the_writer_a_query_goes_on_where_it_was) {
  ask(first, 10, first_rows);
  turn(3);
  const std::size_t before = first_rows;
  // The writer finds no database where it looks, which is a fault.
  std::filesystem::rename(directory.path, directory.path + ".away");
  writer.open();
  BOOST_TEST(writer.figures().faults == 1u);
  std::filesystem::rename(directory.path + ".away", directory.path);
  turn(20);
  BOOST_TEST(before == 30u);
  BOOST_TEST(first_rows == 100u);
  BOOST_TEST(first.query.is_idle());
}

BOOST_AUTO_TEST_SUITE_END()
