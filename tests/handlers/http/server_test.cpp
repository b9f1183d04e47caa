#include "handlers/http/server.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/http_fixture.h"

using namespace picortex;
using test::HttpFixture;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(server)

namespace {

constexpr int kClient = 100'000;

}  // namespace

BOOST_AUTO_TEST_CASE(the_longest_idle_client_makes_room) {
  HttpFixture it({.connections_max = 2});
  it.connect(kClient);
  it.connect(kClient + 1);
  it.receive(kClient, HttpFixture::get("/at-once"));
  it.read_all(kClient);
  it.connect(kClient + 2);
  it.reactor->iterate();
  BOOST_TEST(it.script.is_closed(kClient + 1));
  BOOST_TEST(it.server->stats().evicted == 1u);
  BOOST_TEST(it.server->stats().connections == 2u);
}

BOOST_AUTO_TEST_CASE(a_client_in_any_waiting_state_makes_room) {
  const std::string head = "GET / HT";
  const std::string body =
      "POST /later HTTP/1.1\r\nHost: picortex.test\r\nContent-Length: 9\r\n\r\nx";
  for (const std::string& sent : {std::string(), head, body, HttpFixture::get("/at-once"),
                                  HttpFixture::post("/later", "x")}) {
    HttpFixture it({.connections_max = 2});
    for (const int client : {kClient, kClient + 1}) {
      it.connect(client);
      if (!sent.empty()) it.receive(client, sent);
    }
    it.connect(kClient + 2);
    BOOST_TEST(it.server->stats().evicted == 1u, sent);
    // A client whose request was incomplete gets an answer; all others are simply ended.
    if (sent == head || sent == body) {
      BOOST_TEST(it.read_all(kClient).starts_with("HTTP/1.1 503 "), sent);
      it.end_receive(kClient, 0);
    }
    if (!it.kept.empty()) it.answer_kept("late");
    it.reactor->iterate();
    it.reactor->iterate();
    BOOST_TEST(it.script.is_closed(kClient), sent);
    BOOST_TEST(!it.script.is_closed(kClient + 1), sent);
    BOOST_TEST(!it.script.is_closed(kClient + 2), sent);
    BOOST_TEST(it.server->stats().connections == 2u, sent);
  }
}

BOOST_AUTO_TEST_CASE(who_has_only_just_connected_is_spared_while_another_can_make_room) {
  HttpFixture it({.connections_max = 2});
  it.connect(kClient);
  it.receive(kClient, HttpFixture::get("/at-once"));
  BOOST_TEST(it.is_sending(kClient));
  it.pass(1s);
  it.connect(kClient + 1);
  it.connect(kClient + 2);
  it.reactor->iterate();
  BOOST_TEST(it.script.is_closed(kClient));
  BOOST_TEST(!it.script.is_closed(kClient + 1));
}

BOOST_AUTO_TEST_CASE(beyond_the_limit_only_health_polls_are_answered) {
  HttpFixture it({.connections_max = 2});
  // All wait for an endpoint, so that those which make room cannot go.
  const int ordinary = 2 + static_cast<int>(http::kConnectionsOverMax);
  for (int i = 0; i < ordinary; ++i) {
    it.connect(kClient + i);
    it.receive(kClient + i, HttpFixture::post("/later", "x"));
  }
  const int poll = kClient + ordinary;
  it.connect(poll);
  it.receive(poll, HttpFixture::get("/poll"));
  const std::string answer = it.read_all(poll);
  BOOST_TEST(answer.starts_with("HTTP/1.1 200 OK\r\n"), answer);
  BOOST_TEST(answer.find("Connection: close\r\n") != std::string::npos, answer);
  it.reactor->iterate();
  BOOST_TEST(it.script.is_closed(poll));
  it.connect(poll + 1);
  it.receive(poll + 1, HttpFixture::get("/at-once"));
  BOOST_TEST(it.read_all(poll + 1).starts_with("HTTP/1.1 503 "));
  // Clients that fill these make room for the next.
  const int silent = poll + 10;
  const int most = static_cast<int>(http::kConnectionsForPolls);
  for (int i = 0; i < 5 * most; ++i) {
    it.connect(silent + i);
    it.reactor->iterate();
  }
  BOOST_TEST(it.script.is_closed(silent));
  BOOST_TEST(it.server->stats().turned_away == 0u);
  BOOST_TEST(it.server->stats().connections <= static_cast<std::size_t>(ordinary + most));
  // More in one iteration than can make room in it are turned away.
  for (int i = 0; i < 3 * most; ++i) {
    it.script.complete(test::Request::Kind::accept, it.listener, silent + 1000 + i);
  }
  it.reactor->iterate();
  BOOST_TEST(it.server->stats().turned_away > 0u);
}

BOOST_AUTO_TEST_CASE(unread_answers_are_bounded_for_all_clients_together) {
  HttpFixture it({.all_answers_size_max = 1000});
  for (int i = 0; i < 4; ++i) {
    it.connect(kClient + i);
    it.receive(kClient + i, HttpFixture::get("/at-once?" + std::string(200, 'x')));
    BOOST_TEST(it.server->stats().answer_bytes <= 1000u);
  }
  it.reactor->iterate();
  BOOST_TEST(it.script.is_closed(kClient));
  BOOST_TEST(!it.script.is_closed(kClient + 3));
  BOOST_TEST(it.server->stats().evicted > 0u);
}

BOOST_AUTO_TEST_CASE(at_the_bound_requests_are_rejected_but_health_polls_answered) {
  HttpFixture it({.all_answers_size_max = 1000});
  for (int i = 0; i < 3; ++i) it.connect(kClient + i);
  // All in one iteration, in which none can make room.
  it.script.receive(kClient, HttpFixture::get("/at-once?" + std::string(1000, 'x')));
  it.script.receive(kClient + 1, HttpFixture::get("/at-once"));
  it.script.receive(kClient + 2, HttpFixture::get("/poll"));
  it.reactor->iterate();
  BOOST_TEST(it.being_sent(kClient + 1).starts_with("HTTP/1.1 503 "));
  BOOST_TEST(it.being_sent(kClient + 2).starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(heads_that_are_not_whole_are_bounded_for_all_clients_together) {
  HttpFixture it({.all_input_size_max = 4000});
  for (int i = 0; i < 4; ++i) {
    it.connect(kClient + i);
    it.receive(kClient + i, "GET / HTTP/1.1\r\nA: " + std::string(980, 'x'));
    BOOST_TEST(it.server->stats().input_bytes <= 4000u);
  }
  // The oldest ones have made room, and get an answer that says so.
  BOOST_TEST(it.read_all(kClient).starts_with("HTTP/1.1 503 "));
  BOOST_TEST(!it.is_sending(kClient + 3));
  BOOST_TEST(it.server->stats().input_bytes == 1998u);
  // A whole head takes none of it.
  it.connect(kClient + 5);
  it.receive(kClient + 5, HttpFixture::get("/at-once"));
  BOOST_TEST(it.read_all(kClient + 5).starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(a_head_beyond_the_bound_is_rejected_in_the_iteration_that_reaches_it) {
  HttpFixture it({.all_input_size_max = 1000});
  it.connect(kClient);
  it.connect(kClient + 1);
  it.script.receive(kClient, "GET / HTTP/1.1\r\nA: " + std::string(1000, 'x'));
  it.script.receive(kClient + 1, "GET / HTTP/1.1\r\n");
  it.reactor->iterate();
  BOOST_TEST(it.read_all(kClient + 1).starts_with("HTTP/1.1 503 "));
}

BOOST_AUTO_TEST_CASE(bytes_that_wait_after_a_request_are_bounded_too) {
  HttpFixture it({.all_input_size_max = 4000});
  for (int i = 0; i < 2; ++i) {
    it.connect(kClient + i);
    it.receive(kClient + i, HttpFixture::post("/later", "x"));
    it.receive(kClient + i, std::string(1600, 'G'));
  }
  BOOST_TEST(it.server->stats().evicted == 1u);
  // The bytes of the evicted connection count until its endpoint has released them.
  BOOST_TEST(it.server->stats().input_bytes == 3200u);
}

BOOST_AUTO_TEST_CASE(the_memory_of_a_burst_is_given_back) {
  HttpFixture it;
  constexpr int kCrowd = 200;
  for (int i = 0; i < kCrowd; ++i) {
    it.connect(kClient + i);
    it.receive(kClient + i, "G");
  }
  BOOST_TEST(it.server->stats().exchanges == static_cast<std::size_t>(kCrowd));
  for (int i = 0; i < kCrowd; ++i) it.end_receive(kClient + i, -ECONNRESET);
  for (int tick = 0; tick < 2; ++tick) it.pass(1s);
  BOOST_TEST(it.server->stats().exchanges == 64u);
  it.connect(kClient + kCrowd);
  it.receive(kClient + kCrowd, HttpFixture::get("/at-once"));
  BOOST_TEST(it.read_all(kClient + kCrowd).starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(no_descriptor_left_makes_room_and_accepts_again_later) {
  HttpFixture it;
  it.connect(kClient);
  it.script.complete(test::Request::Kind::accept, it.listener, -EMFILE);
  it.reactor->iterate();
  it.reactor->iterate();
  BOOST_TEST(it.script.is_closed(kClient));
  BOOST_TEST(it.script.count(test::Request::Kind::accept) == http::kAcceptsPerListener - 1);
  BOOST_TEST(it.server->stats().accept_failures == 1u);
  it.pass(99ms);
  BOOST_TEST(it.script.count(test::Request::Kind::accept) == http::kAcceptsPerListener - 1);
  it.pass(1ms);
  BOOST_TEST(it.script.count(test::Request::Kind::accept) == http::kAcceptsPerListener);
}

BOOST_AUTO_TEST_CASE(the_kernel_takes_a_bounded_number_of_clients_at_once) {
  HttpFixture it({.connections_max = 2});
  for (int i = 0; i < 300; ++i) {
    BOOST_REQUIRE(it.script.count(test::Request::Kind::accept) == http::kAcceptsPerListener);
    it.connect(kClient + i);
  }
  BOOST_TEST(it.server->stats().accepted == 300u);
}

BOOST_AUTO_TEST_CASE(a_client_that_gave_up_is_no_failure) {
  HttpFixture it;
  it.script.complete(test::Request::Kind::accept, it.listener, -ECONNABORTED);
  it.reactor->iterate();
  BOOST_TEST(it.script.count(test::Request::Kind::accept) == http::kAcceptsPerListener);
  BOOST_TEST(it.server->stats().accept_failures == 0u);
}

BOOST_AUTO_TEST_CASE(bodies_of_all_clients_together_are_bounded) {
  HttpFixture it({.bodies_size_max = 10});
  it.connect(kClient);
  it.connect(kClient + 1);
  it.receive(kClient, HttpFixture::post("/later", "12345678"));
  BOOST_TEST(it.server->stats().body_bytes == 8u);
  it.receive(kClient + 1, HttpFixture::post("/later", "1234"));
  BOOST_TEST(it.read_all(kClient + 1).starts_with("HTTP/1.1 503 "));
  it.answer_kept("done");
  BOOST_TEST(it.server->stats().body_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_idle_clients_and_lets_the_others_finish) {
  HttpFixture it;
  const int busy = kClient + 1;
  it.connect(kClient);
  it.receive(kClient, HttpFixture::get("/at-once"));
  it.read_all(kClient);
  it.connect(busy);
  it.receive(busy, HttpFixture::post("/later", "x"));
  it.server->drain();
  it.reactor->iterate();
  BOOST_TEST(it.script.is_closed(kClient));
  BOOST_TEST(!it.script.is_closed(busy));
  BOOST_TEST(!it.server->is_idle());
  it.answer_kept("last");
  BOOST_TEST(it.read_all(busy).find("\r\nConnection: close\r\n") != std::string::npos);
  it.end_receive(busy, 0);
  it.reactor->iterate();
  BOOST_TEST(it.server->is_idle());
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_the_first_request_of_a_new_connection) {
  HttpFixture it;
  const int silent = kClient + 1;
  it.connect(kClient);
  it.connect(silent);
  it.server->drain();
  it.reactor->iterate();
  BOOST_TEST(!it.script.is_closed(kClient));
  it.receive(kClient, HttpFixture::get("/at-once"));
  BOOST_TEST(it.read_all(kClient).find("\r\nConnection: close\r\n") != std::string::npos);
  it.end_receive(kClient, 0);
  it.server->lingers().expire_first();
  it.reactor->iterate();
  BOOST_TEST(it.script.is_closed(silent));
  BOOST_TEST(it.server->is_idle());
}

BOOST_AUTO_TEST_CASE(a_drain_lets_an_answer_under_way_be_read) {
  HttpFixture it;
  it.connect(kClient);
  it.receive(kClient, HttpFixture::get("/at-once"));
  it.server->drain();
  it.reactor->iterate();
  BOOST_TEST(it.read_all(kClient) != "");
  BOOST_TEST(!it.script.is_closed(kClient));
  BOOST_TEST(!it.server->lingers().is_empty());
}

BOOST_AUTO_TEST_SUITE_END()
