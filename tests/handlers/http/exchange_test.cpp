#include "handlers/http/exchange.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <string>

#include "tests/support/http_fixture.h"

using namespace picortex;
using test::HttpFixture;

namespace {

constexpr int kExchangeClient = 100'000;

// A client whose request the test answers in pieces.
struct ExchangeFixture : HttpFixture {
  ExchangeFixture() { connect(kExchangeClient); }

  http::Exchange& begin(const std::string& request) {
    receive(kExchangeClient, request);
    BOOST_REQUIRE(kept.size() == 1u);
    http::Exchange& exchange = *kept.front();
    kept.clear();
    exchange.begin_stream({.content_type = "text/plain"});
    return exchange;
  }
  std::string logged() {
    log.flush();
    return script.request(test::Request::Kind::write).bytes;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(exchange, ExchangeFixture)

BOOST_AUTO_TEST_CASE(a_stream_goes_out_in_chunks_as_they_come) {
  http::Exchange& exchange = begin(get("/stream"));
  const std::string head = read_all(kExchangeClient);
  BOOST_TEST(head.contains("\r\nTransfer-Encoding: chunked\r\n"), head);
  BOOST_TEST(head.ends_with("\r\n\r\n"), head);
  exchange.stream("abc");
  BOOST_TEST(read_all(kExchangeClient) == "3\r\nabc\r\n");
  exchange.stream("");
  BOOST_TEST(!is_sending(kExchangeClient));
  exchange.end_stream();
  BOOST_TEST(read_all(kExchangeClient) == "0\r\n\r\n");
  receive(kExchangeClient, get("/at-once"));
  BOOST_TEST(read_all(kExchangeClient).ends_with("done /at-once"));
  BOOST_TEST(server->stats().requests == 2u);
}

BOOST_AUTO_TEST_CASE(pieces_wait_for_the_send_in_flight_and_are_counted) {
  http::Exchange& exchange = begin(get("/stream"));
  const std::size_t head_size = being_sent(kExchangeClient).size();
  BOOST_TEST(exchange.unsent_size() == head_size);
  exchange.stream("abc");
  exchange.stream("defg");
  BOOST_TEST(exchange.unsent_size() == head_size + 17);
  end_send(kExchangeClient, 10);
  BOOST_TEST(exchange.unsent_size() == head_size + 7);
  end_send(kExchangeClient, static_cast<int>(head_size) - 10);
  BOOST_TEST(being_sent(kExchangeClient) == "3\r\nabc\r\n4\r\ndefg\r\n");
  exchange.end_stream();
  BOOST_TEST(read_all(kExchangeClient) == "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(requests_after_a_stream_wait_for_its_end) {
  http::Exchange& exchange = begin(get("/stream") + get("/at-once"));
  receive(kExchangeClient, get("/missing"));
  exchange.stream("abc");
  BOOST_TEST(!read_all(kExchangeClient).contains("done /at-once"));
  exchange.end_stream();
  const std::string answers = read_all(kExchangeClient);
  BOOST_TEST(answers.starts_with("0\r\n\r\nHTTP/1.1 200 OK\r\n"), answers);
  BOOST_TEST(answers.find("done /at-once") < answers.find("HTTP/1.1 404 "));
}

BOOST_AUTO_TEST_CASE(the_end_of_the_connection_ends_a_stream_of_http_1_0) {
  http::Exchange& exchange = begin("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string head = read_all(kExchangeClient);
  BOOST_TEST(head.contains("\r\nConnection: close\r\n"), head);
  BOOST_TEST(!head.contains("chunked"), head);
  exchange.stream("abc");
  BOOST_TEST(read_all(kExchangeClient) == "abc");
  exchange.end_stream();
  BOOST_TEST(!is_sending(kExchangeClient));
  BOOST_TEST(!server->lingers().is_empty());
}

BOOST_AUTO_TEST_CASE(head_gets_no_piece_of_a_stream) {
  http::Exchange& exchange = begin("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  exchange.stream("abc");
  exchange.end_stream();
  const std::string answer = read_all(kExchangeClient);
  BOOST_TEST(answer.contains("\r\nTransfer-Encoding: chunked\r\n"), answer);
  BOOST_TEST(answer.ends_with("\r\n\r\n"), answer);
  BOOST_TEST(!answer.contains("abc"), answer);
}

BOOST_AUTO_TEST_CASE(a_stream_is_not_wanted_once_its_client_has_ended_its_side) {
  http::Exchange& exchange = begin(get("/stream"));
  BOOST_TEST(exchange.may_stream());
  end_receive(kExchangeClient, 0);
  BOOST_TEST(exchange.is_wanted());
  BOOST_TEST(!exchange.may_stream());
  exchange.end_stream();
  BOOST_TEST(read_all(kExchangeClient).ends_with("0\r\n\r\n"));
  reactor->iterate();
  BOOST_TEST(script.is_closed(kExchangeClient));
}

BOOST_AUTO_TEST_CASE(a_drain_asks_a_stream_to_end) {
  http::Exchange& exchange = begin(get("/stream"));
  server->drain();
  BOOST_TEST(exchange.is_wanted());
  BOOST_TEST(!exchange.may_stream());
  exchange.end_stream();
  BOOST_TEST(read_all(kExchangeClient).ends_with("0\r\n\r\n"));
  BOOST_TEST(!server->lingers().is_empty());
}

BOOST_AUTO_TEST_CASE(a_stream_whose_client_has_gone_holds_the_connection_until_it_ends) {
  http::Exchange& exchange = begin(get("/stream"));
  read_all(kExchangeClient);
  end_receive(kExchangeClient, -ECONNRESET);
  BOOST_TEST(!exchange.is_wanted());
  BOOST_TEST(!exchange.may_stream());
  exchange.stream("abc");
  BOOST_TEST(!is_sending(kExchangeClient));
  reactor->iterate();
  BOOST_TEST(!script.is_closed(kExchangeClient));
  exchange.end_stream();
  reactor->iterate();
  BOOST_TEST(script.is_closed(kExchangeClient));
}

BOOST_AUTO_TEST_CASE(each_request_is_logged_with_its_status_size_and_time) {
  receive(kExchangeClient, post("/later", "x", "X-Request-ID: mine\r\n"));
  clock.advance(std::chrono::milliseconds(25));
  answer_kept("0123456789");
  const std::string line = logged();
  BOOST_TEST(line.contains(R"("event_type":"http.request","method":"POST","path":"/later",)"
                           R"("status":200,"bytes":17,"duration_ms":25.000,)"),
             line);
  BOOST_TEST(line.contains(R"("client_request_id":"mine","msg":"POST /later 200"})"), line);
}

BOOST_AUTO_TEST_SUITE_END()
