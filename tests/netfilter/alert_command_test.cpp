#include "netfilter/alert_command.h"

#include <filesystem>

#include "base/uuid_v7.h"
#include "tests/netfilter/loop_fixture.h"

using namespace picortex;

namespace {

struct AlertFixture : LoopFixture {
  AlertFixture() { BOOST_REQUIRE(mkdtemp(directory.data()) != nullptr); }
  ~AlertFixture() { std::filesystem::remove_all(directory); }

  std::string script(const std::string& body) {
    const std::string file = directory + "/alert";
    std::ofstream(file) << "#!/bin/sh\n" << body << '\n';
    chmod(file.c_str(), 0700);
    return file;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(directory + '/' + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void finish(AlertCommand& command) {
    while (!command.is_idle()) reactor->turn();
  }

  std::string directory = "/tmp/picortex-alert-XXXXXX";
  UuidV7Generator ids;
  Uuid id = ids.next(1);
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(alert_command, AlertFixture)

BOOST_AUTO_TEST_CASE(the_program_gets_the_event_and_the_request_id) {
  AlertCommand command(
      *reactor, log,
      script("cat >" + directory + "/in; echo $PICORTEX_REQUEST_ID >" + directory + "/id"));
  command.send(R"({"host":"evil.test"})", id);
  finish(command);
  BOOST_TEST(read("in") == "{\"host\":\"evil.test\"}\n");
  BOOST_TEST(read("id") == to_string(id) + '\n');
  BOOST_TEST(command.failed() == 0u);
}

BOOST_AUTO_TEST_CASE(only_a_few_run_at_once_and_all_run_once) {
  AlertCommand command(
      *reactor, log,
      script("cat >/dev/null; ls " + directory + "/run.* 2>/dev/null | wc -l >>" + directory +
             "/seen; touch " + directory + "/run.$$; sleep 0.05; rm " + directory + "/run.$$"));
  for (int i = 0; i < 20; ++i) command.send("{}", id);
  finish(command);
  BOOST_TEST(command.started() == 20u);
  const std::string seen = read("seen");
  BOOST_TEST(count(seen, "\n") == 20u);
  for (const char* too_many : {"4\n", "5\n", "6\n"}) BOOST_TEST(count(seen, too_many) == 0u);
}

BOOST_AUTO_TEST_CASE(failures_are_logged_with_their_reason) {
  AlertCommand failing(*reactor, log, script("echo no such luck >&2; exit 3"));
  failing.send("{}", id);
  finish(failing);
  AlertCommand missing(*reactor, log, "/nonexistent/alert");
  missing.send("{}", id);
  finish(missing);
  const std::string text = lines();
  BOOST_TEST(count(text, "alert.failed") == 2u);
  BOOST_TEST(count(text, "exit status 3") == 1u);
  BOOST_TEST(count(text, "no such luck") == 1u);
  BOOST_TEST(count(text, "cannot start /nonexistent/alert") == 1u);
}

BOOST_AUTO_TEST_CASE(much_on_stderr_does_not_stop_the_program) {
  AlertCommand command(
      *reactor, log, script("echo begins >&2; head -c 300000 /dev/zero | tr '\\0' x >&2; exit 4"));
  command.send("{}", id);
  finish(command);
  const std::string text = lines();
  BOOST_TEST(count(text, "exit status 4") == 1u);
  BOOST_TEST(count(text, "begins") == 1u);
  BOOST_TEST(text.size() < 2000u);
}

BOOST_AUTO_TEST_CASE(what_the_program_leaves_behind_does_not_keep_it_busy) {
  AlertCommand command(
      *reactor, log,
      script("sleep 60 & echo $! >" + directory + "/pid; echo left behind >&2; exit 5"));
  command.send("{}", id);
  finish(command);
  BOOST_TEST(kill(std::stoi(read("pid")), SIGKILL) == 0);  // it was there still
  const std::string text = lines();
  BOOST_TEST(count(text, "left behind") == 1u);
  BOOST_TEST(count(text, "exit status 5") == 1u);
}

BOOST_AUTO_TEST_CASE(a_program_that_hangs_is_killed) {
  AlertCommand command(*reactor, log, script("sleep 60"), std::chrono::milliseconds(50));
  command.send("{}", id);
  finish(command);
  BOOST_TEST(count(lines(), "its time was up") == 1u);
}

BOOST_AUTO_TEST_CASE(a_flood_is_dropped_and_said_once) {
  AlertCommand command(*reactor, log, "true");
  for (std::size_t i = 0; i < 1000; ++i) command.send("{}", id);
  BOOST_TEST(command.dropped() == 1000 - AlertCommand::kWaitingMax - AlertCommand::kRunningMax);
  finish(command);
  BOOST_TEST(count(lines(), "alert.dropped") == 1u);
}

BOOST_AUTO_TEST_CASE(without_a_program_nothing_happens_and_stop_ends_what_runs) {
  AlertCommand none(*reactor, log, "");
  none.send("{}", id);
  BOOST_TEST(none.is_idle());
  AlertCommand command(*reactor, log, script("sleep 60"));
  command.send("{}", id);
  command.stop();
  finish(command);
  BOOST_TEST(command.failed() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
