#include "handlers/pipeline/event_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/time/durations.h"
#include "base/uuid/uuid_v7.h"
#include "tests/support/http_fixture.h"
#include "tests/support/scripted_loop.h"
#include "tests/support/scripted_worker.h"

using namespace picortex;
using test::Request;
using test::ScriptedWorker;

namespace {

// One who submits events and hears how it went.
struct Client {
  void on_outcome(StoreOutcome outcome) noexcept {
    outcomes.push_back(outcome);
    if (again != nullptr) again->submit(submission, events);
    again = nullptr;
  }
  bool is_stored() const { return outcomes.size() == 1 && outcomes[0] == StoreOutcome::stored; }
  bool is_rejected() const {
    return outcomes.size() == 1 && outcomes[0] == StoreOutcome::unavailable;
  }

  std::vector<Event> events;
  std::vector<StoreOutcome> outcomes;
  EventWriter* again = nullptr;  // to submit to in the handler
  Submission submission{Callback<StoreOutcome>::to<&Client::on_outcome>(*this)};
};

struct WriterFixture : test::ScriptedLoop {
  explicit WriterFixture(Durability durability = Durability::power) {
    feed = std::make_unique<EventFeed>(*reactor);
    ScriptedWorker::holds_jobs = false;
    writer =
        std::make_unique<EventWriter>(*reactor, log, *feed, *worker, directory.path, durability);
    writer->open();
    BOOST_REQUIRE(writer->is_available());
  }
  ~WriterFixture() {
    let_jobs_end();
    BOOST_TEST(writer->is_idle());
    writer->close();
    iterate(5);
    BOOST_TEST(writer->is_closed());
    output.abandon();
    reactor->iterate();
  }

  Client& submit(std::size_t count, std::string_view type = "test.event") {
    Client& client = clients.emplace_back();
    for (std::size_t i = 0; i < count; ++i) {
      Event event;
      event.time_ms = reactor->unix_ms();
      event.event_type = type;
      event.request_id = ids.next(reactor->unix_ms());
      client.events.push_back(event);
    }
    writer->submit(client.submission, client.events);
    return client;
  }

  // From now on the disk answers only when the test says so.
  void hold_jobs() { ScriptedWorker::holds_jobs = true; }
  // One job, of those that are held.
  bool end_job() {
    const bool has_ended = ScriptedWorker::let_one_end();
    reactor->iterate();
    return has_ended;
  }
  void let_jobs_end() {
    ScriptedWorker::holds_jobs = false;
    for (int turn = 0; turn < 2000 && !writer->is_idle(); ++turn) end_job();
  }

  std::unique_ptr<Database> second_connection() {
    auto opened = Database::open(directory.path + "/picortex.db");
    BOOST_REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  // A read transaction that stays open.
  std::unique_ptr<Database> begin_reading() {
    auto other = second_connection();
    BOOST_REQUIRE(other->execute("BEGIN; SELECT count(*) FROM event").has_value());
    return other;
  }
  std::int64_t rows() { return *second_connection()->integer_of("SELECT count(*) FROM events"); }

  std::string logged() {
    log.flush();
    return script.is_asked(Request::Kind::write) ? script.request(Request::Kind::write).bytes : "";
  }

  test::TemporaryDirectory directory;
  Output output{*reactor, 1, 65536};
  Log log{*reactor, output, {}};
  std::unique_ptr<EventFeed> feed;
  std::unique_ptr<Worker> worker = *Worker::start(*reactor);
  std::unique_ptr<EventWriter> writer;
  UuidV7Generator ids;
  std::deque<Client> clients;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_writer, WriterFixture)

BOOST_AUTO_TEST_CASE(answers_only_when_the_disk_has_answered) {
  hold_jobs();
  const Client& client = submit(3);
  BOOST_TEST(!writer->is_idle());
  iterate(5);
  BOOST_TEST(client.outcomes.empty());
  BOOST_TEST(rows() == 0);
  BOOST_TEST(end_job());
  BOOST_TEST(client.is_stored());
  BOOST_TEST(writer->is_idle());
  BOOST_TEST(rows() == 3);
  BOOST_TEST(writer->stats().events == 3u);
}

BOOST_AUTO_TEST_CASE(what_arrives_during_a_transaction_waits_for_the_next) {
  hold_jobs();
  const Client& first = submit(1);
  reactor->iterate();
  const Client& second = submit(1);
  const Client& third = submit(1);
  reactor->iterate();
  end_job();
  BOOST_TEST(first.is_stored());
  BOOST_TEST(second.outcomes.empty());
  BOOST_TEST(writer->stats().commits == 1u);
  end_job();
  BOOST_TEST(second.is_stored());
  BOOST_TEST(third.is_stored());
  BOOST_TEST(writer->stats().commits == 2u);
}

BOOST_AUTO_TEST_CASE(the_loop_answers_for_the_store_while_a_job_runs) {
  submit(5, "tmux.turn.start");
  let_jobs_end();
  const std::int64_t minute = reactor->unix_ms() / 60'000;
  hold_jobs();
  submit(7, "tmux.turn.start");
  reactor->iterate();
  BOOST_TEST(writer->is_available());
  BOOST_TEST(writer->metrics().turns_total == 5);
  BOOST_TEST(writer->counts_of(minute).turns + writer->counts_of(minute - 1).turns <= 5);
  BOOST_TEST(writer->counts_of(0).turns == 0);
  BOOST_TEST(writer->counts_of(minute + 9'000).turns == 0);
  let_jobs_end();
  BOOST_TEST(writer->metrics().turns_total == 12);
  BOOST_TEST(writer->counts_of(minute).turns + writer->counts_of(minute + 1).turns == 12);
}

// As fsync(2) says: what a failed one was about may be gone.
BOOST_AUTO_TEST_CASE(a_disk_that_fails_rejects_all_that_wait_and_is_tried_again) {
  hold_jobs();
  const Client& written = submit(1);
  reactor->iterate();
  const Client& waiting = submit(1);
  const std::string away = directory.path + ".away";
  std::filesystem::rename(directory.path, away);
  end_job();
  BOOST_TEST(written.is_rejected());
  BOOST_TEST(waiting.is_rejected());
  BOOST_TEST(!writer->is_available());
  BOOST_TEST(writer->stats().faults == 1u);
  BOOST_TEST(writer->stats().events_waiting == 0u);
  std::filesystem::rename(away, directory.path);
  ScriptedWorker::holds_jobs = false;
  BOOST_TEST(iterate_until([&] { return writer->is_available(); }));
  const Client& later = submit(1);
  let_jobs_end();
  BOOST_TEST(later.is_stored());
  BOOST_TEST(logged().find("db.degraded") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_event_submitted_while_others_are_rejected_is_answered_too) {
  hold_jobs();
  Client& client = submit(1);
  client.again = writer.get();
  reactor->iterate();
  std::filesystem::rename(directory.path, directory.path + ".away");
  end_job();
  reactor->iterate();
  std::filesystem::rename(directory.path + ".away", directory.path);
  BOOST_TEST(client.outcomes.size() == 2u);
  BOOST_TEST((client.outcomes.back() == StoreOutcome::unavailable));
  BOOST_TEST(writer->is_idle());
  BOOST_TEST(writer->stats().events_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(a_disk_that_stays_silent_is_wedged_and_can_be_abandoned) {
  hold_jobs();
  const Client& waiting = submit(1);
  reactor->iterate();
  pass(EventWriter::kJobMax);
  BOOST_TEST(!writer->is_wedged());
  pass(std::chrono::milliseconds(1));
  BOOST_TEST(writer->is_wedged());
  const Client& later = submit(1);
  writer->abandon();
  BOOST_TEST(writer->is_closed());
  BOOST_TEST(!writer->is_available());
  BOOST_TEST(waiting.is_rejected());
  BOOST_TEST(later.is_rejected());
  // The job runs after all: it no longer touches the events, which may be gone.
  clients.front().events.clear();
  end_job();
  writer->abandon();
  BOOST_TEST(waiting.is_rejected());
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(a_large_submission_is_one_transaction_and_delays_no_other) {
  hold_jobs();
  const Client& large = submit(1500);
  const Client& small = submit(1);
  reactor->iterate();
  BOOST_TEST(large.outcomes.empty());
  end_job();
  BOOST_TEST(large.is_stored());
  BOOST_TEST(small.outcomes.empty());
  BOOST_TEST(rows() == 1500);
  BOOST_TEST(writer->stats().commits == 1u);
}

BOOST_AUTO_TEST_CASE(a_transaction_is_bounded_in_bytes_as_well) {
  hold_jobs();
  const std::string data = '"' + std::string(900'000, 'x') + '"';
  for (int i = 0; i < 12; ++i) {
    submit(1);
    clients.back().events[0].data = data;
  }
  let_jobs_end();
  BOOST_TEST(writer->stats().events == 12u);
  BOOST_TEST(writer->stats().commits == 3u);
}

BOOST_AUTO_TEST_CASE(there_is_room_up_to_the_bound) {
  BOOST_TEST(writer->has_room(EventWriter::kEventsWaitingMax));
  BOOST_TEST(!writer->has_room(EventWriter::kEventsWaitingMax + 1));
  submit(10);
  BOOST_TEST(!writer->has_room(EventWriter::kEventsWaitingMax - 9));
  BOOST_TEST(writer->has_room(EventWriter::kEventsWaitingMax - 10));
  let_jobs_end();
  BOOST_TEST(writer->has_room(EventWriter::kEventsWaitingMax));
}

BOOST_AUTO_TEST_CASE(a_lock_that_passes_delays_and_rejects_nothing) {
  const auto other = second_connection();
  BOOST_REQUIRE(other->execute("BEGIN IMMEDIATE").has_value());
  const Client& client = submit(1);
  iterate(3);
  BOOST_TEST(client.outcomes.empty());
  BOOST_TEST(writer->is_available());
  BOOST_REQUIRE(other->execute("ROLLBACK").has_value());
  BOOST_TEST(iterate_until([&] { return client.is_stored(); }));
}

BOOST_AUTO_TEST_CASE(a_lock_that_stays_rejects_until_it_is_released) {
  const auto other = second_connection();
  BOOST_REQUIRE(other->execute("BEGIN IMMEDIATE").has_value());
  const Client& client = submit(1);
  BOOST_TEST(iterate_until([&] { return !client.outcomes.empty(); }));
  BOOST_TEST(client.is_rejected());
  BOOST_TEST(!writer->is_available());
  BOOST_REQUIRE(other->execute("ROLLBACK").has_value());
  BOOST_TEST(iterate_until([&] { return writer->is_available(); }));
  const Client& later = submit(1);
  let_jobs_end();
  BOOST_TEST(later.is_stored());
  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_repeat_is_stored_once_and_counts_as_stored) {
  Client& first = submit(1);
  let_jobs_end();
  Client& second = clients.emplace_back();
  first.events[0].id = ids.next(reactor->unix_ms());
  second.events = {first.events[0], first.events[0]};
  writer->submit(second.submission, second.events);
  let_jobs_end();
  BOOST_TEST(second.is_stored());
  BOOST_TEST(writer->stats().duplicates == 1u);
  BOOST_TEST(rows() == 2);
}

BOOST_AUTO_TEST_CASE(the_log_is_copied_in_separate_jobs_and_restarts) {
  int longest = 0;
  std::int64_t submitted = 0;
  while (writer->stats().checkpoints < 5) {
    const Client& client = submit(500);
    submitted += 500;
    let_jobs_end();
    BOOST_REQUIRE(client.is_stored());
    longest = std::max(longest, writer->stats().wal_frames);
  }
  BOOST_TEST(longest < 4000);
  BOOST_TEST(writer->stats().faults == 0u);
  BOOST_TEST(rows() == submitted);
}

BOOST_AUTO_TEST_CASE(events_do_not_wait_until_a_long_log_is_copied) {
  auto other = begin_reading();
  while (writer->stats().wal_frames < 12'000) {
    submit(1000);
    let_jobs_end();
  }
  other.reset();
  BOOST_TEST(iterate_until([this] { return writer->stats().checkpoints > 1; }));
  hold_jobs();
  for (int i = 0; i < 3; ++i) {
    const Client& client = submit(1);
    reactor->iterate();
    // At most one round of the checkpoint is ahead of it, and the one that runs.
    for (int jobs = 0; jobs < 3 && client.outcomes.empty(); ++jobs) end_job();
    BOOST_TEST(client.is_stored());
  }
}

BOOST_AUTO_TEST_CASE(readers_that_hold_the_log_are_named_and_clients_finally_rejected) {
  writer->keep_within({.size_max = Retention::kSizeMaxMin}, 0);
  auto other = begin_reading();
  const std::string data = '"' + std::string(100'000, 'x') + '"';
  const auto store_some = [&] {
    submit(5);
    for (Event& event : clients.back().events) event.data = data;
    let_jobs_end();
  };
  while (writer->stats().log_size < LogWatch::kHeldMin) store_some();
  BOOST_TEST(iterate_until([this] { return logged().find("db.log_held") != std::string::npos; }));
  BOOST_TEST(logged().find("PID " + std::to_string(getpid())) != std::string::npos);
  BOOST_TEST(writer->log_is_held());
  BOOST_TEST(!writer->log_is_too_long());
  while (writer->stats().log_size < LogWatch::kTooLongMin) store_some();
  BOOST_TEST(writer->log_is_too_long());
  BOOST_TEST(writer->stats().log_size < LogWatch::kFullMin);
  BOOST_TEST(writer->is_open_to(1));
  while (writer->stats().log_size < LogWatch::kFullMin) store_some();
  BOOST_TEST(writer->log_is_full());
  BOOST_TEST(!writer->is_open_to(1));
  BOOST_TEST(writer->is_available());
  other.reset();
  BOOST_TEST(iterate_until([this] { return !writer->log_is_held() && writer->is_idle(); }));
  BOOST_TEST(writer->is_open_to(1));
  BOOST_TEST(iterate_until([this] { return writer->stats().size < (std::int64_t{64} << 20); }));
}

BOOST_AUTO_TEST_CASE(without_a_size_limit_no_client_is_rejected) {
  test::TemporaryDirectory unused;
  LogWatch watch(log);
  watch.note_size(std::int64_t{1} << 40);
  BOOST_TEST((watch.level() == LogWatch::Level::too_long));
  watch.limit(std::int64_t{1} << 30);
  watch.note_size(LogWatch::kFullMin);
  BOOST_TEST((watch.level() == LogWatch::Level::too_long));
  watch.note_size(std::int64_t{1} << 27);
  BOOST_TEST((watch.level() == LogWatch::Level::full));
  watch.note_size(LogWatch::kHeldMin);
  BOOST_TEST((watch.level() == LogWatch::Level::held));
  watch.note_size(0);
  BOOST_TEST((watch.level() == LogWatch::Level::none));
}

BOOST_AUTO_TEST_CASE(a_database_that_is_spoiled_while_it_is_used_is_noticed) {
  submit(10);
  let_jobs_end();
  const int file = ::open((directory.path + "/picortex.db").c_str(), O_WRONLY | O_CLOEXEC);
  BOOST_REQUIRE(pwrite(file, "spoiled", 7, 0) == 7);
  BOOST_TEST(iterate_until([this] { return !writer->is_available(); }));
  BOOST_TEST(logged().find("db.degraded") != std::string::npos);
  BOOST_REQUIRE(pwrite(file, "SQLite ", 7, 0) == 7);
  BOOST_TEST(iterate_until([this] { return writer->is_available(); }));
  close(file);
  BOOST_TEST(rows() == 10);
}

BOOST_AUTO_TEST_CASE(old_events_are_deleted_in_the_transaction_of_new_ones) {
  Client& old = submit(20);
  for (Event& event : old.events) event.time_ms -= 2 * kDayMs;
  let_jobs_end();
  BOOST_TEST(rows() == 20);
  writer->keep_within({.age_max_ms = kDayMs}, 0);
  submit(1);
  let_jobs_end();
  // More than came, and no more than a turn has time for.
  BOOST_TEST(writer->stats().pruned == 17u);
  BOOST_TEST(rows() == 4);
}

BOOST_AUTO_TEST_CASE(without_arrivals_old_events_are_deleted_in_small_transactions) {
  Client& old = submit(300);
  for (Event& event : old.events) event.time_ms -= 2 * kDayMs;
  submit(2);
  let_jobs_end();
  const std::uint64_t commits = writer->stats().commits;
  writer->keep_within({.age_max_ms = kDayMs}, 0);
  BOOST_TEST(iterate_until([this] { return writer->stats().pruned == 300; }));
  BOOST_TEST(writer->stats().commits - commits == 3u);
  BOOST_TEST(rows() == 2);
}

BOOST_AUTO_TEST_CASE(clients_are_rejected_while_the_disk_is_nearly_full) {
  writer->keep_within({}, std::uint64_t{1} << 62);
  BOOST_TEST(!writer->is_open_to(1));
  BOOST_TEST(writer->is_available());
  BOOST_TEST(logged().find("db.disk_low") != std::string::npos);
  // The daemon's own events are stored nevertheless.
  const Client& own = submit(1);
  let_jobs_end();
  BOOST_TEST(own.is_stored());
  writer->keep_within({}, 1);
  BOOST_TEST(writer->is_open_to(1));
}

BOOST_AUTO_TEST_SUITE_END()
