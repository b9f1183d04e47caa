#include "cli/command_line.h"

#include <boost/test/unit_test.hpp>

#include "cli/version.h"
#include "tests/cli/temporary_directory.h"

using namespace picortex;

namespace {

using Words = std::vector<std::string>;

// A file that the machine at hand may have in /etc has no say in these tests.
const std::string& empty_config() {
  static const TemporaryDirectory directory;
  static const std::string path = directory.write("empty.conf", "");
  return path;
}

Command parse(Words words, Environment environment = {}) {
  environment.try_emplace("PICORTEX_CONFIG", empty_config());
  return parse_command_line(words, environment);
}

ServeOptions parse_serve(Words words, Environment environment = {}) {
  words.insert(words.begin(), "serve");
  const Command command = parse(words, environment);
  const auto* answer = std::get_if<Answer>(&command);
  BOOST_REQUIRE_MESSAGE(answer == nullptr, (answer ? answer->text : ""));
  return std::get<ServeOptions>(command);
}

std::string refusal(Words words, Environment environment = {}) {
  const Command command = parse(words, environment);
  BOOST_REQUIRE(std::holds_alternative<Answer>(command));
  const auto& answer = std::get<Answer>(command);
  BOOST_TEST(answer.exit_status == 2);
  BOOST_TEST(answer.text.find('\n') == answer.text.size() - 1);
  return answer.text;
}

}  // namespace

// Whether X-Forwarded-For of that peer is believed.
bool believes(const TrustedProxies& proxies, std::string_view peer) {
  const std::string_view forwarded = "192.0.2.1";
  return proxies.client_of(*ClientAddress::parse(peer), {&forwarded, 1}).text() == forwarded;
}

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(alert_rules_are_read_and_their_number_is_bounded) {
  BOOST_TEST(parse_serve({}).alert_rules.empty());
  const ServeOptions options = parse_serve({"--alert-on", "level=error rate>1/1m", "--alert-on",
                                            "chat_id=c silent>1h,level=fatal rate>0/1m"});
  BOOST_REQUIRE(options.alert_rules.size() == 3u);
  BOOST_TEST(options.alert_rules[1].chat_id == "c");
  BOOST_TEST(
      refusal({"serve", "--alert-on", "level=error"})
          .starts_with("picortex: --alert-on (flag): \"level=error\" is not allowed, since it "
                       "has no trigger"));
  std::string many = "level=error rate>1/1m";
  for (int i = 0; i < 64; ++i) many += ",level=error rate>1/1m";
  BOOST_TEST(refusal({"serve", "--alert-on", many}) ==
             "picortex: --alert-on: there are more than 64 rules\n");
}

BOOST_AUTO_TEST_CASE(serve_has_the_documented_defaults) {
  const ServeOptions options = parse_serve({});
  BOOST_REQUIRE(options.listen.size() == 1);
  BOOST_TEST(options.listen[0].text() == "127.0.0.1:8787");
  BOOST_TEST(options.data_dir == "./var");
  BOOST_TEST((options.log_level == Level::info));
  BOOST_TEST((options.log_format == LogFormat::automatic));
  BOOST_TEST((options.log_level_format == LogLevelFormat::label));
  BOOST_TEST(options.frontend_log_size_max == 65536);
  BOOST_TEST(options.frontend_logs_per_minute == 30);
  BOOST_TEST(!options.hosts.accepts_host("chat.example.org"));
  BOOST_TEST((options.durability == Durability::power));
  BOOST_TEST(!believes(options.trusted_proxies, "127.0.0.1"));
  BOOST_TEST(options.tmux_socket == "");
  BOOST_TEST(options.drain_seconds == 10);
  BOOST_TEST(options.connections_max == 16384);
  BOOST_TEST(!options.sentry_ingest);
  BOOST_TEST(options.sentry_envelopes_per_minute == 120);
}

BOOST_AUTO_TEST_CASE(serve_takes_every_option_as_a_flag) {
  const ServeOptions options = parse_serve({"--listen",
                                            "127.0.0.1:0",
                                            "--listen",
                                            "[::1]:1,unix:/s",
                                            "--data-dir=/d",
                                            "--log-level",
                                            "WARN",
                                            "--log-format",
                                            "pretty",
                                            "--log-level-format",
                                            "number",
                                            "--frontend-log-max-bytes",
                                            "1",
                                            "--frontend-log-rate",
                                            "0",
                                            "--hosts",
                                            "Chat.Example.org., b",
                                            "--durability",
                                            "process",
                                            "--trusted-proxies",
                                            "10.0.0.0/8,::1",
                                            "--tmux-socket",
                                            "/t",
                                            "--drain-seconds",
                                            "300",
                                            "--connections-max",
                                            "100000",
                                            "--sentry-ingest",
                                            "--sentry-rate",
                                            "0"});
  BOOST_REQUIRE(options.listen.size() == 3);
  BOOST_TEST(options.listen[1].text() == "[::1]:1");
  BOOST_TEST(options.listen[2].text() == "unix:/s");
  BOOST_TEST(options.data_dir == "/d");
  BOOST_TEST((options.log_level == Level::warn));
  BOOST_TEST((options.log_format == LogFormat::pretty));
  BOOST_TEST((options.log_level_format == LogLevelFormat::number));
  BOOST_TEST(options.frontend_log_size_max == 1);
  BOOST_TEST(options.frontend_logs_per_minute == 0);
  BOOST_TEST(options.sentry_ingest);
  BOOST_TEST(options.sentry_envelopes_per_minute == 0);
  BOOST_TEST(options.hosts.accepts_host("chat.example.org"));
  BOOST_TEST(options.hosts.accepts_host("b"));
  BOOST_TEST((options.durability == Durability::process));
  BOOST_TEST(believes(options.trusted_proxies, "10.1.2.3"));
  BOOST_TEST(believes(options.trusted_proxies, "::1"));
  BOOST_TEST(!believes(options.trusted_proxies, "11.1.2.3"));
  BOOST_TEST(options.tmux_socket == "/t");
  BOOST_TEST(options.drain_seconds == 300);
  BOOST_TEST(options.connections_max == 100000);
}

BOOST_AUTO_TEST_CASE(every_option_comes_from_flag_then_environment_then_file) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("p.conf", "PICORTEX_DRAIN_SECONDS=3\n");
  const Words config{"--config", file};
  BOOST_TEST(parse_serve(config).drain_seconds == 3);
  BOOST_TEST(parse_serve(config, {{"PICORTEX_DRAIN_SECONDS", "4"}}).drain_seconds == 4);
  BOOST_TEST(parse_serve(config, {{"PICORTEX_DRAIN_SECONDS", ""}}).drain_seconds == 3);
  BOOST_TEST(
      parse_serve({"--config", file, "--drain-seconds", "5"}, {{"PICORTEX_DRAIN_SECONDS", "4"}})
          .drain_seconds == 5);
  BOOST_TEST(parse_serve({}, {{"PICORTEX_CONFIG", file}}).drain_seconds == 3);
}

BOOST_AUTO_TEST_CASE(a_list_of_a_higher_source_replaces_the_lower_one) {
  const ServeOptions options =
      parse_serve({"--listen", "127.0.0.1:1"},
                  {{"PICORTEX_LISTEN", "127.0.0.1:2,127.0.0.1:3"}, {"PICORTEX_HOSTS", "a, b"}});
  BOOST_TEST(options.listen.size() == 1);
  BOOST_TEST(options.hosts.accepts_host("a"));
  BOOST_TEST(options.hosts.accepts_host("b"));
  BOOST_TEST(!parse_serve({"--hosts", ""}, {{"PICORTEX_HOSTS", "a"}}).hosts.accepts_host("a"));
}

BOOST_AUTO_TEST_CASE(the_data_directory_is_systemds_unless_given) {
  BOOST_TEST(parse_serve({}, {{"STATE_DIRECTORY", "/var/lib/a:/var/lib/b"}}).data_dir ==
             "/var/lib/a");
  BOOST_TEST(parse_serve({"--data-dir", "/d"}, {{"STATE_DIRECTORY", "/var/lib/a"}}).data_dir ==
             "/d");
  BOOST_TEST(parse_serve({}, {{"STATE_DIRECTORY", ""}}).data_dir == "./var");
}

BOOST_AUTO_TEST_CASE(a_refusal_names_option_origin_value_and_what_is_allowed) {
  BOOST_TEST(
      refusal({"serve", "--drain-seconds", "0"}) ==
      "picortex: --drain-seconds (flag): \"0\" is not allowed: give a whole number from 1 to "
      "300\n");
  BOOST_TEST(
      refusal({"serve"}, {{"LOG_LEVEL", "loud"}}) ==
      "picortex: --log-level (environment variable LOG_LEVEL): \"loud\" is not allowed: give "
      "trace, debug, info, warn, error or fatal\n");
  const TemporaryDirectory directory;
  const std::string file = directory.write("p.conf", "\nPICORTEX_DURABILITY=maybe\n");
  BOOST_TEST(refusal({"serve", "--config", file}) ==
             "picortex: --durability (" + file +
                 ":2): \"maybe\" is not allowed: give power or process\n");
}

BOOST_AUTO_TEST_CASE(each_option_refuses_what_it_cannot_mean) {
  const std::vector<std::pair<std::string, Words>> bad{
      {"--listen", {"", "8787", "host:80", "127.0.0.1:99999", "127.0.0.1:1,", ",127.0.0.1:1"}},
      {"--data-dir", {"", std::string(4001, 'x')}},
      {"--log-level", {"", "verbose", "30"}},
      {"--log-format", {"", "JSON", "text"}},
      {"--log-level-format", {"", "numbers"}},
      {"--frontend-log-max-bytes", {"", "0", "16777217", "64k", "-1", "+1", " 1", "99999999999"}},
      {"--frontend-log-rate", {"-1", "1000001", "3.5"}},
      {"--hosts", {"a:x", "-a", "a..b", ".a", "a b", "*.a", std::string(64, 'a'), "ä"}},
      {"--durability", {"Power", "none"}},
      {"--egress-mode", {"", "on", "Enforce"}},
      {"--egress-user", {"", "a b", "a:b", "a/b", std::string(257, 'a')}},
      {"--egress-allowlist", {"", std::string(4001, 'a')}},
      {"--egress-dns-port", {"0", "65536", "dns"}},
      {"--trusted-proxies",
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "x", "10.0.0.0/8/8"}},
      {"--tmux-socket", {"relative", "/" + std::string(107, 'x')}},
      {"--drain-seconds", {"0", "301", "10s"}},
      {"--connections-max", {"15", "100001"}}};
  for (const auto& [flag, values] : bad) {
    for (const std::string& value : values) {
      BOOST_TEST_CONTEXT(flag << " '" << value << "'") {
        const bool dashed = value.starts_with('-');
        const std::string text =
            refusal(dashed ? Words{"serve", flag + '=' + value} : Words{"serve", flag, value});
        BOOST_TEST(text.starts_with("picortex: " + flag + " (flag): \""), text);
        BOOST_TEST(text.find(" is not allowed: give ") != std::string::npos);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refused_value_cannot_write_a_line_or_paint_the_terminal) {
  const std::string text = refusal({"serve", "--log-level", "a\nb\x1b[31m"});
  BOOST_TEST(text.find("\"a\\nb\\u001b[31m\"") != std::string::npos);
  BOOST_TEST(refusal({"serve", "--no\nsuch\x1b[0m"}).find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(usage_errors_are_one_line_with_status_2) {
  refusal({});
  refusal({"no-such-subcommand"});
  refusal({"serve", "--no-such-option"});
  refusal({"serve", "extra"});
  refusal({"serve", "--log-level"});
  refusal({"serve", "--log-level="});
  refusal({"serve", "--log-level", "info", "--log-level", "warn"});
  refusal({"serve", "health"});
  refusal({"health", "--json=perhaps"});
  refusal({"run"});
  refusal({"run", "--"});
  refusal({"run", "true"});
  refusal({"run", "--chta", "x", "--", "true"});
  refusal({"serve", "--config", "/nonexistent/p.conf"});
}

BOOST_AUTO_TEST_CASE(help_shows_each_options_default_and_variable) {
  for (const char* subcommand : {"serve", "health", "run"}) {
    const auto answer = std::get<Answer>(parse({subcommand, "--help"}));
    BOOST_TEST(answer.exit_status == 0);
    BOOST_TEST(answer.text.find("127.0.0.1:8787") != std::string::npos);
  }
  const std::string text = std::get<Answer>(parse({"serve", "--help"})).text;
  for (const Option* option : kServeOptions) {
    const std::size_t line = text.find("  " + std::string(option->flag) + ' ');
    BOOST_REQUIRE(line != std::string::npos);
    const std::string shown = text.substr(line, text.find('\n', line) - line);
    BOOST_TEST(shown.find("(default: ") != std::string::npos, shown);
    BOOST_TEST(shown.ends_with('[' + std::string(option->variable) + ']'), shown);
  }
  BOOST_TEST(std::get<Answer>(parse({"--help"})).exit_status == 0);
}

BOOST_AUTO_TEST_CASE(version_names_version_and_commit) {
  const auto answer = std::get<Answer>(parse({"--version"}));
  BOOST_TEST(answer.exit_status == 0);
  BOOST_TEST(answer.text ==
             "picortex " + std::string(kVersion) + " (" + std::string(kCommit) + ")\n");
}

BOOST_AUTO_TEST_CASE(health_asks_the_first_address_by_loopback) {
  const auto options = std::get<HealthOptions>(parse({"health", "--json", "--timeout", "250ms"},
                                                     {{"PICORTEX_LISTEN", "0.0.0.0:5,[::1]:6"}}));
  BOOST_TEST(options.server.text() == "127.0.0.1:5");
  BOOST_TEST(options.json);
  BOOST_TEST(options.time_limit.count() == 250);
  BOOST_TEST(!std::get<HealthOptions>(parse({"health"})).json);
  BOOST_TEST(std::get<HealthOptions>(parse({"health"}, {{"PICORTEX_HEALTH_JSON", "true"}})).json);
  refusal({"health", "--listen", "127.0.0.1:0"});
  for (const char* time : {"0s", "5", "301s", "300001ms", "s", "-1s"}) {
    refusal({"health", "--timeout", time});
  }
}

BOOST_AUTO_TEST_CASE(a_toggle_is_a_word_or_a_digit) {
  const auto is_on = [](const char* text) {
    return parse_serve({}, {{"PICORTEX_SENTRY_INGEST", text}}).sentry_ingest;
  };
  for (const char* on : {"true", "1"}) BOOST_TEST(is_on(on), on);
  for (const char* off : {"false", "0", ""}) BOOST_TEST(!is_on(off), off);
  BOOST_TEST(parse_serve({"--sentry-ingest"}, {{"PICORTEX_SENTRY_INGEST", "0"}}).sentry_ingest);
  for (const char* wrong : {"yes", "2", "TRUE", "01"}) {
    BOOST_TEST(refusal({"serve"}, {{"PICORTEX_SENTRY_INGEST", wrong}})
                   .find("give true or 1, false or 0") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(run_leaves_what_follows_the_dashes_to_the_command) {
  const auto options = std::get<RunOptions>(
      parse({"run", "--chat", "c1", "--", "prog", "--help", "--", "-x", "--chat=z"}));
  BOOST_TEST(options.command == (Words{"prog", "--help", "--", "-x", "--chat=z"}));
  BOOST_TEST(options.chat_id == "c1");
  BOOST_TEST(
      std::get<RunOptions>(parse({"run", "--", "x"}, {{"PICORTEX_CHAT_ID", "c2"}})).chat_id ==
      "c2");
  refusal({"run", "--chat", std::string(257, 'x'), "--", "x"});
  refusal({"run", "--chat", "\xff", "--", "x"});
}

BOOST_AUTO_TEST_SUITE_END()
