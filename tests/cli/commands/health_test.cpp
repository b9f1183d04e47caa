#include "cli/commands/health.h"

#include <boost/test/unit_test.hpp>

#include "tests/cli/reply_server.h"

using namespace picortex;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(health_command)

namespace {

const std::string kHealthy =
    R"({"status":"ok","version":"0.1.0","commit":"abc","uptime_seconds":93784,"db_ok":true,)"
    R"("tmux_ok":true,"metrics":{"chats_total":12,"chats_active_7d":3,"turns_total":100,)"
    R"("turns_last_24h":7,"discriminator_skipped_24h":1,"errors_last_24h":0}})";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

const ListenAddress kServer = ListenAddress::parse("127.0.0.1:8787").value();

}  // namespace

BOOST_AUTO_TEST_CASE(prints_the_status_first_and_every_figure) {
  const auto report = describe_health(kHealthy, kServer, false);
  BOOST_REQUIRE_MESSAGE(report.has_value(), report.error().what);
  BOOST_TEST(report->is_ok);
  BOOST_TEST(report->text ==
             "picortex is ok\n"
             "  address               127.0.0.1:8787\n"
             "  version               0.1.0\n"
             "  commit                abc\n"
             "  up for                1 day 2 hours\n"
             "  database              ok\n"
             "  tmux                  ok\n"
             "  chats                 12\n"
             "  chats in 7 days       3\n"
             "  turns                 100\n"
             "  turns in 24 hours     7\n"
             "  skipped in 24 hours   1\n"
             "  errors in 24 hours    0\n");
}

BOOST_AUTO_TEST_CASE(anything_but_ok_is_not_ok) {
  const auto degraded = describe_health(
      replaced(replaced(kHealthy, "\"ok\"", "\"degraded\""), "true", "false"), kServer, true);
  BOOST_REQUIRE(degraded.has_value());
  BOOST_TEST(!degraded->is_ok);
  BOOST_TEST(degraded->text.starts_with("picortex is \x1b[31mdegraded\x1b[0m\n"));
  BOOST_TEST(degraded->text.find("\x1b[31mfailing\x1b[0m") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_hostile_listener_paints_nothing) {
  const std::string body =
      replaced(replaced(kHealthy, "0.1.0", "\\u001b[2J\\n\xe2\x80\xae"), "\"ok\"", "\"\\u001b\"");
  for (const auto& report : {describe_health(body, kServer, false), quote_health(body, kServer)}) {
    BOOST_REQUIRE(report.has_value());
    BOOST_TEST(!report->is_ok);
    BOOST_TEST(report->text.find('\x1b') == std::string::npos);
    BOOST_TEST(report->text.find("\xe2\x80\xae") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(json_is_passed_on_as_it_came) {
  const auto report = quote_health(kHealthy, kServer);
  BOOST_TEST(report->is_ok);
  BOOST_TEST(report->text == kHealthy + '\n');
  BOOST_TEST(quote_health("{\r\n\t\"status\" : \"\xc3\xa4\xc2\x9b\"}\n", kServer)->text ==
             "{\n\"status\" : \"\xc3\xa4\\u009b\"}\n");
}

BOOST_AUTO_TEST_CASE(what_is_not_health_is_an_error) {
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
        std::string("\"ok\""), replaced(kHealthy, "true", "1"), replaced(kHealthy, "93784", "-1"),
        replaced(kHealthy, "93784", "1e300"), replaced(kHealthy, "turns_total", "turns"),
        std::string(100'000, '[')}) {
    const auto report = describe_health(body, kServer, false);
    BOOST_TEST(!report.has_value(), body.substr(0, 60));
  }
  BOOST_TEST(!quote_health("<html>", kServer).has_value());
  BOOST_TEST(!quote_health("{}", kServer).has_value());
}

BOOST_AUTO_TEST_CASE(the_exit_status_says_how_it_is) {
  const auto exit_status = [](const std::string& reply) {
    ReplyServer server(
        [reply](int connection, const std::string&) { ReplyServer::send_text(connection, reply); });
    return health({server.address(), {}, 5s, true});
  };
  BOOST_TEST(exit_status(ReplyServer::reply(200, kHealthy)) == 0);
  BOOST_TEST(exit_status(ReplyServer::reply(503, replaced(kHealthy, "\"ok\"", "\"degraded\""))) ==
             1);
  BOOST_TEST(exit_status(ReplyServer::reply(404, "{}")) == 1);
  BOOST_TEST(exit_status("") == 1);
}

BOOST_AUTO_TEST_CASE(what_the_daemon_says_of_its_health_becomes_a_reason_and_a_fix) {
  BOOST_TEST(
      describe_problems(
          R"({"health":{"status":"degraded","problems":[)"
          R"({"part":"tmux","reason":"no server\u001b[2J","fix":"tmux -S '/a' new-session -d"},)"
          R"({"part":"disk"},{"part":"disk","reason":"full","fix":"df -h"}]}})") ==
      "  tmux: no server\\u001b[2J\n"
      "    fix: tmux -S '/a' new-session -d\n"
      "  disk: full\n"
      "    fix: df -h\n");
  for (const char* body : {"", "[]", "{}", R"({"health":{}})", R"({"health":{"problems":[]}})"}) {
    BOOST_TEST(describe_problems(body).empty(), body);
  }
}

BOOST_AUTO_TEST_SUITE_END()
