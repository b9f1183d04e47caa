#include "daemon/config/settings.h"

#include <boost/test/unit_test.hpp>

#include "tests/cli/temporary_directory.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(settings_of_options)

namespace {

std::optional<std::string> any(std::string_view text) { return std::string(text); }

std::optional<int> length(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return static_cast<int>(text.size());
}

Settings settings(FlagValues flags, Environment environment = {}, ConfigLines file = {}) {
  return Settings(std::move(flags), std::move(environment), std::move(file), "/etc/p.conf");
}

std::string error_of(Settings& settings) {
  BOOST_REQUIRE(settings.error().has_value());
  return settings.error()->what;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_flag_beats_the_variable_which_beats_the_file_which_beats_the_default) {
  const FlagValues flag{{"LOG_LEVEL", {"error"}}};
  const Environment variable{{"LOG_LEVEL", "warn"}};
  const ConfigLines line{{"LOG_LEVEL", {"debug", 3}}};
  BOOST_TEST(settings(flag, variable, line).one(kLogLevel, any) == "error");
  BOOST_TEST(settings({}, variable, line).one(kLogLevel, any) == "warn");
  BOOST_TEST(settings({}, {}, line).one(kLogLevel, any) == "debug");
  BOOST_TEST(settings({}).one(kLogLevel, any) == "info");
  BOOST_TEST(settings({}, {}, line).is_given(kLogLevel));
  BOOST_TEST(!settings({}).is_given(kLogLevel));
}

BOOST_AUTO_TEST_CASE(an_empty_variable_counts_as_unset) {
  Settings empty = settings({}, {{"LOG_LEVEL", ""}}, {{"LOG_LEVEL", {"debug", 3}}});
  BOOST_TEST(empty.one(kLogLevel, any) == "debug");
}

BOOST_AUTO_TEST_CASE(the_first_of_two_variables_with_one_name_counts) {
  const char* const block[] = {"A=1", "B=x=y", "novalue", "A=2", nullptr};
  const Environment environment = read_environment(block);
  BOOST_TEST(environment.at("A") == "1");
  BOOST_TEST(environment.at("B") == "x=y");
  BOOST_TEST(environment.size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_error_names_the_option_the_origin_the_value_and_what_is_allowed) {
  const auto none = [](std::string_view) { return std::optional<int>(); };
  Settings by_flag = settings({{"LOG_LEVEL", {"loud"}}});
  by_flag.one(kLogLevel, none);
  BOOST_TEST(error_of(by_flag).starts_with("--log-level (flag): "));
  BOOST_TEST(error_of(by_flag).find("loud") != std::string::npos);
  BOOST_TEST(error_of(by_flag).ends_with("give " + allowed_values(kLogLevel)));
  Settings by_variable = settings({}, {{"LOG_LEVEL", "loud"}});
  by_variable.one(kLogLevel, none);
  BOOST_TEST(error_of(by_variable).starts_with("--log-level (environment variable LOG_LEVEL): "));
  Settings by_line = settings({}, {}, {{"LOG_LEVEL", {"loud", 7}}});
  by_line.one(kLogLevel, none);
  BOOST_TEST(error_of(by_line).starts_with("--log-level (/etc/p.conf:7): "));
}

BOOST_AUTO_TEST_CASE(the_first_error_is_kept) {
  Settings two = settings({{"LOG_LEVEL", {""}}, {"PICORTEX_FRONTEND_LOG_RATE", {"many"}}});
  two.one(kLogLevel, length);
  two.number(kFrontendLogRate);
  BOOST_TEST(error_of(two).starts_with("--log-level"));
}

BOOST_AUTO_TEST_CASE(an_error_never_shows_a_secret) {
  Settings secret = settings({{"PICORTEX_LINQ_SECRET", {"whsec_hidden"}}});
  secret.one(kLinqSecret, [](std::string_view) { return std::optional<int>(); });
  BOOST_TEST(error_of(secret).find("hidden") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_value_that_controls_a_terminal_is_shown_harmless) {
  Settings hostile = settings({{"LOG_LEVEL", {"\x1b[2Jloud\n"}}});
  hostile.one(kLogLevel, [](std::string_view) { return std::optional<int>(); });
  BOOST_TEST(error_of(hostile).find('\x1b') == std::string::npos);
  BOOST_TEST(error_of(hostile).find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_list_is_split_at_commas_and_joined_from_repeated_flags) {
  Settings by_flag = settings({{"PICORTEX_LISTEN", {"a", "bb"}}});
  BOOST_TEST(by_flag.list(kListen, length) == (std::vector{1, 2}),
             boost::test_tools::per_element());
  Settings by_variable = settings({}, {{"PICORTEX_LISTEN", " a , bb,ccc "}});
  BOOST_TEST(by_variable.list(kListen, length) == (std::vector{1, 2, 3}),
             boost::test_tools::per_element());
  for (const char* text : {",", "a,,b", "a,"}) {
    Settings gap = settings({}, {{"PICORTEX_LISTEN", text}});
    gap.list(kListen, length);
    BOOST_TEST(gap.error().has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_number_is_whole_and_within_its_range) {
  const auto number = [](const char* text) {
    Settings one = settings({{"PICORTEX_DRAIN_SECONDS", {text}}});
    const std::uint32_t value = one.number(kDrainSeconds);
    return one.error() ? -1 : static_cast<int>(value);
  };
  BOOST_TEST(number("1") == 1);
  BOOST_TEST(number("300") == 300);
  for (const char* text : {"0", "301", "", " 5", "5 ", "+5", "-5", "5.0", "0x5", "4294967301"}) {
    BOOST_TEST(number(text) == -1, text);
  }
  Settings wrong = settings({{"PICORTEX_DRAIN_SECONDS", {"0"}}});
  wrong.number(kDrainSeconds);
  BOOST_TEST(error_of(wrong).ends_with("give a whole number from 1 to 300"));
}

BOOST_AUTO_TEST_CASE(a_toggle_takes_true_and_false_alone) {
  const auto toggle = [](const char* text) {
    Settings one = settings({}, {{"PICORTEX_SENTRY_INGEST", text}});
    const bool value = one.toggle(kSentryIngest);
    return one.error() ? -1 : static_cast<int>(value);
  };
  BOOST_TEST(toggle("true") == 1);
  BOOST_TEST(toggle("1") == 1);
  BOOST_TEST(toggle("false") == 0);
  BOOST_TEST(toggle("0") == 0);
  for (const char* text : {"yes", "TRUE", "2", "truefalse"}) BOOST_TEST(toggle(text) == -1, text);
}

BOOST_AUTO_TEST_CASE(reading_again_sees_the_changed_file_and_keeps_flags_and_variables) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("p.conf", "LOG_LEVEL=debug\n");
  auto first =
      resolve_settings({{"PICORTEX_CONFIG", {path}}, {"PICORTEX_LISTEN", {"a"}}}, {}, false);
  BOOST_REQUIRE(first.has_value());
  directory.write("p.conf", "LOG_LEVEL=trace\nPICORTEX_LISTEN=b\n");
  auto second = first->read_again();
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(first->one(kLogLevel, any) == "debug");
  BOOST_TEST(second->one(kLogLevel, any) == "trace");
  BOOST_TEST(second->one(kListen, any) == "a");
  BOOST_TEST(first->differs_in(kLogLevel, *second));
  BOOST_TEST(!first->differs_in(kListen, *second));
}

BOOST_AUTO_TEST_CASE(a_named_config_file_must_exist) {
  const auto missing = resolve_settings({{"PICORTEX_CONFIG", {"/nonexistent/p.conf"}}}, {}, true);
  BOOST_REQUIRE(!missing.has_value());
  BOOST_TEST(missing.error().what.find("/nonexistent/p.conf") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
