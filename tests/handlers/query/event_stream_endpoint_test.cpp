#include "handlers/query/event_stream_endpoint.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>

#include "tests/support/http_fixture.h"
#include "tests/support/scripted_worker.h"

using namespace picortex;

namespace {

constexpr int kStreamClient = 700;

// The server is made first and destroyed first: its end turns the loop, whose hooks are the parts'.
struct StreamFixture {
  StreamFixture() {
    test::ScriptedWorker::holds_jobs = false;
    writer.open();
    web->router.add({http::Method::get, "/api/stream", http::Access::anyone, 0, false,
                     http::Endpoint::to<&EventStreamEndpoint::get>(endpoint)});
    iterate();
  }
  ~StreamFixture() {
    web->server->drain();
    iterate(5);
    BOOST_TEST(endpoint.streams() == 0u);
    writer.close();
    iterate(5);
    web.reset();
  }

  void iterate(int count = 3) {
    for (int i = 0; i < count; ++i) {
      reactor.turn_at_once();
      reactor.iterate();
    }
  }
  // Stores an event, as the writer's commit does.
  void arrive(std::string_view msg, std::string_view type = "t") {
    Event event;
    event.time_ms = reactor.unix_ms();
    event.event_type = type;
    event.msg = msg;
    feed.append(event, {first_key_of(event.time_ms) + sequence++, 1});
    feed.publish();
  }
  // What the client gets now. Sending takes a few iterations.
  std::string receive_all(int socket = kStreamClient) {
    std::string text;
    for (int i = 0; i < 10; ++i) {
      iterate(1);
      text += web->read_all(socket);
    }
    return text;
  }
  std::string ask(std::string_view query = {}, std::string_view fields = {},
                  int socket = kStreamClient) {
    web->connect(socket);
    web->receive(socket, "GET /api/stream" + std::string(query) +
                             " HTTP/1.1\r\nHost: picortex.test\r\n" + std::string(fields) + "\r\n");
    return receive_all(socket);
  }
  static std::string last_id(const std::string& text) {
    const std::size_t at = text.rfind("id: ");
    BOOST_REQUIRE(at != text.npos);
    return text.substr(at + 4, text.find('\n', at) - at - 4);
  }
  static std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  std::unique_ptr<test::HttpFixture> web = std::make_unique<test::HttpFixture>();
  Reactor& reactor = *web->reactor;
  EventFeed feed{reactor};
  std::unique_ptr<Worker> store_worker = *Worker::start(reactor);
  std::unique_ptr<Worker> query_worker = *Worker::start(reactor);
  EventWriter writer{reactor,          web->log, feed, *store_worker, web->directory.path,
                     Durability::power};
  QueryRunner runner{reactor, web->log, writer, *query_worker, web->directory.path};
  JsonDocument document{1 << 20};
  EventStreamEndpoint endpoint{reactor, feed, runner, document};
  std::int64_t sequence = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_stream, StreamFixture)

BOOST_AUTO_TEST_CASE(a_stream_begins_with_its_position_and_sends_what_comes) {
  const std::string head = ask();
  BOOST_TEST(head.starts_with("HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(count(head, "Content-Type: text/event-stream") == 1u);
  BOOST_TEST(count(head, "retry: 2000\n\n") == 1u);
  BOOST_TEST(count(head, "id: ") == 1u);
  BOOST_TEST(endpoint.streams() == 1u);
  arrive("one");
  arrive("two");
  const std::string text = receive_all();
  BOOST_TEST(count(text, "\ndata: {\"id\":") == 2u);
  BOOST_TEST(text.find("\"msg\":\"one\"") < text.find("\"msg\":\"two\""));
  BOOST_TEST(last_id(text) != last_id(head));
}

BOOST_AUTO_TEST_CASE(events_that_do_not_fit_the_filter_are_passed_over) {
  ask("?event_type=wanted");
  arrive("other", "unwanted");
  arrive("this", "wanted");
  const std::string text = receive_all();
  BOOST_TEST(count(text, "data: ") == 1u);
  BOOST_TEST(count(text, "\"msg\":\"this\"") == 1u);
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_taken_up_again_misses_and_repeats_nothing) {
  ask();
  arrive("seen");
  const std::string id = last_id(receive_all());
  web->end_receive(kStreamClient, 0);
  iterate();
  BOOST_TEST(endpoint.streams() == 0u);
  arrive("missed");
  const std::string text = ask({}, "Last-Event-ID: " + id + "\r\n", kStreamClient + 1);
  BOOST_TEST(count(text, "\"msg\":\"missed\"") == 1u);
  BOOST_TEST(count(text, "\"msg\":\"seen\"") == 0u);
  BOOST_TEST(count(text, "event: resync") == 0u);
}

BOOST_AUTO_TEST_CASE(the_position_may_stand_in_the_address_and_the_header_counts_first) {
  ask();
  arrive("one");
  const std::string first = last_id(receive_all());
  arrive("two");
  const std::string second = last_id(receive_all());
  const std::string by_address = ask("?lastEventId=" + first, {}, kStreamClient + 1);
  BOOST_TEST(count(by_address, "\"msg\":\"two\"") == 1u);
  const std::string by_both =
      ask("?lastEventId=" + first, "Last-Event-ID: " + second + "\r\n", kStreamClient + 2);
  BOOST_TEST(count(by_both, "data: ") == 0u);
}

BOOST_AUTO_TEST_CASE(a_position_of_another_run_is_answered_from_the_database) {
  const std::string text = ask({}, "Last-Event-ID: 1-1-0\r\n");
  BOOST_TEST(count(text, "event: resync\ndata: {\"after\":\"1970-01-01T00:00:00.000Z\"}\n\n") ==
             1u);
  arrive("live");
  BOOST_TEST(count(receive_all(), "\"msg\":\"live\"") == 1u);
}

BOOST_AUTO_TEST_CASE(a_reader_that_is_too_slow_is_sent_away_with_its_last_id) {
  ask();
  // Nothing more is read: what is on its way is bounded, and the feed forgets what follows.
  const std::string large(8192, 'x');
  for (int i = 0; i < 4096; ++i) arrive(large);
  iterate(1);
  for (int i = 0; i < 4096; ++i) arrive(large);
  const std::string text = receive_all();
  BOOST_TEST(count(text, "event: lagged") == 1u);
  BOOST_TEST(endpoint.streams() == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_request_is_answered_with_400) {
  BOOST_TEST(ask("?nothing=1").starts_with("HTTP/1.1 400 "));
  BOOST_TEST(ask({}, "Last-Event-ID: forged\r\n", kStreamClient + 1).starts_with("HTTP/1.1 400 "));
  BOOST_TEST(endpoint.streams() == 0u);
}

BOOST_AUTO_TEST_CASE(no_more_streams_are_open_than_its_limit) {
  for (int i = 0; i < static_cast<int>(EventStreamEndpoint::kStreamsMax); ++i) {
    BOOST_REQUIRE(ask({}, {}, kStreamClient + i).starts_with("HTTP/1.1 200 "));
  }
  BOOST_TEST(ask({}, {}, kStreamClient + 100).starts_with("HTTP/1.1 503 "));
  web->end_receive(kStreamClient, 0);
  iterate();
  BOOST_TEST(ask({}, {}, kStreamClient + 101).starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_ends_its_stream) {
  ask();
  web->end_receive(kStreamClient, -ECONNRESET);
  iterate();
  BOOST_TEST(endpoint.streams() == 0u);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_every_stream) {
  ask();
  web->server->drain();
  iterate();
  BOOST_TEST(endpoint.streams() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
