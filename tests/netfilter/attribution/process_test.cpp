#include "netfilter/attribution/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "netfilter/attribution/agent_process_registry.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(process)

namespace {

constexpr const char* kId = "0193391e-9ab4-7def-8abc-0123456789ab";

ProcessKey self() { return {getpid(), read_process_stat(getpid())->start_time}; }

TurnIds ids(const char* chat = "chat-1") { return {*parse_uuid(kId), chat}; }

}  // namespace

BOOST_AUTO_TEST_CASE(stat_is_read_whatever_the_command_is_called) {
  const auto stat = parse_process_stat(
      "12 (a) R 1 (b) S 77 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21\n");
  BOOST_REQUIRE(stat.has_value());
  BOOST_TEST(stat->parent == 77);
  BOOST_TEST(stat->start_time == 987654u);
  BOOST_TEST(!stat->has_addresses());
  for (const char* bad : {"", "12", "12 (x", "12 (x) S", "12 (x) S 1 2 3", "12 (x) S a b c d"}) {
    BOOST_TEST(!parse_process_stat(bad).has_value());
  }
  const auto own = read_process_stat(getpid());
  BOOST_TEST(own->parent == getppid());
  BOOST_TEST(own->environment_at == reinterpret_cast<std::uintptr_t>(environ[0]));
  BOOST_TEST(own->arguments_at < own->environment_at);
  BOOST_TEST(!read_process_stat(0).has_value());
}

BOOST_AUTO_TEST_CASE(a_process_reports_its_executable_command_and_user) {
  BOOST_TEST(read_executable(getpid()).ends_with("netfilter_tests"));
  BOOST_TEST(read_command_line(getpid()).find("netfilter_tests") != std::string::npos);
  BOOST_TEST(*read_real_uid(getpid()) == getuid());
  BOOST_TEST(read_executable(0).empty());
  BOOST_TEST(!read_real_uid(0).has_value());
}

BOOST_AUTO_TEST_CASE(open_files_say_what_a_process_is_until_it_ends) {
  const ProcessFiles own(getpid());
  BOOST_TEST((own.stat() == read_process_stat(getpid())));
  BOOST_TEST(own.tracer().has_value());
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const ProcessFiles files(child);
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(files.stat()->parent == getpid());
    BOOST_TEST(*files.tracer() == 0);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  BOOST_TEST(!files.stat().has_value());
  BOOST_TEST(!files.tracer().has_value());
  BOOST_TEST(!ProcessFiles(child).stat().has_value());
}

BOOST_AUTO_TEST_CASE(only_valid_claims_count) {
  const std::string id = std::string("PICORTEX_REQUEST_ID=") + kId + '\0';
  const auto chat_of = [&](std::string text) {
    return claimed_ids_in(id + "PICORTEX_CHAT_ID=" + text + '\0').chat_id;
  };
  BOOST_TEST(to_string(claimed_ids_in(std::string("A=b") + '\0' + id).request_id) == kId);
  BOOST_TEST(claimed_ids_in("").request_id.is_nil());
  BOOST_TEST(claimed_ids_in("PICORTEX_REQUEST_ID=nonsense").request_id.is_nil());
  BOOST_TEST(claimed_ids_in("PICORTEX_CHAT_ID=x").chat_id.empty());
  BOOST_TEST(chat_of("chat-7") == "chat-7");
  BOOST_TEST(chat_of("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  for (const char* bad : {"a\nb", "a\"b", "\x1b[31m", "\xff"}) BOOST_TEST(chat_of(bad).empty());
  BOOST_TEST(chat_of(std::string(257, 'x')).empty());
}

BOOST_AUTO_TEST_CASE(a_run_is_found_by_number_and_start_time_only) {
  AgentProcessRegistry runs;
  runs.add({10, 100}, ids());
  BOOST_REQUIRE(runs.find({10, 100}) != nullptr);
  BOOST_TEST(runs.find({10, 100})->chat_id == "chat-1");
  BOOST_TEST((runs.find({10, 101}) == nullptr));  // the number was used again
  runs.remove({10, 101});
  BOOST_TEST((runs.find({10, 100}) != nullptr));
  runs.add({10, 200}, ids("chat-2"));
  BOOST_TEST((runs.find({10, 100}) == nullptr));
  BOOST_TEST(runs.find({10, 200})->chat_id == "chat-2");
  runs.remove({10, 200});
  BOOST_TEST(runs.size() == 0u);
}

BOOST_AUTO_TEST_CASE(runs_that_have_ended_are_swept_away) {
  AgentProcessRegistry runs;
  runs.add(self(), ids());
  runs.add({getpid() == 10 ? 11 : 10, 1}, ids());
  runs.add({getppid(), 1}, ids());
  runs.sweep();
  BOOST_TEST(runs.size() == 1u);
  BOOST_TEST((runs.find(self()) != nullptr));
}

BOOST_AUTO_TEST_CASE(the_registry_is_bounded_and_the_oldest_run_goes) {
  AgentProcessRegistry runs;
  for (std::size_t i = 1; i <= AgentProcessRegistry::kRunsMax + 5; ++i) {
    runs.add({static_cast<pid_t>(i), 1}, ids());
  }
  BOOST_TEST(runs.size() == AgentProcessRegistry::kRunsMax);
  BOOST_TEST((runs.find({5, 1}) == nullptr));
  BOOST_TEST((runs.find({6, 1}) != nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
