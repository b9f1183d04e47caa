#include "handlers/ingest/otlp/otlp_endpoint.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>

#include "handlers/http/middleware/chat_key.h"
#include "tests/support/http_fixture.h"
#include "tests/support/scripted_worker.h"

using namespace picortex;

namespace {

constexpr int kTelemetryClient = 700;
constexpr int kOther = 701;

// The server is made first and destroyed first: its end turns the loop, whose hooks are the parts'.
struct OtlpEndpointFixture {
  OtlpEndpointFixture() {
    test::ScriptedWorker::holds_jobs = false;
    writer.open();
    web->router.add({http::Method::post, "/v1/logs", http::Access::telemetry,
                     OtlpEndpoint::kBodySizeMax, false,
                     http::Endpoint::to<&OtlpEndpoint::post_logs>(endpoint)});
    iterate();
    web->connect(kTelemetryClient);
    web->connect(kOther);
  }
  ~OtlpEndpointFixture() {
    decode();
    web->server->drain();
    iterate(5);
    BOOST_TEST(endpoint.is_idle());
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
  std::string answer(int socket = kTelemetryClient) {
    std::string text;
    for (int i = 0; i < 6; ++i) {
      iterate(1);
      text += web->read_all(socket);
    }
    return text;
  }
  static std::string logs(int first, int count, std::size_t padding = 0) {
    std::string records;
    for (int i = first; i < first + count; ++i) {
      records += std::string(records.empty() ? "" : ",") + R"({"timeUnixNano":")" +
                 std::to_string(test::ScriptedClock::kStartUnixMs) +
                 R"(000000","body":{"stringValue":")" + std::to_string(i) +
                 std::string(padding, 'x') + R"("}})";
    }
    return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + records + "]}]}]}";
  }
  void send(std::string_view body, int socket = kTelemetryClient, std::string_view token = {}) {
    const std::string fields = "Content-Type: application/json\r\nAuthorization: Bearer " +
                               std::string(token.empty() ? web->access.token().text() : token) +
                               "\r\n";
    web->receive(socket, test::HttpFixture::post("/v1/logs", body, fields));
  }
  // Lets the workers do what is held, and what comes of it.
  void decode() {
    test::ScriptedWorker::holds_jobs = false;
    while (test::ScriptedWorker::let_one_end()) iterate();
    iterate();
  }

  std::unique_ptr<test::HttpFixture> web = std::make_unique<test::HttpFixture>();
  Reactor& reactor = *web->reactor;
  EventFeed feed{reactor};
  std::unique_ptr<Worker> store_worker = *Worker::start(reactor);
  std::unique_ptr<Worker> decode_worker = *Worker::start(reactor);
  EventWriter writer{reactor,          web->log, feed, *store_worker, web->directory.path,
                     Durability::power};
  TelemetryBudget budget{5};
  OtlpEndpoint endpoint{reactor, writer, *decode_worker, budget, web->access.token()};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(otlp_endpoint, OtlpEndpointFixture)

BOOST_AUTO_TEST_CASE(others_are_answered_while_a_body_is_decoded) {
  test::ScriptedWorker::holds_jobs = true;
  send(logs(0, 100, 500));
  BOOST_TEST(answer().empty());
  for (int i = 0; i < 3; ++i) {
    web->receive(kOther, test::HttpFixture::get("/poll"));
    BOOST_TEST(answer(kOther).starts_with("HTTP/1.1 200 OK\r\n"));
  }
  BOOST_TEST(answer().empty());
  decode();
  BOOST_TEST(answer().ends_with("\r\n\r\n{}"));
  BOOST_TEST(endpoint.stats().events == 100u);
}

BOOST_AUTO_TEST_CASE(small_bodies_that_wait_are_decoded_together_and_answered_in_order) {
  test::ScriptedWorker::holds_jobs = true;
  send(logs(0, 1));
  constexpr int kFirst = 710;
  for (int socket = kFirst; socket < kFirst + 5; ++socket) {
    web->connect(socket);
    send(logs(socket, 1), socket);
  }
  decode();
  for (int socket = kFirst; socket < kFirst + 5; ++socket) {
    BOOST_TEST(answer(socket).ends_with("{}"), socket);
  }
  BOOST_TEST(endpoint.stats().requests == 6u);
  BOOST_TEST(endpoint.stats().events == 6u);
}

BOOST_AUTO_TEST_CASE(a_body_that_cannot_be_decoded_is_a_400_and_keeps_the_others) {
  test::ScriptedWorker::holds_jobs = true;
  send("{\"resourceLogs\":[");
  send(logs(0, 1), kOther);
  decode();
  BOOST_TEST(answer().starts_with("HTTP/1.1 400 "));
  BOOST_TEST(answer(kOther).ends_with("{}"));
  BOOST_TEST(endpoint.stats().undecodable == 1u);
}

BOOST_AUTO_TEST_CASE(what_arrives_again_counts_as_duplicates) {
  send(logs(0, 3));
  BOOST_TEST(answer().ends_with("{}"));
  send(logs(0, 3));
  BOOST_TEST(answer().ends_with("{}"));
  BOOST_TEST(endpoint.stats().events == 3u);
  BOOST_TEST(endpoint.stats().duplicates == 3u);
}

BOOST_AUTO_TEST_CASE(claims_that_use_up_the_budget_while_others_are_decoded_leave_none_for_these) {
  const std::string token = telemetry_token(web->access.token().text());
  test::ScriptedWorker::holds_jobs = true;
  send(logs(0, 5), kTelemetryClient, token);
  send(logs(5, 1), kOther, token);
  decode();
  BOOST_TEST(answer().ends_with("{}"));
  BOOST_TEST(answer(kOther).starts_with("HTTP/1.1 429 "));
  BOOST_TEST(endpoint.stats().over_budget == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_while_its_body_is_decoded_is_no_harm) {
  test::ScriptedWorker::holds_jobs = true;
  send(logs(0, 2));
  web->end_receive(kTelemetryClient, 0);
  iterate();
  decode();
  iterate(5);
  BOOST_TEST(endpoint.stats().events == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
