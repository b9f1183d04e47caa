#include "handlers/event_writer.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid_v7.h"
#include "tests/support/http_fixture.h"

using namespace picortex;
using test::Request;
using test::ScriptedRing;

namespace {

constexpr std::int64_t kDayMs = 86'400'000;

// One who submits events and hears how it went.
struct Client {
  void on_outcome(StoreOutcome outcome) noexcept {
    outcomes.push_back(outcome);
    if (again != nullptr) again->submit(submission, events);
    again = nullptr;
  }
  bool is_stored() const { return outcomes.size() == 1 && outcomes[0] == StoreOutcome::stored; }
  bool is_refused() const {
    return outcomes.size() == 1 && outcomes[0] == StoreOutcome::unavailable;
  }

  std::vector<Event> events;
  std::vector<StoreOutcome> outcomes;
  EventWriter* again = nullptr;  // to submit to in the handler
  Submission submission = Submission::to<&Client::on_outcome>(*this);
};

struct WriterFixture {
  explicit WriterFixture(Durability durability = Durability::power)
      : reactor(*Reactor::open()), script(ScriptedRing::current()) {
    feed = std::make_unique<EventFeed>(*reactor);
    writer = std::make_unique<EventWriter>(*reactor, log, *feed, directory.path, durability);
    writer->open();
    BOOST_REQUIRE(writer->is_available());
  }
  ~WriterFixture() {
    end_syncs();
    BOOST_TEST(writer->is_idle());
    writer->close();
    output.abandon();
    reactor->turn();
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

  bool is_syncing() { return script.is_asked(Request::Kind::sync); }
  void end_sync(int result) {
    script.complete(Request::Kind::sync, -1, result);
    reactor->turn();
  }
  void end_syncs() {
    for (int turn = 0; turn < 2000 && !writer->is_idle(); ++turn) {
      is_syncing() ? end_sync(0) : reactor->turn();
    }
  }

  // Turns for as long as it takes, so that the writer's ticks come.
  template <class Done>
  bool wait_until(Done done) {
    for (int i = 0; i < 900 && !done(); ++i) {
      usleep(10'000);
      reactor->turn();
    }
    return done();
  }

  std::unique_ptr<Database> second_connection() {
    auto opened = Database::open(directory.path + "/picortex.db");
    BOOST_REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  std::int64_t rows() { return *second_connection()->integer_of("SELECT count(*) FROM events"); }

  std::string logged() {
    log.flush();
    return script.is_asked(Request::Kind::write) ? script.request(Request::Kind::write).bytes : "";
  }

  test::TemporaryDirectory directory;
  std::unique_ptr<Reactor> reactor;
  ScriptedRing& script;
  Output output{*reactor, 1, 65536};
  Log log{*reactor, output, {}};
  std::unique_ptr<EventFeed> feed;
  std::unique_ptr<EventWriter> writer;
  UuidV7Generator ids;
  std::deque<Client> clients;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_writer, WriterFixture)

BOOST_AUTO_TEST_CASE(answers_only_when_the_fsync_has_ended) {
  const Client& client = submit(3);
  BOOST_TEST(!writer->is_idle());
  reactor->turn();
  BOOST_TEST(is_syncing());
  for (int turn = 0; turn < 5; ++turn) reactor->turn();
  BOOST_TEST(client.outcomes.empty());
  end_sync(0);
  BOOST_TEST(client.is_stored());
  BOOST_TEST(writer->is_idle());
  BOOST_TEST(rows() == 3);
  BOOST_TEST(writer->figures().events == 3u);
}

BOOST_AUTO_TEST_CASE(with_process_durability_a_commit_is_enough) {
  WriterFixture it(Durability::process);
  const Client& client = it.submit(1);
  it.reactor->turn();
  BOOST_TEST(client.is_stored());
  BOOST_TEST(!it.is_syncing());
}

BOOST_AUTO_TEST_CASE(what_arrives_during_an_fsync_waits_for_the_next_transaction) {
  const Client& first = submit(1);
  reactor->turn();
  const Client& second = submit(1);
  const Client& third = submit(1);
  reactor->turn();
  BOOST_TEST(writer->figures().commits == 1u);
  end_sync(0);
  BOOST_TEST(first.is_stored());
  BOOST_TEST(second.outcomes.empty());
  BOOST_TEST(writer->figures().commits == 2u);
  end_sync(0);
  BOOST_TEST(second.is_stored());
  BOOST_TEST(third.is_stored());
}

BOOST_AUTO_TEST_CASE(a_failed_fsync_refuses_all_that_wait_and_opens_the_store_anew) {
  const Client& synced = submit(1);
  reactor->turn();
  const Client& waiting = submit(1);
  end_sync(-EIO);
  BOOST_TEST(synced.is_refused());
  BOOST_TEST(waiting.is_refused());
  BOOST_TEST(!is_syncing());
  BOOST_TEST(!writer->is_available());
  BOOST_TEST(writer->figures().faults == 1u);
  BOOST_TEST(wait_until([&] { return writer->is_available(); }));
  const Client& later = submit(1);
  end_syncs();
  BOOST_TEST(later.is_stored());
  BOOST_TEST(logged().find("db.degraded") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_event_submitted_while_others_are_refused_is_answered_too) {
  Client& client = submit(1);
  client.again = writer.get();
  reactor->turn();
  end_sync(-EIO);
  reactor->turn();
  BOOST_TEST(client.outcomes.size() == 2u);
  BOOST_TEST((client.outcomes.back() == StoreOutcome::unavailable));
  BOOST_TEST(writer->is_idle());
  BOOST_TEST(writer->figures().events_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(a_large_submission_takes_several_turns_and_one_transaction) {
  const Client& large = submit(1500);
  reactor->turn();
  BOOST_TEST(!is_syncing());
  BOOST_TEST(rows() == 0);
  int turns = 1;
  for (; turns < 100 && !is_syncing(); ++turns) reactor->turn();
  BOOST_TEST(turns > 4);
  BOOST_TEST(writer->figures().commits == 1u);
  BOOST_TEST(large.outcomes.empty());
  end_sync(0);
  BOOST_TEST(large.is_stored());
  BOOST_TEST(rows() == 1500);
}

BOOST_AUTO_TEST_CASE(the_counters_of_a_transaction_under_way_do_not_show) {
  submit(1);
  end_syncs();
  const std::int64_t before = writer->metrics().turns_total;
  submit(600, "tmux.turn.start");
  reactor->turn();
  BOOST_TEST(writer->metrics().turns_total == before);
  end_syncs();
  BOOST_TEST(writer->metrics().turns_total == before + 600);
}

BOOST_AUTO_TEST_CASE(there_is_room_for_so_many_and_no_more) {
  BOOST_TEST(writer->has_room(EventWriter::kEventsWaitingMax));
  BOOST_TEST(!writer->has_room(EventWriter::kEventsWaitingMax + 1));
  submit(10);
  BOOST_TEST(!writer->has_room(EventWriter::kEventsWaitingMax - 9));
  BOOST_TEST(writer->has_room(EventWriter::kEventsWaitingMax - 10));
  end_syncs();
  BOOST_TEST(writer->has_room(EventWriter::kEventsWaitingMax));
}

BOOST_AUTO_TEST_CASE(a_lock_that_passes_delays_and_refuses_nothing) {
  const auto other = second_connection();
  BOOST_REQUIRE(other->execute("BEGIN IMMEDIATE").has_value());
  const Client& client = submit(1);
  for (int turn = 0; turn < 3; ++turn) reactor->turn();
  BOOST_TEST(client.outcomes.empty());
  BOOST_TEST(writer->is_available());
  BOOST_REQUIRE(other->execute("ROLLBACK").has_value());
  BOOST_TEST(wait_until([&] { return is_syncing(); }));
  end_sync(0);
  BOOST_TEST(client.is_stored());
}

BOOST_AUTO_TEST_CASE(a_lock_that_does_not_pass_refuses_until_it_is_gone) {
  const auto other = second_connection();
  BOOST_REQUIRE(other->execute("BEGIN IMMEDIATE").has_value());
  const Client& client = submit(1);
  BOOST_TEST(wait_until([&] { return !client.outcomes.empty(); }));
  BOOST_TEST(client.is_refused());
  BOOST_TEST(!writer->is_available());
  BOOST_REQUIRE(other->execute("ROLLBACK").has_value());
  BOOST_TEST(wait_until([&] { return writer->is_available(); }));
  const Client& later = submit(1);
  end_syncs();
  BOOST_TEST(later.is_stored());
  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_repeat_is_stored_once_and_counts_as_stored) {
  Client& first = submit(1);
  end_syncs();
  Client& second = clients.emplace_back();
  first.events[0].id = ids.next(reactor->unix_ms());
  second.events = {first.events[0], first.events[0]};
  writer->submit(second.submission, second.events);
  end_syncs();
  BOOST_TEST(second.is_stored());
  BOOST_TEST(writer->figures().repeats == 1u);
  BOOST_TEST(rows() == 2);
}

BOOST_AUTO_TEST_CASE(commits_go_on_during_a_checkpoint_until_the_log_is_long_and_starts_anew) {
  submit(1);
  reactor->turn();
  const int log_file = script.request(Request::Kind::sync).file;
  end_sync(0);
  std::int64_t submitted = 1;
  const auto store_some = [&] {
    const Client& client = submit(500);
    submitted += 500;
    for (int turn = 0; turn < 50 && client.outcomes.empty(); ++turn) {
      if (script.is_asked(Request::Kind::sync, log_file)) {
        script.complete(Request::Kind::sync, log_file, 0);
      }
      reactor->turn();
    }
    return client.is_stored();
  };
  while (writer->figures().wal_frames < 4000) BOOST_REQUIRE(store_some());
  BOOST_REQUIRE(is_syncing());  // the database, all the while
  end_sync(0);
  BOOST_REQUIRE(store_some());
  BOOST_REQUIRE(is_syncing());  // the database, for the last round
  const Client& held = submit(1);
  for (int turn = 0; turn < 5; ++turn) reactor->turn();
  BOOST_TEST(held.outcomes.empty());
  BOOST_TEST(!script.is_asked(Request::Kind::sync, log_file));
  end_sync(0);
  BOOST_TEST(script.is_asked(Request::Kind::sync, log_file));  // its new header
  BOOST_TEST(held.outcomes.empty());
  end_syncs();
  BOOST_TEST(held.is_stored());
  BOOST_TEST(writer->figures().wal_frames < 4000);
  BOOST_TEST(writer->figures().faults == 0u);
  BOOST_TEST(rows() == submitted + 1);
}

BOOST_AUTO_TEST_CASE(a_database_fsync_may_end_amid_a_transaction_of_several_turns) {
  submit(1);
  reactor->turn();
  const int log_file = script.request(Request::Kind::sync).file;
  end_sync(0);
  std::int64_t submitted = 1;
  // Until a checkpoint has the database fsynced, and the log is not.
  for (int i = 0; i < 400 && !(is_syncing() && !script.is_asked(Request::Kind::sync, log_file));
       ++i) {
    const Client& client = submit(500);
    submitted += 500;
    while (client.outcomes.empty()) {
      if (script.is_asked(Request::Kind::sync, log_file)) {
        script.complete(Request::Kind::sync, log_file, 0);
      }
      reactor->turn();
    }
  }
  const std::uint64_t commits = writer->figures().commits;
  const std::uint64_t checkpoints = writer->figures().checkpoints;
  const Client& large = submit(500);
  reactor->turn();
  BOOST_TEST(writer->figures().commits == commits);  // half of it is appended
  end_sync(0);
  end_syncs();
  BOOST_TEST(large.is_stored());
  BOOST_TEST(writer->figures().checkpoints > checkpoints);
  BOOST_TEST(writer->figures().faults == 0u);
  BOOST_TEST(rows() == submitted + 500);
}

BOOST_AUTO_TEST_CASE(a_failed_fsync_of_the_database_file_loses_nothing_and_is_not_repeated) {
  submit(1);
  reactor->turn();
  const int log_file = script.request(Request::Kind::sync).file;
  std::int64_t submitted = 1;
  bool failed = false;
  for (int i = 0; i < 400 && !failed; ++i) {
    const Client& client = submit(500);
    submitted += 500;
    while (!failed && client.outcomes.empty()) {
      if (script.is_asked(Request::Kind::sync, log_file)) {
        script.complete(Request::Kind::sync, log_file, 0);
      } else if (is_syncing()) {
        script.complete(Request::Kind::sync, -1, -EIO);
        failed = true;
      }
      reactor->turn();
    }
    if (!failed) BOOST_REQUIRE(client.is_stored());
  }
  BOOST_TEST(failed);
  BOOST_TEST(!writer->is_available());
  const bool last_is_stored = clients.back().is_stored();
  BOOST_TEST(wait_until([this] { return writer->is_available(); }));
  BOOST_TEST(rows() == (last_is_stored ? submitted : submitted - 500));
  BOOST_TEST(submit(1).outcomes.empty());
  end_syncs();
  BOOST_TEST(clients.back().is_stored());
}

BOOST_AUTO_TEST_CASE(what_is_too_old_goes_with_the_transaction_of_what_comes) {
  Client& old = submit(20);
  for (Event& event : old.events) event.time_ms -= 2 * kDayMs;
  end_syncs();
  BOOST_TEST(rows() == 20);
  writer->keep_within({.age_max_ms = kDayMs}, 0);
  submit(1);
  reactor->turn();
  end_syncs();
  // More than came, and no more than a turn has time for.
  BOOST_TEST(writer->figures().forgotten == 17u);
  BOOST_TEST(rows() == 4);
}

BOOST_AUTO_TEST_CASE(where_nothing_comes_the_old_goes_in_small_transactions) {
  Client& old = submit(300);
  for (Event& event : old.events) event.time_ms -= 2 * kDayMs;
  submit(2);
  end_syncs();
  const std::uint64_t commits = writer->figures().commits;
  writer->keep_within({.age_max_ms = kDayMs}, 0);
  BOOST_TEST(wait_until([this] {
    if (is_syncing()) end_sync(0);
    return writer->figures().forgotten == 300;
  }));
  BOOST_TEST(writer->figures().commits - commits == 3u);
  BOOST_TEST(rows() == 2);
}

BOOST_AUTO_TEST_CASE(clients_are_turned_away_while_the_disk_is_nearly_full) {
  writer->keep_within({}, std::uint64_t{1} << 62);
  BOOST_TEST(!writer->is_open_to(1));
  BOOST_TEST(writer->is_available());
  BOOST_TEST(logged().find("db.disk_low") != std::string::npos);
  // What the daemon itself tells is stored all the same.
  const Client& own = submit(1);
  end_syncs();
  BOOST_TEST(own.is_stored());
  writer->keep_within({}, 1);
  BOOST_TEST(writer->is_open_to(1));
}

BOOST_AUTO_TEST_SUITE_END()
