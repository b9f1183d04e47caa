#include "handlers/alerts/alert_command.h"

#include <filesystem>

#include "base/uuid/uuid_v7.h"
#include "tests/support/loop_fixture.h"

using namespace picortex;

namespace {

constexpr auto kTimeLimit = AlertCommand::kTimeLimit;
constexpr AlertCommand::Pauses kShort{std::chrono::milliseconds(1), std::chrono::milliseconds(1),
                                      std::chrono::milliseconds(1)};

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
  Alert alert(std::string_view data = R"({"n":1})") const {
    return {.event_type = "test.alert",
            .time_ms = 1'794'924'000'000,
            .request_id = id,
            .msg = "look at this",
            .data = data};
  }
  void finish(AlertCommand& command) {
    while (!command.is_idle()) reactor->iterate();
  }

  void hear(AlertCommand& command) {
    command.report_to(Callback<const AlertDelivery&>::to<&AlertFixture::on_delivery>(*this));
  }
  void on_delivery(const AlertDelivery& delivery) noexcept { deliveries.push_back(delivery); }

  std::string directory = "/tmp/picortex-alert-XXXXXX";
  std::vector<AlertDelivery> deliveries;
  UuidV7Generator ids;
  Uuid id = ids.next(1);
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(alert_command, AlertFixture)

BOOST_AUTO_TEST_CASE(the_program_gets_the_event_and_the_request_id) {
  AlertCommand command(
      *reactor, log,
      script("cat >" + directory + "/in; echo $PICORTEX_REQUEST_ID >" + directory + "/id"));
  command.send(alert(R"({"host":"evil.test"})"));
  finish(command);
  BOOST_TEST(read("in") == R"({"event_type":"test.alert","time":"2026-11-17T14:00:00.000Z",)"
                           R"("request_id":")" +
                               to_string(id) +
                               R"(","msg":"look at this","host":"evil.test"})"
                               "\n");
  BOOST_TEST(read("id") == to_string(id) + '\n');
  BOOST_TEST(command.failed() == 0u);
}

BOOST_AUTO_TEST_CASE(only_a_few_run_at_once_and_all_run_once) {
  AlertCommand command(
      *reactor, log,
      script("cat >/dev/null; ls " + directory + "/run.* 2>/dev/null | wc -l >>" + directory +
             "/seen; touch " + directory + "/run.$$; sleep 0.05; rm " + directory + "/run.$$"));
  for (int i = 0; i < 20; ++i) command.send(alert());
  finish(command);
  BOOST_TEST(command.started() == 20u);
  const std::string seen = read("seen");
  BOOST_TEST(count(seen, "\n") == 20u);
  for (const char* too_many : {"4\n", "5\n", "6\n"}) BOOST_TEST(count(seen, too_many) == 0u);
}

BOOST_AUTO_TEST_CASE(failures_are_logged_with_their_reason) {
  AlertCommand failing(*reactor, log, script("echo no such luck >&2; exit 3"), kTimeLimit, kShort);
  failing.send(alert());
  finish(failing);
  AlertCommand missing(*reactor, log, "/nonexistent/alert", kTimeLimit, kShort);
  missing.send(alert());
  finish(missing);
  const std::string text = lines();
  BOOST_TEST(count(text, "alert.failed") == 8u);
  BOOST_TEST(count(text, "exit status 3") == 4u);
  BOOST_TEST(count(text, "no such luck") == 4u);
  BOOST_TEST(count(text, "cannot start /nonexistent/alert") == 4u);
  BOOST_TEST(failing.given_up() == 1u);
  BOOST_TEST(missing.given_up() == 1u);
}

BOOST_AUTO_TEST_CASE(much_on_stderr_does_not_stop_the_program) {
  AlertCommand command(*reactor, log,
                       script("echo begins >&2; head -c 300000 /dev/zero | tr '\\0' x >&2; exit 4"),
                       kTimeLimit, kShort);
  command.send(alert());
  finish(command);
  const std::string text = lines();
  BOOST_TEST(count(text, "exit status 4") == 4u);
  BOOST_TEST(count(text, "begins") == 4u);
  BOOST_TEST(text.size() < 8000u);
}

BOOST_AUTO_TEST_CASE(processes_that_the_program_leaves_do_not_keep_it_busy) {
  AlertCommand command(*reactor, log,
                       script("sleep 60 & echo $! >" + directory + "/pid; echo left over >&2"));
  command.send(alert());
  finish(command);
  BOOST_TEST(kill(std::stoi(read("pid")), SIGKILL) == 0);  // it was there still
  BOOST_TEST(command.failed() == 0u);
}

BOOST_AUTO_TEST_CASE(a_program_that_hangs_is_killed) {
  AlertCommand command(*reactor, log, script("sleep 60"), std::chrono::milliseconds(50), kShort);
  command.send(alert());
  finish(command);
  BOOST_TEST(count(lines(), "timed out") == 4u);
}

BOOST_AUTO_TEST_CASE(what_failed_is_tried_again_until_it_is_delivered) {
  const std::string tries = directory + "/tries";
  AlertCommand command(*reactor, log,
                       script("echo >>" + tries + "; test $(wc -l <" + tries + ") -gt 2"),
                       kTimeLimit, kShort);
  hear(command);
  command.send(alert());
  finish(command);
  BOOST_TEST(count(read("tries"), "\n") == 3u);
  BOOST_REQUIRE(deliveries.size() == 1u);
  BOOST_TEST(deliveries[0].delivered);
  BOOST_TEST(deliveries[0].tries == 3u);
  BOOST_TEST((deliveries[0].request_id == id));
  BOOST_TEST(command.failed() == 2u);
  BOOST_TEST(command.given_up() == 0u);
}

BOOST_AUTO_TEST_CASE(after_the_last_try_the_alert_is_given_up) {
  AlertCommand command(*reactor, log, "false", kTimeLimit, kShort);
  hear(command);
  command.send(alert());
  finish(command);
  BOOST_REQUIRE(deliveries.size() == 1u);
  BOOST_TEST(!deliveries[0].delivered);
  BOOST_TEST(deliveries[0].tries == 1 + AlertCommand::kRetries);
}

BOOST_AUTO_TEST_CASE(others_run_while_one_waits_for_its_next_try) {
  const std::string seen = directory + "/seen";
  AlertCommand command(
      *reactor, log,
      script("read line; echo \"$line\" >>" + seen + "; case $line in *bad*) exit 1;; esac"),
      kTimeLimit, {std::chrono::hours(1), std::chrono::hours(1), std::chrono::hours(1)});
  hear(command);
  command.send(alert(R"({"n":"bad"})"));
  command.send(alert(R"({"n":"good"})"));
  while (deliveries.empty() || command.failed() == 0) reactor->iterate();
  BOOST_TEST(deliveries[0].delivered);
  BOOST_TEST(!command.is_idle());
  command.stop();
  finish(command);
  BOOST_TEST(count(read("seen"), "\n") == 2u);
  BOOST_TEST(deliveries.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_flood_is_dropped_and_said_once) {
  AlertCommand command(*reactor, log, "true");
  for (std::size_t i = 0; i < 1000; ++i) command.send(alert());
  BOOST_TEST(command.dropped() == 1000 - AlertCommand::kWaitingMax - AlertCommand::kRunningMax);
  finish(command);
  BOOST_TEST(count(lines(), "alert.dropped") == 1u);
}

BOOST_AUTO_TEST_CASE(without_a_program_nothing_happens_and_stop_ends_what_runs) {
  AlertCommand none(*reactor, log, "");
  none.send(alert());
  BOOST_TEST(none.is_idle());
  AlertCommand command(*reactor, log, script("sleep 60"));
  command.send(alert());
  command.stop();
  finish(command);
  BOOST_TEST(command.failed() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
