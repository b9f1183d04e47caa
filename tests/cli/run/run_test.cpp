#include "cli/run/run.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sstream>

#include "base/time/timestamp.h"
#include "base/uuid/uuid.h"
#include "tests/cli/forked_run.h"
#include "tests/cli/reply_server.h"
#include "tests/cli/temporary_directory.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(run_command)

namespace {

constexpr const char* kRequestId = "0193391e-9ab4-7def-8abc-0123456789ab";

RunOptions options_for(std::vector<std::string> command, LogEvents log_events = LogEvents::never) {
  return {std::move(command), "", "/nonexistent", ListenAddress::parse("127.0.0.1:1").value(),
          log_events};
}

RunOptions shell(const std::string& script, LogEvents log_events = LogEvents::never) {
  return options_for({"sh", "-c", script}, log_events);
}

Environment plain_environment() { return {{"PATH", "/usr/bin:/bin"}}; }

// What stderr says of events that can be neither delivered nor kept.
const std::string kLost =
    "picortex: run: warning: the daemon did not store the events: cannot read "
    "\"/nonexistent/token\": No such file or directory; they are lost: neither XDG_STATE_HOME nor "
    "HOME says where to keep them\n";

ForkedRun::Outcome finish(const RunOptions& options,
                          Environment environment = plain_environment()) {
  return ForkedRun(options, environment).finish();
}

std::string string_of(simdjson::dom::element line, const char* key) {
  return std::string(line[key].get_string().value());
}

// The signals, as bits, in the line `name` of /proc/PID/status. glibc's posix_spawn has every child
// ignore its own two (32 and 33), which no program may use.
std::uint64_t signals_in(const std::string& status, const std::string& name) {
  const std::size_t at = status.find(name + ":\t");
  BOOST_REQUIRE(at != std::string::npos);
  return std::strtoull(status.c_str() + at + name.size() + 2, nullptr, 16) & ~0x180000000ull;
}

}  // namespace

BOOST_AUTO_TEST_CASE(leaves_with_the_exit_status_of_the_command) {
  BOOST_TEST(finish(options_for({"true"})).exit_status == 0);
  BOOST_TEST(finish(shell("exit 7")).exit_status == 7);
  BOOST_TEST(finish(shell("kill -KILL $$")).exit_status == 137);
  BOOST_TEST(finish(shell("kill -TERM $$")).exit_status == 143);
}

BOOST_AUTO_TEST_CASE(says_127_not_found_and_126_not_executable) {
  const auto missing = finish(options_for({"no-such\nprogram"}));
  BOOST_TEST(missing.exit_status == 127);
  BOOST_TEST(missing.error ==
             "picortex: run: cannot start \"no-such\\nprogram\": No such file or directory\n");
  BOOST_TEST(finish(options_for({"/"})).exit_status == 126);
  const TemporaryDirectory directory;
  BOOST_TEST(finish(options_for({directory.write("data", "x")})).exit_status == 126);
}

BOOST_AUTO_TEST_CASE(passes_arguments_and_streams_untouched) {
  const auto outcome = finish(options_for({"printf", "%s|", "a b", "$HOME", "", "--"}));
  BOOST_TEST(outcome.out == "a b|$HOME||--|");
  BOOST_TEST(outcome.error == kLost);
}

BOOST_AUTO_TEST_CASE(keeps_an_inherited_request_id_and_makes_one_otherwise) {
  const std::string print = "printf %s \"$PICORTEX_REQUEST_ID\"";
  Environment environment = plain_environment();
  const std::string fresh = finish(shell(print), environment).out;
  BOOST_TEST(parse_uuid(fresh).has_value());
  BOOST_TEST(fresh.substr(14, 1) == "7");
  environment["PICORTEX_REQUEST_ID"] = kRequestId;
  BOOST_TEST(finish(shell(print), environment).out == kRequestId);
  for (const char* wrong : {"x\n{}", "00000000-0000-0000-0000-000000000000"}) {
    environment["PICORTEX_REQUEST_ID"] = wrong;
    const auto outcome = finish(shell(print), environment);
    BOOST_TEST(parse_uuid(outcome.out).has_value());
    BOOST_TEST(outcome.out != wrong);
    BOOST_TEST(
        outcome.error.starts_with("picortex: run: warning: the inherited PICORTEX_REQUEST_ID \""));
    BOOST_TEST(outcome.error.substr(outcome.error.find('\n') + 1) == kLost);
  }
}

BOOST_AUTO_TEST_CASE(hands_the_chat_and_the_environment_on) {
  Environment environment = plain_environment();
  environment["OTHER"] = "a=b";
  RunOptions options = shell("printf '%s|%s' \"${PICORTEX_CHAT_ID-none}\" \"$OTHER\"");
  BOOST_TEST(finish(options, environment).out == "none|a=b");
  options.chat_id = "chat 1";
  BOOST_TEST(finish(options, environment).out == "chat 1|a=b");
}

BOOST_AUTO_TEST_CASE(forwards_a_signal_that_a_process_sent) {
  ForkedRun forked(shell("trap 'echo term; exit 3' TERM; trap 'echo usr1' USR1; echo ready;"
                         "while :; do sleep 0.05; done"),
                   plain_environment());
  BOOST_TEST(read_until(forked.out(), "ready\n") == "ready\n");
  kill(forked.pid(), SIGUSR1);
  BOOST_TEST(read_until(forked.out(), "usr1\n") == "usr1\n");
  kill(forked.pid(), SIGTERM);
  const auto outcome = forked.finish();
  BOOST_TEST(outcome.out == "term\n");
  BOOST_TEST(outcome.exit_status == 3);
}

BOOST_AUTO_TEST_CASE(the_command_inherits_mask_and_dispositions) {
  const RunOptions show = options_for({"cat", "/proc/self/status"});
  const std::string own =
      finish(options_for({"cat", "/proc/" + std::to_string(getpid()) + "/status"})).out;
  const std::string plain = finish(show).out;
  BOOST_TEST(signals_in(plain, "SigBlk") == signals_in(own, "SigBlk"));
  BOOST_TEST(signals_in(plain, "SigIgn") == signals_in(own, "SigIgn"));
  ForkedRun ignoring(show, plain_environment(), [] {
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
  });
  const auto outcome = ignoring.finish();
  BOOST_TEST(signals_in(outcome.out, "SigIgn") == (signals_in(own, "SigIgn") | 1u << (SIGHUP - 1)));
  BOOST_TEST(outcome.exit_status == 0);
}

BOOST_AUTO_TEST_CASE(an_interrupt_from_the_terminal_reaches_the_command_once) {
  int master = -1;
  const pid_t pid = forkpty(&master, nullptr, nullptr, nullptr);
  BOOST_REQUIRE(pid >= 0);
  if (pid == 0) {
    _exit(run(shell("n=0; trap 'n=$((n+1))' INT; echo ready;"
                    "while [ $n -eq 0 ]; do sleep 0.05; done; sleep 0.2; echo n=$n; exit 5"),
              plain_environment()));
  }
  const FileDescriptor terminal(master);
  read_until(master, "ready\r\n");
  BOOST_REQUIRE(write(master, "\x03", 1) == 1);
  const std::string shown = read_until(master, "n=1\r\n");
  BOOST_TEST(shown.find("n=1\r\n") != std::string::npos, shown);
  int status = 0;
  waitpid(pid, &status, 0);
  BOOST_TEST(WEXITSTATUS(status) == 5);
}

BOOST_AUTO_TEST_CASE(a_hang_up_of_the_terminal_reaches_the_command) {
  int reports[2];
  BOOST_REQUIRE(pipe(reports) == 0);
  int master = -1;
  const pid_t pid = forkpty(&master, nullptr, nullptr, nullptr);
  BOOST_REQUIRE(pid >= 0);
  if (pid == 0) {
    dup2(reports[1], STDOUT_FILENO);
    _exit(run(shell("trap 'echo hup; exit 4' HUP; echo ready; while :; do sleep 0.05; done"),
              plain_environment()));
  }
  close(reports[1]);
  const FileDescriptor reader(reports[0]);
  BOOST_TEST(read_until(reports[0], "ready\n") == "ready\n");
  close(master);
  BOOST_TEST(read_until(reports[0], "hup\n") == "hup\n");
  int status = 0;
  waitpid(pid, &status, 0);
  BOOST_TEST(WEXITSTATUS(status) == 4);
}

BOOST_AUTO_TEST_CASE(job_control_stops_and_continues_it_with_the_command) {
  int master = -1;
  const pid_t pid = forkpty(&master, nullptr, nullptr, nullptr);
  BOOST_REQUIRE(pid >= 0);
  if (pid == 0) {  // a shell with one job in the foreground
    signal(SIGTTOU, SIG_IGN);
    const pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      tcsetpgrp(STDIN_FILENO, getpid());
      signal(SIGTTOU, SIG_DFL);
      _exit(run(shell("echo ready; read line; exit 7"), plain_environment()));
    }
    int status = 0;
    if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status)) _exit(1);
    if (WSTOPSIG(status) != SIGTSTP) _exit(2);
    dprintf(STDOUT_FILENO, "stopped\n");
    kill(-job, SIGCONT);
    waitpid(job, &status, 0);
    _exit(WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 3);
  }
  const FileDescriptor terminal(master);
  read_until(master, "ready\r\n");
  BOOST_REQUIRE(write(master, "\x1a", 1) == 1);
  read_until(master, "stopped\r\n");
  BOOST_REQUIRE(write(master, "x\n", 2) == 2);
  int status = 0;
  waitpid(pid, &status, 0);
  BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_AUTO_TEST_CASE(writes_both_events_in_the_shape_of_the_log) {
  Environment environment = plain_environment();
  environment["PICORTEX_REQUEST_ID"] = kRequestId;
  RunOptions options =
      options_for({"sh", "-c", "exit 3", "\x1b[2J", std::string(300, 'x')}, LogEvents::automatic);
  options.chat_id = "c\n1";
  options.command.resize(40, "y");
  const auto outcome = finish(options, environment);
  BOOST_TEST(outcome.exit_status == 3);
  BOOST_TEST(outcome.error.find('\x1b') == std::string::npos);
  const std::size_t end = outcome.error.find('\n');
  simdjson::dom::parser parser;
  auto start = parser.parse(outcome.error.substr(0, end)).value();
  std::string keys;
  for (const auto field : start.get_object()) keys += std::string(field.key) + ' ';
  BOOST_TEST(keys ==
             "level time pid hostname request_id chat_id event_type id run_pid run_start_time "
             "child_pid child_start_time argc argv msg ");
  BOOST_TEST(string_of(start, "level") == "info");
  BOOST_TEST(parse_iso_time(string_of(start, "time")).has_value());
  BOOST_TEST(string_of(start, "request_id") == kRequestId);
  BOOST_TEST(string_of(start, "chat_id") == "c\n1");
  BOOST_TEST(string_of(start, "event_type") == "child.start");
  BOOST_TEST(start["argc"].get_int64().value() == 40);
  BOOST_TEST(start["argv"].get_array().value().size() == 32u);
  BOOST_TEST(start["argv"].at(4).get_string().value().size() == 256u);
  BOOST_TEST(string_of(start, "msg") == "started sh");
  std::istringstream rest(outcome.error.substr(end + 1));
  std::string warning;
  std::string last;
  std::getline(rest, warning);
  BOOST_TEST(warning.find("\"event_type\":\"run.warning\"") != std::string::npos);
  std::getline(rest, last);
  auto exit = parser.parse(last).value();
  BOOST_TEST(string_of(exit, "event_type") == "child.exit");
  BOOST_TEST(string_of(exit, "level") == "warn");
  BOOST_TEST(exit["exit_status"].get_int64().value() == 3);
  BOOST_TEST(exit["duration_ms"].get_int64().value() >= 0);
  BOOST_TEST(string_of(exit, "msg") == "exited with status 3");
}

// A double fork does not leave the run: the orphan becomes a child of `picortex run`, and is
// reaped.
BOOST_AUTO_TEST_CASE(adopts_processes_that_the_command_leaves) {
  const auto outcome =
      finish(shell("run=$PPID; parent() { read -r _ _ _ parent _ </proc/$1/stat; echo $parent; }\n"
                   "orphan=$(sleep 5 >/dev/null & echo $!)\n"
                   "i=0; while [ $((i += 1)) -lt 500 ] && [ \"$(parent $orphan)\" != $run ]; do "
                   "sleep 0.01; done\n"
                   "[ \"$(parent $orphan)\" = $run ] || exit 7\n"
                   "kill $orphan; i=0\n"
                   "while [ $((i += 1)) -lt 500 ] && [ -e /proc/$orphan ]; do sleep 0.01; done\n"
                   "[ ! -e /proc/$orphan ] || exit 8\n",
                   LogEvents::never));
  BOOST_TEST(outcome.exit_status == 0);
}

BOOST_AUTO_TEST_CASE(names_the_signal_that_ended_the_command) {
  const auto outcome = finish(shell("kill -KILL $$", LogEvents::always));
  BOOST_TEST(outcome.error.find("\"signal\":\"SIGKILL\",\"duration_ms\":") != std::string::npos);
  BOOST_TEST(outcome.error.find("\"exit_status\"") == std::string::npos);
  BOOST_TEST(outcome.error.find("\"msg\":\"ended by SIGKILL\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(posts_both_events_with_the_token) {
  const TemporaryDirectory directory;
  directory.write("token", "secret\n");
  ReplyServer server(
      [](int connection, const std::string&) {
        ReplyServer::send_text(connection, ReplyServer::reply(200, "{}"));
      },
      2);
  RunOptions options = shell("sleep 0.2");
  options.data_dir = directory.path();
  options.server = server.address();
  const auto outcome = finish(options);
  BOOST_TEST(outcome.exit_status == 0);
  BOOST_TEST(outcome.error == "");
  BOOST_REQUIRE(server.requests().size() == 2u);
  const auto& [start, exit] = std::tie(server.requests()[0], server.requests()[1]);
  BOOST_TEST(start.starts_with("POST /api/events HTTP/1.1\r\n"));
  BOOST_TEST(start.find("\r\nAuthorization: Bearer secret\r\n") != std::string::npos);
  BOOST_TEST(start.find("\r\nContent-Type: application/x-ndjson\r\n") != std::string::npos);
  BOOST_TEST(start.find("child.start") != std::string::npos);
  BOOST_TEST(exit.find("child.exit") != std::string::npos);
  BOOST_TEST(exit.find("child.start") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(posts_a_start_that_did_not_arrive_again_with_the_same_id) {
  const TemporaryDirectory directory;
  directory.write("token", "secret");
  int connections = 0;
  ReplyServer server(
      [&connections](int connection, const std::string&) {
        if (connections++ > 0) ReplyServer::send_text(connection, ReplyServer::reply(200, "{}"));
      },
      2);
  RunOptions options = shell("sleep 0.2");
  options.data_dir = directory.path();
  options.server = server.address();
  BOOST_TEST(finish(options).error == "");
  BOOST_REQUIRE(server.requests().size() == 2u);
  const std::string first = server.requests()[0].substr(server.requests()[0].find("\r\n\r\n"));
  const std::string both = server.requests()[1].substr(server.requests()[1].find("\r\n\r\n"));
  BOOST_TEST(both.starts_with(first));
  BOOST_TEST(both.find("child.exit") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_fails_costs_one_warning_and_no_exit_status) {
  const TemporaryDirectory directory;
  directory.write("token", "secret");
  ReplyServer server(
      [](int connection, const std::string&) {
        ReplyServer::send_text(connection, ReplyServer::reply(401, "{}"));
      },
      2);
  RunOptions options = shell("exit 9");
  options.data_dir = directory.path();
  options.server = server.address();
  const auto outcome = finish(options);
  BOOST_TEST(outcome.exit_status == 9);
  BOOST_TEST(outcome.error == "picortex: run: warning: the daemon did not store the events: " +
                                  server.address().text() +
                                  " rejected it with HTTP status 401; they are lost: neither "
                                  "XDG_STATE_HOME nor HOME says where to keep them\n");
}

BOOST_AUTO_TEST_CASE(without_a_token_nothing_is_sent_and_stderr_says_so) {
  const TemporaryDirectory directory;
  for (const char* token : {"", "two words", "forged\r\nX: y"}) {
    directory.write("token", token);
    RunOptions options = shell("exit 2");
    options.data_dir = directory.path();
    const auto outcome = finish(options);
    BOOST_TEST(outcome.exit_status == 2);
    BOOST_TEST(outcome.error.find("/token\" does not hold a token; they are lost") !=
               std::string::npos);
    BOOST_TEST(outcome.error.find('\n') == outcome.error.size() - 1);
  }
}

BOOST_AUTO_TEST_CASE(events_that_are_not_delivered_are_kept_for_the_next_run) {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  Environment environment = plain_environment();
  environment["XDG_STATE_HOME"] = state.path();
  const std::string kept = state.path() + "/picortex/undelivered.ndjson";
  // The token is not readable; then no server listens; then the daemon runs again.
  RunOptions options = shell("exit 3");
  const auto unread = finish(options, environment);
  BOOST_TEST(unread.exit_status == 3);
  BOOST_TEST(unread.error.find("they are kept in \"" + kept + "\" for the next try\n") !=
             std::string::npos);
  BOOST_TEST(unread.error.find('\n') == unread.error.size() - 1);
  directory.write("token", "secret");
  options.data_dir = directory.path();
  BOOST_TEST(finish(options, environment).error.find("for the next try\n") != std::string::npos);
  ReplyServer server(
      [](int connection, const std::string&) {
        ReplyServer::send_text(connection, ReplyServer::reply(200, "{}"));
      },
      3);
  options.server = server.address();
  options.command = {"sleep", "0.2"};
  BOOST_TEST(finish(options, environment).error == "");
  BOOST_REQUIRE(server.requests().size() == 3u);
  const std::string& late = server.requests()[2];
  BOOST_TEST(late.starts_with("POST /api/events?partial=1&keep=any HTTP/1.1\r\n"));
  std::size_t lines = 0;
  for (std::size_t at = late.find("child."); at != std::string::npos;
       at = late.find("child.", at + 1)) {
    ++lines;
  }
  BOOST_TEST(lines == 4u);
  BOOST_TEST(std::filesystem::file_size(kept) == 0u);
}

BOOST_AUTO_TEST_CASE(a_full_spool_loses_the_events_and_says_so) {
  const TemporaryDirectory state;
  Environment environment = plain_environment();
  environment["HOME"] = state.path();
  std::filesystem::create_directories(state.path() + "/.local/state/picortex");
  state.write(".local/state/picortex/undelivered.ndjson", std::string(256 * 1024 - 10, '\n'));
  const auto outcome = finish(shell("exit 0"), environment);
  BOOST_TEST(outcome.error.find("they are lost: ") != std::string::npos);
  BOOST_TEST(outcome.error.find("undelivered.ndjson\" is full\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(arguments_are_masked_or_left_out) {
  RunOptions options = options_for({"true", "--token", "hunter2"}, LogEvents::always);
  BOOST_TEST(finish(options).error.find(R"("argc":3,"argv":["true","--token","***"],)") !=
             std::string::npos);
  options.hides_arguments = true;
  const std::string hidden = finish(options).error;
  BOOST_TEST(hidden.find(R"("argc":3,"msg":"started true")") != std::string::npos);
  BOOST_TEST(hidden.find("argv") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
