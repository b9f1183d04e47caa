#include "cli/command_line.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/version.h"
#include "tests/cli/temporary_directory.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(command_line)

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

// The words of a line for a shell, up to a pipe, a redirection or a comment. Quotes are known, and
// nothing is special within them.
Words shell_words(std::string_view line) {
  Words words;
  std::string word;
  char quote = 0;
  bool has_word = false;
  for (const char c : line) {
    if (quote == 0 && (c == '|' || c == '>' || c == ')' || (c == '#' && !has_word))) break;
    if (quote == 0 ? c == '\'' || c == '"' : c == quote) {
      quote = quote == 0 ? c : 0;
      has_word = true;
    } else if (c == ' ' && quote == 0) {
      if (has_word) words.push_back(std::exchange(word, {}));
      has_word = false;
    } else {
      word += c;
      has_word = true;
    }
  }
  if (has_word) words.push_back(word);
  return words;
}

// The lines of a document's examples that call this program, without its name.
std::vector<std::string> examples_in(const std::filesystem::path& document) {
  std::vector<std::string> examples;
  std::ifstream file(document);
  bool is_example = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) is_example = !is_example;
    std::string_view text = line;
    for (const std::string_view before : {"$ ", "sudo ", "-u picortex ", "build/release/"}) {
      if (text.starts_with(before)) text.remove_prefix(before.size());
    }
    const bool is_whole = text.find('$') == text.npos && !text.ends_with('\\');
    if (is_example && text.starts_with("picortex ") && is_whole)
      examples.emplace_back(text.substr(9));
  }
  return examples;
}

ServeOptions parse_serve(Words words, Environment environment = {}) {
  words.insert(words.begin(), "serve");
  const Command command = parse(words, environment);
  const auto* answer = std::get_if<Answer>(&command);
  BOOST_REQUIRE_MESSAGE(answer == nullptr, (answer ? answer->text : ""));
  return std::get<ServeOptions>(command);
}

std::string rejection(Words words, Environment environment = {}) {
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

BOOST_AUTO_TEST_CASE(alert_rules_are_read_and_their_number_is_bounded) {
  BOOST_TEST(parse_serve({}).alert_rules.empty());
  const ServeOptions options = parse_serve({"--alert-on", "level=error rate>1/1m", "--alert-on",
                                            "chat_id=c silent>1h,level=fatal rate>0/1m"});
  BOOST_REQUIRE(options.alert_rules.size() == 3u);
  BOOST_TEST(options.alert_rules[1].chat_id == "c");
  BOOST_TEST(
      rejection({"serve", "--alert-on", "level=error"})
          .starts_with("picortex: --alert-on (flag): \"level=error\" is not allowed, since it "
                       "has no trigger"));
  std::string many = "level=error rate>1/1m";
  for (int i = 0; i < 64; ++i) many += ",level=error rate>1/1m";
  BOOST_TEST(rejection({"serve", "--alert-on", many}) ==
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

BOOST_AUTO_TEST_CASE(a_rejection_names_option_origin_value_and_what_is_allowed) {
  BOOST_TEST(
      rejection({"serve", "--drain-seconds", "0"}) ==
      "picortex: --drain-seconds (flag): \"0\" is not allowed: give a whole number from 1 to "
      "300\n");
  BOOST_TEST(
      rejection({"serve"}, {{"LOG_LEVEL", "loud"}}) ==
      "picortex: --log-level (environment variable LOG_LEVEL): \"loud\" is not allowed: give "
      "trace, debug, info, warn, error or fatal\n");
  const TemporaryDirectory directory;
  const std::string file = directory.write("p.conf", "\nPICORTEX_DURABILITY=maybe\n");
  BOOST_TEST(rejection({"serve", "--config", file}) ==
             "picortex: --durability (" + file +
                 ":2): \"maybe\" is not allowed: give power or process\n");
}

BOOST_AUTO_TEST_CASE(each_option_rejects_what_it_cannot_mean) {
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
            rejection(dashed ? Words{"serve", flag + '=' + value} : Words{"serve", flag, value});
        BOOST_TEST(text.starts_with("picortex: " + flag + " (flag): \""), text);
        BOOST_TEST(text.find(" is not allowed: give ") != std::string::npos);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_rejected_value_cannot_write_a_line_or_paint_the_terminal) {
  const std::string text = rejection({"serve", "--log-level", "a\nb\x1b[31m"});
  BOOST_TEST(text.find("\"a\\nb\\u001b[31m\"") != std::string::npos);
  BOOST_TEST(rejection({"serve", "--no\nsuch\x1b[0m"}).find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(usage_errors_are_one_line_with_status_2) {
  rejection({});
  rejection({"no-such-subcommand"});
  rejection({"serve", "--no-such-option"});
  rejection({"serve", "extra"});
  rejection({"serve", "--log-level"});
  rejection({"serve", "--log-level="});
  rejection({"serve", "--log-level", "info", "--log-level", "warn"});
  rejection({"serve", "health"});
  rejection({"health", "--json=perhaps"});
  rejection({"run"});
  rejection({"run", "--"});
  rejection({"run", "true"});
  rejection({"run", "--chta", "x", "--", "true"});
  rejection({"serve", "--config", "/nonexistent/p.conf"});
}

BOOST_AUTO_TEST_CASE(a_typo_is_named_with_what_was_probably_meant) {
  const std::pair<Words, const char*> typos[] = {
      {{"lgos"}, "there is no subcommand \"lgos\": did you mean logs? See picortex --help"},
      {{"serv", "--listen", "x"}, "there is no subcommand \"serv\": did you mean serve?"},
      {{"egress", "alow", "h"},
       "there is no subcommand \"alow\": did you mean allow? See picortex egress --help"},
      {{"db", "bakup", "f"}, "there is no subcommand \"bakup\": did you mean backup?"},
      {{"logs", "--chta", "x"}, "there is no option \"--chta\": did you mean --chat?"},
      {{"logs", "--txet=x"}, "there is no option \"--txet\": did you mean --text?"},
      {{"--hlep"}, "there is no option \"--hlep\": did you mean --help?"},
      {{"frobnicate"}, "there is no subcommand \"frobnicate\": see picortex --help"}};
  for (const auto& [words, said] : typos) {
    const std::string text = rejection(words);
    BOOST_TEST(text.find(said) != std::string::npos, text);
  }
  BOOST_TEST(rejection({"a\nb\x1b[31m"}).find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_type_has_its_star_at_the_end_only) {
  for (const char* type : {"*error", "a*b", "**", "*.error", "*a*"}) {
    BOOST_TEST(rejection({"logs", "--type", type}).find("a * at the end as in 'linq.*'") !=
                   std::string::npos,
               type);
  }
  for (const char* type : {"*", "linq.*", "linq.inbound", ""}) {
    const Command command = parse({"logs", "--type", type});
    BOOST_TEST(std::get<LogsOptions>(command).filter.event_type == type);
  }
}

BOOST_AUTO_TEST_CASE(around_takes_an_id_its_beginning_or_a_time) {
  const auto around = [](const char* text) {
    return *std::get<LogsOptions>(parse({"logs", "--around", text})).around;
  };
  BOOST_TEST(around("019a3333-0000-7004-8000-000000000001").id->is_whole());
  for (const char* text : {"019a3333", "019a3333-0000-7004", "019A3333-0000-7004-8041"}) {
    BOOST_TEST(!around(text).id->is_whole(), text);
  }
  BOOST_TEST(!around("2026-11-17 14:03:12.123").id.has_value());
  BOOST_TEST(around("2026-11-17T14:03:12.123Z").time_ms == 1'794'924'192'123);
  for (const char* text : {"019a333", "someday", "019a3333-0000-7004-8000-000000000001x"}) {
    BOOST_TEST(rejection({"logs", "--around", text}).find("--around") != std::string::npos, text);
  }
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

BOOST_AUTO_TEST_CASE(every_command_has_examples_that_are_right) {
  const std::vector<Words> commands{{},
                                    {"help"},
                                    {"version"},
                                    {"completion"},
                                    {"db"},
                                    {"token"},
                                    {"claude"},
                                    {"egress"},
                                    {"serve"},
                                    {"health"},
                                    {"doctor"},
                                    {"run"},
                                    {"emit"},
                                    {"logs"},
                                    {"why"},
                                    {"turns"},
                                    {"stats"},
                                    {"chats"},
                                    {"errors"},
                                    {"db", "check"},
                                    {"db", "backup"},
                                    {"db", "restore"},
                                    {"db", "export"},
                                    {"db", "import"},
                                    {"token", "create"},
                                    {"token", "list"},
                                    {"token", "revoke"},
                                    {"token", "rotate"},
                                    {"claude", "install"},
                                    {"claude", "status"},
                                    {"claude", "remove"},
                                    {"egress", "allow"},
                                    {"egress", "deny"},
                                    {"egress", "list"},
                                    {"egress", "hosts"},
                                    {"egress", "test"},
                                    {"egress", "suggest"},
                                    {"egress", "selftest"},
                                    {"egress", "install"},
                                    {"egress", "remove"},
                                    {"egress", "status"}};
  for (Words command : commands) {
    command.push_back("--help");
    const std::string text = std::get<Answer>(parse(command)).text;
    const std::size_t begin = text.find("Examples:\n");
    BOOST_REQUIRE_MESSAGE(begin != text.npos, text);
    std::istringstream lines(text.substr(begin));
    int examples = 0;
    for (std::string line; std::getline(lines, line);) {
      const std::size_t name = line.find("picortex ");
      if (!line.starts_with("  ") || name == line.npos) continue;
      ++examples;
      const Words words = shell_words(line.substr(name + 9));
      const Command parsed = parse(words);
      const auto* answer = std::get_if<Answer>(&parsed);
      BOOST_TEST((answer == nullptr || answer->exit_status == 0),
                 line + ": " + (answer == nullptr ? "" : answer->text));
    }
    BOOST_TEST(examples > 0, text);
  }
}

BOOST_AUTO_TEST_CASE(every_command_line_in_the_documents_is_right) {
  std::size_t count = 0;
  std::vector<std::filesystem::path> documents{PICORTEX_SOURCE_DIR "/README.md"};
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(PICORTEX_SOURCE_DIR "/docs")) {
    if (entry.path().extension() == ".md") documents.push_back(entry.path());
  }
  for (const std::filesystem::path& document : documents) {
    for (const std::string& example : examples_in(document)) {
      const Words words = shell_words(example);
      // Users of the host that the documents name need not exist here.
      if (std::ranges::find(words, "--user") != words.end()) continue;
      ++count;
      const Command parsed = parse(words);
      const auto* answer = std::get_if<Answer>(&parsed);
      BOOST_TEST(
          (answer == nullptr || answer->exit_status == 0),
          document.string() + ": " + example + ": " + (answer == nullptr ? "" : answer->text));
    }
  }
  BOOST_TEST(count > 30);
}

BOOST_AUTO_TEST_CASE(often_typed_flags_have_a_short_form) {
  const auto options = std::get<LogsOptions>(parse({"logs", "-f", "-n", "7"}));
  BOOST_TEST(options.follow);
  BOOST_TEST(options.limit == 7);
  BOOST_TEST(std::get<TurnsOptions>(parse({"turns", "-n3"})).filter.limit == 3);
  BOOST_TEST(std::get<LogsOptions>(parse({"logs", "--limit", "4000000000"})).limit ==
             4'000'000'000);
}

BOOST_AUTO_TEST_CASE(version_names_version_and_commit) {
  const auto answer = std::get<Answer>(parse({"--version"}));
  BOOST_TEST(answer.exit_status == 0);
  BOOST_TEST(answer.text ==
             "picortex " + std::string(kVersion) + " (" + std::string(kCommit) + ")\n");
}

BOOST_AUTO_TEST_CASE(help_and_version_are_commands_too) {
  const auto text = [](Words words) { return std::get<Answer>(parse(std::move(words))).text; };
  BOOST_TEST(text({"help"}) == text({"--help"}));
  BOOST_TEST(text({"help", "logs"}) == text({"logs", "--help"}));
  BOOST_TEST(text({"help", "egress", "allow"}) == text({"egress", "allow", "--help"}));
  BOOST_TEST(text({"version"}) == text({"--version"}));
  BOOST_TEST(rejection({"help", "lgos"}).find("did you mean logs?") != std::string::npos);
  BOOST_TEST(rejection({"help", "egress", "alow"}).find("did you mean allow?") !=
             std::string::npos);
  rejection({"version", "logs"});
  rejection({"help", "run", "--", "true"});
}

BOOST_AUTO_TEST_CASE(health_asks_the_first_address_by_loopback) {
  const auto options = std::get<HealthOptions>(parse({"health", "--json", "--timeout", "250ms"},
                                                     {{"PICORTEX_LISTEN", "0.0.0.0:5,[::1]:6"}}));
  BOOST_TEST(options.server.text() == "127.0.0.1:5");
  BOOST_TEST(options.json);
  BOOST_TEST(options.time_limit.count() == 250);
  BOOST_TEST(!std::get<HealthOptions>(parse({"health"})).json);
  BOOST_TEST(std::get<HealthOptions>(parse({"health"}, {{"PICORTEX_HEALTH_JSON", "true"}})).json);
  rejection({"health", "--listen", "127.0.0.1:0"});
  for (const char* time : {"0s", "5", "301s", "300001ms", "s", "-1s"}) {
    rejection({"health", "--timeout", time});
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
    BOOST_TEST(rejection({"serve"}, {{"PICORTEX_SENTRY_INGEST", wrong}})
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
  rejection({"run", "--chat", std::string(257, 'x'), "--", "x"});
  rejection({"run", "--chat", "\xff", "--", "x"});
}

BOOST_AUTO_TEST_SUITE_END()
