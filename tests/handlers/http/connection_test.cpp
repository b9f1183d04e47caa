#include "handlers/http/connection.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/http_fixture.h"

using namespace picortex;
using test::HttpFixture;
using test::Request;

namespace {

constexpr int kConnectionClient = 100'000;

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

struct ConnectionFixture : HttpFixture {
  ConnectionFixture() { connect(kConnectionClient); }

  // The connection is gone, and its descriptor handed to the ring once.
  void expect_gone() {
    reactor->iterate();
    BOOST_TEST(script.is_closed(kConnectionClient));
    BOOST_TEST(server->stats().connections == 0u);
  }
  void expect_open() { BOOST_TEST(!script.is_closed(kConnectionClient)); }
  // The server has said all it will, and waits for the client's end.
  void expect_lingering() {
    expect_open();
    BOOST_TEST(!server->lingers().is_empty());
    end_receive(kConnectionClient, 0);
    expect_gone();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(connection, ConnectionFixture)

BOOST_AUTO_TEST_CASE(answers_and_waits_for_the_next_request) {
  for (int round = 0; round < 3; ++round) {
    receive(kConnectionClient, get("/at-once"));
    const std::string answer = read_all(kConnectionClient);
    BOOST_TEST(answer.starts_with("HTTP/1.1 200 OK\r\n"), answer);
    BOOST_TEST(answer.ends_with("\r\n\r\ndone /at-once"), answer);
    BOOST_TEST(!server->idle().is_empty());
  }
  BOOST_TEST(server->stats().connections_idle == 1u);
  BOOST_TEST(server->stats().exchanges == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_cut_anywhere_gets_the_same_answer) {
  const std::string request = post("/at-once?x", "the body");
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    receive(kConnectionClient, request.substr(0, cut));
    BOOST_REQUIRE(!is_sending(kConnectionClient));
    receive(kConnectionClient, request.substr(cut));
    BOOST_REQUIRE(read_all(kConnectionClient).ends_with("done /at-once?x"));
    BOOST_REQUIRE(bodies.back() == "the body");
  }
}

BOOST_AUTO_TEST_CASE(a_short_send_continues_where_it_stopped) {
  receive(kConnectionClient, get("/at-once"));
  const std::string answer = being_sent(kConnectionClient);
  end_send(kConnectionClient, 10);
  BOOST_TEST(being_sent(kConnectionClient) == answer.substr(10));
  end_send(kConnectionClient, 1);
  BOOST_TEST(being_sent(kConnectionClient) == answer.substr(11));
  BOOST_TEST(read_all(kConnectionClient) == answer.substr(11));
  expect_open();
}

BOOST_AUTO_TEST_CASE(a_failed_send_ends_the_connection) {
  for (const int error : {-EPIPE, -ECONNRESET, 0}) {
    const int client = kConnectionClient + 1 - error;
    connect(client);
    receive(client, get("/at-once"));
    end_send(client, error);
    reactor->iterate();
    BOOST_TEST(script.is_closed(client));
  }
}

BOOST_AUTO_TEST_CASE(a_reset_ends_the_connection_at_any_point) {
  const std::string request = post("/at-once", "12345678");
  for (std::size_t size = 0; size < request.size(); ++size) {
    const int client = kConnectionClient + 1 + static_cast<int>(size);
    connect(client);
    if (size > 0) receive(client, request.substr(0, size));
    end_receive(client, -ECONNRESET);
    reactor->iterate();
    BOOST_REQUIRE(script.is_closed(client));
  }
}

BOOST_AUTO_TEST_CASE(a_reset_while_an_answer_is_sent_waits_for_the_kernel) {
  receive(kConnectionClient, get("/at-once"));
  script.complete(Request::Kind::receive, kConnectionClient, -ECONNRESET);
  reactor->iterate();
  BOOST_TEST(script.request(Request::Kind::send, kConnectionClient).cancel_asked_for);
  expect_open();
  expect_gone();
}

BOOST_AUTO_TEST_CASE(an_end_before_the_request_is_whole_is_reported_with_400) {
  for (const std::string part : {"GET / HT",
                                 "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5"
                                 "\r\n\r\nab"}) {
    const int client = kConnectionClient + 1 + static_cast<int>(part.size());
    connect(client);
    receive(client, part);
    end_receive(client, 0);
    BOOST_TEST(read_all(client).starts_with("HTTP/1.1 400 "));
    reactor->iterate();
    BOOST_TEST(script.is_closed(client));
  }
}

BOOST_AUTO_TEST_CASE(an_end_between_requests_closes_without_a_word) {
  end_receive(kConnectionClient, 0);
  expect_gone();
}

BOOST_AUTO_TEST_CASE(an_empty_line_after_a_request_is_ignored) {
  receive(kConnectionClient, post("/at-once", "x") + "\r\n");
  BOOST_TEST(count_of(read_all(kConnectionClient), "HTTP/1.1") == 1u);
  BOOST_TEST(!server->idle().is_empty());
  receive(kConnectionClient, "\r\n" + get("/at-once"));
  BOOST_TEST(read_all(kConnectionClient).starts_with("HTTP/1.1 200"));
  receive(kConnectionClient, "\r\n");
  end_receive(kConnectionClient, 0);
  BOOST_TEST(!is_sending(kConnectionClient));
  expect_gone();
}

BOOST_AUTO_TEST_CASE(a_client_that_has_ended_still_gets_the_answer_that_is_due) {
  receive(kConnectionClient, post("/later", "x"));
  end_receive(kConnectionClient, 0);
  expect_open();
  answer_kept("here");
  BOOST_TEST(read_all(kConnectionClient).ends_with("here /later"));
  expect_gone();
}

BOOST_AUTO_TEST_CASE(an_endpoint_may_answer_after_the_client_disconnected) {
  receive(kConnectionClient, post("/later", "the body", "X-Request-ID: mine\r\n"));
  end_receive(kConnectionClient, -ECONNRESET);
  reactor->iterate();
  expect_open();
  answer_kept("no client hears");
  BOOST_TEST(bodies.back() == "the body");
  BOOST_TEST(!is_sending(kConnectionClient));
  expect_gone();
}

BOOST_AUTO_TEST_CASE(a_target_without_a_path_survives_its_head) {
  // The path of such a target is no part of the head.
  receive(kConnectionClient,
          "POST http://picortex.test HTTP/1.1\r\nHost: picortex.test\r\n"
          "Content-Length: 1\r\n\r\n");
  receive(kConnectionClient, "x");
  const std::string answer = read_all(kConnectionClient);
  BOOST_TEST(answer.starts_with("HTTP/1.1 404 "), answer);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order_in_one_send) {
  receive(kConnectionClient,
          get("/at-once?1") + get("/missing?2") + post("/at-once?3", "x") + "GET /at-on");
  const std::string answers = being_sent(kConnectionClient);
  BOOST_TEST(count_of(answers, "HTTP/1.1 ") == 3u);
  BOOST_TEST(answers.find("?1") < answers.find("?2"));
  BOOST_TEST(answers.find("?2") < answers.find("?3"));
  receive(kConnectionClient, "ce?4 HTTP/1.1\r\nHost: a\r\n\r\n");
  BOOST_TEST(read_all(kConnectionClient).ends_with("done /at-once?4"));
}

BOOST_AUTO_TEST_CASE(requests_after_a_late_answer_wait_for_it) {
  receive(kConnectionClient, post("/later?1", "x") + get("/at-once?2"));
  BOOST_TEST(!is_sending(kConnectionClient));
  receive(kConnectionClient, post("/later?3", "y") + get("/at-once?4"));
  answer_kept("late");
  std::string answers = read_all(kConnectionClient);
  BOOST_TEST(answers.find("late /later?1") < answers.find("done /at-once?2"));
  BOOST_TEST(kept.size() == 1u);
  answer_kept("late");
  answers = read_all(kConnectionClient);
  BOOST_TEST(answers.find("late /later?3") < answers.find("done /at-once?4"));
}

BOOST_AUTO_TEST_CASE(a_full_backlog_stops_receiving_until_there_is_room) {
  receive(kConnectionClient, post("/later", "x"));
  std::string requests;
  while (requests.size() <= server->limits().backlog_size_max) requests += get("/missing");
  receive(kConnectionClient, requests);
  BOOST_TEST(script.request(Request::Kind::receive, kConnectionClient).cancel_asked_for);
  reactor->iterate();
  BOOST_TEST(!script.is_asked(Request::Kind::receive, kConnectionClient));
  answer_kept("late");
  const std::string answers = read_all(kConnectionClient);
  BOOST_TEST(count_of(answers, "HTTP/1.1 404") == count_of(requests, "GET"));
  BOOST_TEST(script.is_asked(Request::Kind::receive, kConnectionClient));
  receive(kConnectionClient, get("/at-once"));
  BOOST_TEST(read_all(kConnectionClient).ends_with("done /at-once"));
}

BOOST_AUTO_TEST_CASE(the_backlog_precedes_what_is_received_later) {
  receive(kConnectionClient, post("/later", "x"));
  // Enough that their answers exceed what one connection may have waiting.
  std::string requests;
  std::size_t sent = 0;
  while (requests.size() < server->limits().backlog_size_max - 100) {
    requests += get("/at-once?" + std::to_string(sent++));
  }
  receive(kConnectionClient, requests);
  answer_kept("late");
  receive(kConnectionClient, get("/at-once?" + std::to_string(sent++)));
  const std::string answers = read_all(kConnectionClient);
  std::size_t at = 0;
  for (std::size_t i = 0; i < sent; ++i) {
    const std::size_t found = answers.find("done /at-once?" + std::to_string(i), at);
    BOOST_REQUIRE(found != std::string::npos);
    BOOST_REQUIRE(found >= at);
    BOOST_REQUIRE(count_of(answers.substr(at, found - at), "HTTP/1.1 ") == (i == 0 ? 2u : 1u));
    at = found + 1;
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_nothing_makes_the_server_stop_working) {
  std::size_t asked = 0;
  for (int round = 0; round < 1000 && script.is_asked(Request::Kind::receive, kConnectionClient);
       ++round) {
    std::string requests;
    for (int i = 0; i < 50; ++i) requests += get("/at-once");
    receive(kConnectionClient, requests);
    reactor->iterate();
    asked += 50;
  }
  BOOST_TEST(!script.is_asked(Request::Kind::receive, kConnectionClient));
  BOOST_TEST(server->stats().requests < asked);
  BOOST_TEST(count_of(read_all(kConnectionClient), "HTTP/1.1 200") == asked);
  BOOST_TEST(server->stats().requests == asked);
}

BOOST_AUTO_TEST_CASE(no_buffers_left_is_no_reason_to_end) {
  end_receive(kConnectionClient, -ENOBUFS);
  receive(kConnectionClient, get("/at-once"));
  BOOST_TEST(read_all(kConnectionClient).ends_with("done /at-once"));
}

BOOST_AUTO_TEST_CASE(an_idle_client_is_closed_when_its_time_is_up) {
  BOOST_TEST(server->idle().expire_first());
  expect_gone();
}

BOOST_AUTO_TEST_CASE(a_slow_head_or_body_gets_408_and_its_time_runs_for_the_whole) {
  receive(kConnectionClient, "GET /");
  const Instant limit = server->heads().next();
  receive(kConnectionClient, "at");
  BOOST_TEST((server->heads().next() == limit));
  BOOST_TEST(server->heads().expire_first());
  BOOST_TEST(read_all(kConnectionClient).starts_with("HTTP/1.1 408 "));
  expect_lingering();

  const int other = kConnectionClient + 1;
  connect(other);
  receive(other, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
  const Instant body_limit = server->bodies().next();
  receive(other, "a");
  BOOST_TEST((server->bodies().next() == body_limit));
  BOOST_TEST(server->bodies().expire_first());
  BOOST_TEST(read_all(other).starts_with("HTTP/1.1 408 "));
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_cut_when_its_time_is_up) {
  receive(kConnectionClient, get("/at-once"));
  const Instant limit = server->sends().next();
  end_send(kConnectionClient, 5);
  BOOST_TEST((server->sends().next() == limit));
  BOOST_TEST(server->sends().expire_first());
  expect_gone();
}

BOOST_AUTO_TEST_CASE(no_time_runs_while_an_endpoint_has_the_request) {
  receive(kConnectionClient, post("/later", "x"));
  for (DeadlineList* list : {&server->idle(), &server->heads(), &server->bodies(), &server->sends(),
                             &server->lingers()}) {
    BOOST_TEST(list->is_empty());
  }
}

BOOST_AUTO_TEST_CASE(a_rejected_request_is_the_last_and_lingers) {
  receive(kConnectionClient, "GET / HTTP/3.0\r\n\r\n" + get("/at-once"));
  const std::string answer = read_all(kConnectionClient);
  BOOST_TEST(answer.starts_with("HTTP/1.1 505 "), answer);
  BOOST_TEST(answer.contains("\r\nConnection: close\r\n"));
  BOOST_TEST(count_of(answer, "\r\nX-Request-ID: ") == 1u);
  receive(kConnectionClient, get("/at-once"));
  BOOST_TEST(!is_sending(kConnectionClient));
  BOOST_TEST(server->lingers().expire_first());
  expect_gone();
}

BOOST_AUTO_TEST_CASE(connection_close_is_kept_to) {
  receive(kConnectionClient,
          "GET /at-once HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get("/x"));
  const std::string answer = read_all(kConnectionClient);
  BOOST_TEST(answer.contains("\r\nConnection: close\r\n"));
  BOOST_TEST(count_of(answer, "HTTP/1.1 ") == 1u);
  expect_lingering();
}

BOOST_AUTO_TEST_CASE(http_1_0_closes_unless_asked_to_stay) {
  receive(kConnectionClient, "GET /at-once HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  BOOST_TEST(read_all(kConnectionClient).contains("\r\nConnection: keep-alive\r\n"));
  receive(kConnectionClient, "GET /at-once HTTP/1.0\r\n\r\n");
  BOOST_TEST(read_all(kConnectionClient).contains("\r\nConnection: close\r\n"));
  expect_lingering();
}

BOOST_AUTO_TEST_CASE(head_gets_the_fields_without_the_body) {
  receive(kConnectionClient, "HEAD /at-once HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = read_all(kConnectionClient);
  BOOST_TEST(answer.ends_with("\r\n\r\n"));
  BOOST_TEST(answer.contains("\r\nContent-Length: 13\r\n"));
}

BOOST_AUTO_TEST_CASE(a_client_that_asks_first_is_reported_to_continue) {
  receive(kConnectionClient,
          "POST /at-once HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
          "Content-Length: 4\r\n\r\n");
  BOOST_TEST(read_all(kConnectionClient) == "HTTP/1.1 100 Continue\r\n\r\n");
  receive(kConnectionClient, "body");
  BOOST_TEST(read_all(kConnectionClient).starts_with("HTTP/1.1 200 "));
  BOOST_TEST(bodies.back() == "body");
}

BOOST_AUTO_TEST_CASE(a_client_that_asks_first_is_rejected_with_every_field) {
  const std::string expect =
      "Host: picortex.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  receive(kConnectionClient, "DELETE /later HTTP/1.1\r\n" + expect);
  const std::string not_allowed = read_all(kConnectionClient);
  BOOST_TEST(not_allowed.starts_with("HTTP/1.1 405 "), not_allowed);
  BOOST_TEST(not_allowed.contains("\r\nAllow: POST\r\n"), not_allowed);
  const int other = kConnectionClient + 1;
  connect(other);
  receive(other, "POST /secret HTTP/1.1\r\n" + expect);
  const std::string unauthorized = read_all(other);
  BOOST_TEST(unauthorized.starts_with("HTTP/1.1 401 "), unauthorized);
  BOOST_TEST(unauthorized.contains("\r\nWWW-Authenticate: Bearer\r\n"), unauthorized);
}

BOOST_AUTO_TEST_CASE(a_rejection_skips_the_body_and_continues) {
  receive(kConnectionClient, post("/missing", "to be skipped") + get("/at-once"));
  const std::string answers = read_all(kConnectionClient);
  BOOST_TEST(answers.starts_with("HTTP/1.1 404 "));
  BOOST_TEST(answers.ends_with("done /at-once"));
  BOOST_TEST(bodies.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_rejection_says_why_whatever_the_size_of_the_body) {
  receive(kConnectionClient,
          "POST /missing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  BOOST_TEST(read_all(kConnectionClient).starts_with("HTTP/1.1 404 "));
  expect_lingering();
}

BOOST_AUTO_TEST_CASE(a_body_beyond_its_limit_gets_413) {
  receive(kConnectionClient, "POST /at-once HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
  BOOST_TEST(read_all(kConnectionClient).starts_with("HTTP/1.1 413 "));
  const int other = kConnectionClient + 1;
  connect(other);
  receive(other,
          "POST /at-once HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3e9\r\n" +
              std::string(1001, 'x'));
  BOOST_TEST(read_all(other).starts_with("HTTP/1.1 413 "));
  BOOST_TEST(bodies.empty());
}

BOOST_AUTO_TEST_SUITE_END()
