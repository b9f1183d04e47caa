#include "cli/run/telemetry_environment.h"

#include <boost/test/unit_test.hpp>

#include "handlers/http/middleware/chat_key.h"

using namespace picortex;

namespace {

struct TelemetryEnvironmentFixture {
  ListenAddress server = *ListenAddress::parse("127.0.0.1:8787");
  TelemetryIdentity identity{.request_id = *parse_uuid("01900000-0000-7000-8000-000000000abc"),
                             .run_id = *parse_uuid("01900000-0000-7000-8000-000000000def"),
                             .chat_id = "+49 170,x",
                             .token = "0123456789abcdef"};
  Environment environment;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(telemetry_environment, TelemetryEnvironmentFixture)

BOOST_AUTO_TEST_CASE(a_client_gets_its_endpoint_token_and_identity) {
  add_telemetry(environment, server, identity);
  const std::string token = telemetry_token(identity.token);
  const std::string key = chat_key(identity.token, identity.chat_id);
  BOOST_TEST(environment["CLAUDE_CODE_ENABLE_TELEMETRY"] == "1");
  BOOST_TEST(environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:8787");
  BOOST_TEST(environment["OTEL_EXPORTER_OTLP_HEADERS"] ==
             "Authorization=Bearer " + token +
                 ",X-Picortex-Chat=+49%20170%2cx,X-Picortex-Chat-Key=" + key);
  BOOST_TEST(environment["OTEL_RESOURCE_ATTRIBUTES"] ==
             "picortex.request_id=01900000-0000-7000-8000-000000000abc,"
             "picortex.chat_id=+49%20170%2cx,picortex.run_id=01900000-0000-7000-8000-000000000def");
  BOOST_TEST(environment["TRACEPARENT"] ==
             "00-01900000000070008000000000000abc-8000000000000def-01");
  BOOST_TEST(environment["OTEL_LOG_USER_PROMPTS"] == "0");
  BOOST_TEST(environment["PICORTEX_HOOK_TOKEN"] == token);
  BOOST_TEST(environment["PICORTEX_HOOK_KEY"] == key);
  for (const auto& [name, value] : environment) {
    BOOST_TEST(value.find(identity.token) == std::string::npos, name);
  }
}

BOOST_AUTO_TEST_CASE(what_the_user_has_set_stays) {
  environment = {
      {"OTEL_LOG_USER_PROMPTS", "1"},
      {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"},
      {"TRACEPARENT", "mine"},
      {"OTEL_LOGS_EXPORTER", "none"},
      {"OTEL_RESOURCE_ATTRIBUTES", "team=a,picortex.request_id=old,,picortex.run_id=old"}};
  identity.chat_id.clear();
  add_telemetry(environment, server, identity);
  BOOST_TEST(environment["OTEL_LOG_USER_PROMPTS"] == "1");
  BOOST_TEST(environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318");
  BOOST_TEST(environment["TRACEPARENT"] == "mine");
  BOOST_TEST(environment["OTEL_LOGS_EXPORTER"] == "otlp");
  BOOST_TEST(environment["OTEL_RESOURCE_ATTRIBUTES"] ==
             "team=a,picortex.request_id=01900000-0000-7000-8000-000000000abc,"
             "picortex.run_id=01900000-0000-7000-8000-000000000def");
  BOOST_TEST(environment["OTEL_EXPORTER_OTLP_HEADERS"].find("X-Picortex") == std::string::npos);
  BOOST_TEST(environment["PICORTEX_HOOK_CHAT"] == "");
}

BOOST_AUTO_TEST_CASE(an_exporter_cannot_reach_a_unix_socket) {
  add_telemetry(environment, *ListenAddress::parse("unix:/run/picortex"), identity);
  BOOST_TEST(environment.empty());
}

BOOST_AUTO_TEST_SUITE_END()
