#include "cli/client/http_client.h"

#include <boost/test/unit_test.hpp>

#include "tests/cli/reply_server.h"

using namespace picortex;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(http_client)

namespace {

Result<HttpReply> get(const ListenAddress& server, std::chrono::milliseconds limit = 5s) {
  return ask(server, {.method = "GET", .path = "/health"}, limit);
}

// What the client makes of a server that sends `text` and closes.
Result<HttpReply> get_from(std::string text) {
  ReplyServer server(
      [text](int connection, const std::string&) { ReplyServer::send_text(connection, text); });
  return get(server.address());
}

}  // namespace

BOOST_AUTO_TEST_CASE(sends_a_whole_request) {
  ReplyServer server([](int connection, const std::string&) {
    ReplyServer::send_text(connection, ReplyServer::reply(200, "{}"));
  });
  const ClientToken token{"secret", getuid()};
  const auto reply = ask(server.address(),
                         {.method = "POST",
                          .path = "/api/events",
                          .content_type = "application/json",
                          .token = &token,
                          .body = "[1]"},
                         5s);
  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(reply->status == 200);
  BOOST_TEST(reply->body == "{}");
  BOOST_TEST(server.requests().at(0) ==
             "POST /api/events HTTP/1.1\r\nHost: " + server.address().text() +
                 "\r\nConnection: close\r\nAuthorization: Bearer secret\r\nContent-Type: "
                 "application/json\r\nContent-Length: 3\r\n\r\n[1]");
}

BOOST_AUTO_TEST_CASE(takes_a_reply_in_pieces_of_one_byte) {
  ReplyServer server([](int connection, const std::string&) {
    for (const char c : std::string("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 503 X\r\n"
                                    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")) {
      ReplyServer::send_text(connection, {&c, 1});
      std::this_thread::sleep_for(200us);
    }
  });
  const auto reply = get(server.address());
  BOOST_REQUIRE_MESSAGE(reply.has_value(), reply.error().what);
  BOOST_TEST(reply->status == 503);
  BOOST_TEST(reply->body == "abc");
}

BOOST_AUTO_TEST_CASE(a_close_ends_a_reply_without_a_length) {
  const auto reply = get_from("HTTP/1.0 200 OK\r\n\r\nall of it");
  BOOST_REQUIRE_MESSAGE(reply.has_value(), reply.error().what);
  BOOST_TEST(reply->body == "all of it");
}

BOOST_AUTO_TEST_CASE(ignores_everything_after_the_reply) {
  BOOST_TEST(get_from(ReplyServer::reply(204, "") + "garbage")->status == 204);
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_with_an_answer) {
  const auto why = [](std::string text) {
    const auto reply = get_from(text);
    BOOST_REQUIRE_MESSAGE(!reply.has_value(), text.substr(0, 40));
    return reply.error().what.substr(reply.error().what.find(' ') + 1);
  };
  BOOST_TEST(why("") == "closed the connection without an answer");
  BOOST_TEST(why("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab") ==
             "closed the connection before its answer was complete");
  BOOST_TEST(why("HTTP/1.1 200 OK\r\nContent-") ==
             "closed the connection before its answer was complete");
  BOOST_TEST(why("SSH-2.0-OpenSSH_9.2\r\n") == "answered with something that is not HTTP");
  BOOST_TEST(why(std::string(100, '\0')) == "answered with something that is not HTTP");
  BOOST_TEST(why("HTTP/1.1 200 OK\r\n\r\n" + std::string(kReplySizeMax, 'x')) ==
             "answered with more than 1 MiB");
  BOOST_TEST(why("HTTP/1.1 200 OK\r\nX: " + std::string(kReplySizeMax, 'x')) ==
             "answered with more than 1 MiB");
}

BOOST_AUTO_TEST_CASE(a_silent_or_trickling_server_costs_no_more_than_the_time_limit) {
  for (const bool trickles : {false, true}) {
    ReplyServer server([trickles](int connection, const std::string&) {
      for (int i = 0; i < 100; ++i) {
        if (trickles) ReplyServer::send_text(connection, i == 0 ? "HTTP/1.1 200 OK\r\nX: " : "x");
        pollfd gone{connection, POLLIN, 0};
        if (poll(&gone, 1, 10) != 0) return;
      }
    });
    const auto started_at = std::chrono::steady_clock::now();
    const auto reply = get(server.address(), 100ms);
    BOOST_REQUIRE(!reply.has_value());
    BOOST_TEST(reply.error().code == ETIMEDOUT);
    BOOST_TEST(reply.error().what ==
               server.address().text() + " gave no complete answer within 100 ms");
    BOOST_TEST((std::chrono::steady_clock::now() - started_at < 900ms));
  }
}

BOOST_AUTO_TEST_CASE(says_that_no_server_listens) {
  const auto closed = [] {
    ReplyServer server([](int, const std::string&) {}, 0);
    return server.address();
  }();
  BOOST_TEST(get(closed).error().what ==
             "nothing listens on " + closed.text() + ": is picortex serve running?");
  BOOST_TEST(get(ListenAddress::parse("unix:/nonexistent/s").value()).error().what ==
             "nothing listens on unix:/nonexistent/s: is picortex serve running?");
}

BOOST_AUTO_TEST_SUITE_END()
