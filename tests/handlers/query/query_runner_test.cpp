#include "handlers/query/query_runner.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/http_fixture.h"
#include "tests/support/scripted_loop.h"
#include "tests/support/scripted_worker.h"

using namespace picortex;
using test::ScriptedWorker;

namespace {

constexpr std::int64_t kQueryNow = 1'700'000'000'000;

// A query whose handler is the test's.
struct Asker {
  void on_slice() noexcept { handle(); }

  std::function<void()> handle;
  int slices = 0;
  RunningQuery query{Callback<>::to<&Asker::on_slice>(*this)};
};

struct RunnerFixture : test::ScriptedLoop {
  RunnerFixture() {
    ScriptedWorker::holds_jobs = false;
    store(100);
  }
  ~RunnerFixture() {
    for (Asker* asker : {&first, &second}) runner.end(asker->query);
    iterate(3);
    output.abandon();
  }

  void store(int count) {
    auto opened = EventStore::open(directory.path, kQueryNow);
    BOOST_REQUIRE(opened.has_value());
    EventStore& store = **opened;
    BOOST_REQUIRE(store.begin(kQueryNow).has_value());
    for (int i = 0; i < count; ++i) {
      Event event;
      event.time_ms = kQueryNow + i;
      event.event_type = "t";
      event.request_id.bytes[0] = 1;
      BOOST_REQUIRE(store.append(event).has_value());
    }
    BOOST_REQUIRE(store.commit().has_value());
    BOOST_REQUIRE(store.finish(kQueryNow).has_value());
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

  test::TemporaryDirectory directory;
  Output output{*reactor, 1, 65536};
  Log log{*reactor, output, {}};
  EventFeed feed{*reactor};
  std::unique_ptr<Worker> store_worker = *Worker::start(*reactor);
  std::unique_ptr<Worker> query_worker = *Worker::start(*reactor);
  EventWriter writer{*reactor, log, feed, *store_worker, directory.path, Durability::power};
  QueryRunner runner{*reactor, log, writer, *query_worker, directory.path};
  Asker first;
  Asker second;
  std::size_t first_rows = 0;
  std::size_t second_rows = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(query_runner, RunnerFixture)

// A slice's end is delivered in the iteration that follows.
BOOST_AUTO_TEST_CASE(two_queries_take_turns_slice_by_slice) {
  ask(first, 10, first_rows);
  ask(second, 10, second_rows);
  iterate(5);
  BOOST_TEST(first.slices == 2);
  BOOST_TEST(second.slices == 2);
  iterate(40);
  BOOST_TEST(first_rows == 100u);
  BOOST_TEST(second_rows == 100u);
  BOOST_TEST(first.query.is_idle());
}

BOOST_AUTO_TEST_CASE(a_paused_query_gets_no_slice_until_it_is_resumed) {
  ask(first, 10, first_rows);
  iterate(1);
  runner.pause(first.query);
  iterate(5);
  BOOST_TEST(first.slices == 1);  // the one that was under way
  runner.resume(first.query);
  iterate(20);
  BOOST_TEST(first_rows == 100u);
}

BOOST_AUTO_TEST_CASE(a_query_may_be_paused_and_resumed_during_its_slice) {
  ScriptedWorker::holds_jobs = true;
  ask(first, 10, first_rows);
  iterate(1);
  runner.pause(first.query);
  runner.resume(first.query);
  iterate(1);
  ScriptedWorker::holds_jobs = false;
  BOOST_TEST(ScriptedWorker::let_one_end());
  BOOST_TEST(!ScriptedWorker::let_one_end());
  iterate(20);
  BOOST_TEST(first.slices >= 10);
  BOOST_TEST(first_rows == 100u);
}

BOOST_AUTO_TEST_CASE(a_query_whose_client_disconnected_ends_silently) {
  ask(first, 10, first_rows);
  ask(second, 10, second_rows);
  iterate(2);
  BOOST_TEST(first.slices == 1);
  runner.end(first.query);
  iterate(20);
  BOOST_TEST(first.slices == 1);
  BOOST_TEST(second_rows == 100u);
}

BOOST_AUTO_TEST_CASE(a_query_may_end_and_another_begin_while_the_disk_is_silent) {
  ScriptedWorker::holds_jobs = true;
  ask(first, 10, first_rows);
  iterate(3);
  BOOST_TEST(!runner.is_idle());
  BOOST_TEST(first.slices == 0);
  runner.end(first.query);
  BOOST_TEST(first.query.is_idle());
  ask(first, 10, first_rows);
  iterate(3);
  ScriptedWorker::holds_jobs = false;
  ScriptedWorker::let_one_end();
  iterate(1);
  BOOST_TEST(first.slices == 0);
  iterate(20);
  BOOST_TEST(first_rows == 100u);
}

BOOST_AUTO_TEST_CASE(the_request_of_an_event_is_found_on_the_way) {
  const auto filter_of = [](const Uuid& request_id) {
    EventFilter filter;
    filter.request_id = request_id;
    return filter;
  };
  Uuid id;
  ask(first, 1, first_rows);
  first.handle = [&] {
    id = first.query.rows().front().id;
    runner.end(first.query);
  };
  iterate(3);
  first.handle = [&] {
    first_rows += std::exchange(first.query.rows(), {}).size();
    if (first.query.is_done()) runner.end(first.query);
  };
  runner.start_for_event(first.query, id, filter_of, 1000);
  iterate(20);
  BOOST_TEST(first_rows == 100u);
  BOOST_TEST(first.query.is_idle());
  id.bytes[15] ^= 1;
  runner.start_for_event(first.query, id, filter_of, 1000);
  iterate(20);
  BOOST_TEST(first_rows == 100u);
  BOOST_TEST(first.query.is_idle());
}

BOOST_AUTO_TEST_CASE(while_events_wait_there_is_a_pause_after_each_slice) {
  struct Writer {
    void on_outcome(StoreOutcome) noexcept {}
    Event event;
    Submission submission{Callback<StoreOutcome>::to<&Writer::on_outcome>(*this)};
  } client;
  client.event.time_ms = reactor->unix_ms();
  client.event.event_type = "t";
  writer.open();
  ScriptedWorker::holds_jobs = true;
  writer.submit(client.submission, {&client.event, 1});
  reactor->iterate();  // the transaction does not end
  ScriptedWorker::holds_jobs = false;
  BOOST_TEST(writer.has_events_waiting());
  std::vector<Instant> slices;
  first.handle = [&] {
    slices.push_back(reactor->now());
    first.query.rows().clear();
  };
  runner.start(first.query, {}, {}, 10);
  BOOST_REQUIRE(iterate_until([&] { return slices.size() == 4; }));
  for (std::size_t i = 1; i < slices.size(); ++i) {
    BOOST_TEST(bool(slices[i] - slices[i - 1] >= QueryRunner::kPause));
  }
  runner.end(first.query);
  ScriptedWorker::let_one_end();
  iterate(5);
  BOOST_TEST(!writer.has_events_waiting());
  writer.close();
  iterate(5);
  BOOST_TEST(writer.is_closed());
}

BOOST_AUTO_TEST_CASE(a_database_that_cannot_be_read_fails_the_query_once) {
  std::filesystem::remove_all(directory.path);
  ask(first, 10, first_rows);
  iterate(5);
  BOOST_TEST(first.slices == 1);
  BOOST_TEST(first_rows == 0u);
  BOOST_TEST(first.query.is_idle());
}

BOOST_AUTO_TEST_CASE(after_a_fault_of_the_writer_a_query_continues_where_it_was) {
  ask(first, 10, first_rows);
  iterate(4);
  const std::size_t before = first_rows;
  // The writer finds no database where it looks, which is a fault.
  std::filesystem::rename(directory.path, directory.path + ".away");
  writer.open();
  BOOST_TEST(writer.stats().faults == 1u);
  std::filesystem::rename(directory.path + ".away", directory.path);
  iterate(20);
  BOOST_TEST(before == 30u);
  BOOST_TEST(first_rows == 100u);
  BOOST_TEST(first.query.is_idle());
}

BOOST_AUTO_TEST_SUITE_END()
