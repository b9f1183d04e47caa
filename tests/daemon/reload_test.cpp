#include "daemon/reload.h"

#include <boost/test/unit_test.hpp>
#include <variant>

#include "cli/command_line.h"
#include "tests/cli/temporary_directory.h"

using namespace picortex;

namespace {

using Flags = std::vector<std::string>;

struct ReloadFixture {
  void write(const std::string& text) { config = directory.write("picortex.conf", text); }

  ServeOptions start(Flags flags = {}, Environment environment = {}) {
    flags.insert(flags.begin(), {"serve", "--config", config});
    Command command = parse_command_line(flags, environment);
    BOOST_REQUIRE(std::holds_alternative<ServeOptions>(command));
    return std::get<ServeOptions>(std::move(command));
  }

  TemporaryDirectory directory;
  std::string config = directory.write("picortex.conf", "");
};

constexpr const char* kSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZg==";
constexpr const char* kOtherSecret = "whsec_ZmVkY2JhOTg3NjU0MzIxMA==";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reload, ReloadFixture)

BOOST_AUTO_TEST_CASE(nothing_has_changed) {
  write("LOG_LEVEL=warn\n");
  const ServeOptions started = start();
  const auto reload = read_again(started, started);
  BOOST_REQUIRE(reload.has_value());
  BOOST_TEST(reload->changed.empty());
  BOOST_TEST(reload->needs_restart.empty());
}

BOOST_AUTO_TEST_CASE(what_can_change_and_what_cannot_are_reported_apart) {
  write("LOG_LEVEL=warn\nPICORTEX_LISTEN=127.0.0.1:1\n");
  const ServeOptions started = start();
  write("LOG_LEVEL=debug\nPICORTEX_LISTEN=127.0.0.1:2\nPICORTEX_RETENTION_DAYS=7\n");
  const auto reload = read_again(started, started);
  BOOST_REQUIRE(reload.has_value());
  BOOST_TEST(reload->changed == (Flags{"--retention-days", "--log-level"}),
             boost::test_tools::per_element());
  BOOST_TEST(reload->needs_restart == Flags{"--listen"}, boost::test_tools::per_element());
  BOOST_TEST((reload->options.log_level == Level::debug));
}

BOOST_AUTO_TEST_CASE(what_needs_a_restart_is_reported_until_there_was_one) {
  const ServeOptions started = start();
  write("PICORTEX_DURABILITY=process\nLOG_LEVEL=debug\n");
  const auto first = read_again(started, started);
  BOOST_REQUIRE(first.has_value());
  const auto second = read_again(started, first->options);
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(second->changed.empty());
  BOOST_TEST(second->needs_restart == Flags{"--durability"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(flags_and_variables_still_go_first) {
  const ServeOptions started =
      start({"--log-level", "error"}, {{"PICORTEX_TMUX_SOCKET", "/run/a"}});
  write("LOG_LEVEL=debug\nPICORTEX_TMUX_SOCKET=/run/b\n");
  const auto reload = read_again(started, started);
  BOOST_REQUIRE(reload.has_value());
  BOOST_TEST(reload->changed.empty());
  BOOST_TEST((reload->options.log_level == Level::error));
  BOOST_TEST(reload->options.tmux_socket == "/run/a");
}

BOOST_AUTO_TEST_CASE(a_secret_may_change_but_not_appear_or_vanish) {
  const auto needs_restart = [this](const std::string& before, const std::string& after) {
    const auto line = [](const std::string& secret) {
      return secret.empty() ? "" : "PICORTEX_LINQ_SECRET=" + secret + "\n";
    };
    write(line(before));
    const ServeOptions started = start();
    write(line(after));
    const auto reload = read_again(started, started);
    BOOST_REQUIRE(reload.has_value());
    BOOST_TEST(reload->changed.size() + reload->needs_restart.size() == 1u);
    return !reload->needs_restart.empty();
  };
  BOOST_TEST(!needs_restart(kSecret, kOtherSecret));
  BOOST_TEST(needs_restart("", kSecret));
  BOOST_TEST(needs_restart(kSecret, ""));
}

BOOST_AUTO_TEST_CASE(a_wrong_file_is_one_line_that_names_the_place) {
  const ServeOptions started = start();
  write("LOG_LEVEL=debug\nPICORTEX_RETENTION_DAYS=many\n");
  const auto wrong = read_again(started, started);
  BOOST_REQUIRE(!wrong.has_value());
  BOOST_TEST(wrong.error().what.find("picortex.conf:2): \"many\" is not allowed") !=
             std::string::npos);
  BOOST_TEST(wrong.error().what.find('\n') == std::string::npos);
  std::filesystem::remove(config);
  BOOST_TEST(!read_again(started, started).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
