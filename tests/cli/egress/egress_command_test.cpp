#include "cli/egress/egress_command.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>

#include "base/json/document.h"
#include "base/read_file.h"
#include "base/uuid/uuid_v7.h"
#include "cli/command_line.h"
#include "cli/egress/selftest_payloads.h"
#include "daemon/egress/run_listener.h"
#include "netfilter/dns/dns_message.h"
#include "netfilter/wire/tls_hello.h"
#include "storage/event_store.h"
#include "tests/cli/temporary_directory.h"

using namespace picortex;

namespace {

struct EgressFixture {
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), "egress");
    const Environment environment{{"PICORTEX_EGRESS_ALLOWLIST", list},
                                  {"PICORTEX_DATA_DIR", directory.path()},
                                  {"PICORTEX_LISTEN", "127.0.0.1:1"}};
    const Command command = parse_command_line(words, environment);
    if (const auto* answer = std::get_if<Answer>(&command)) return answer->exit_status;
    return egress(std::get<EgressOptions>(command));
  }
  // What it prints on stdout.
  std::string output_of(std::vector<std::string> words) {
    std::fflush(stdout);
    const int own = dup(STDOUT_FILENO);
    const std::string path = directory.path() + "/output";
    BOOST_REQUIRE(std::freopen(path.c_str(), "w", stdout) != nullptr);
    BOOST_TEST(run(std::move(words)) == 0);
    std::fflush(stdout);
    dup2(own, STDOUT_FILENO);
    close(own);
    return read_small_file(path, 64 * 1024).value_or("");
  }
  void store_attempts(const std::vector<EgressAttempt>& attempts) {
    auto store = EventStore::open(directory.path(), kNow);
    BOOST_REQUIRE(store.has_value());
    BOOST_REQUIRE((*store)->begin(kNow).has_value());
    UuidV7Generator ids;
    for (const EgressAttempt& attempt : attempts) {
      Event event;
      event.event_type = "egress.allowed";
      event.time_ms = kNow;
      event.request_id = ids.next(kNow);
      event.egress = &attempt;
      BOOST_REQUIRE((*store)->append(event).has_value());
    }
    BOOST_REQUIRE((*store)->commit().has_value());
  }

  static constexpr std::int64_t kNow = 1'794'924'000'000;
  std::string text() const { return read_small_file(list, 4096).value_or(""); }

  TemporaryDirectory directory;
  std::string list = directory.path() + "/list.txt";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(egress_command, EgressFixture)

BOOST_AUTO_TEST_CASE(what_is_allowed_passes_until_it_is_denied) {
  BOOST_TEST(run({"test", "new.test"}) == 1);
  BOOST_TEST(run({"allow", "new.test"}) == 0);
  BOOST_TEST(run({"allow", "new.test"}) == 0);
  BOOST_TEST(text() == "new.test\n");  // once
  BOOST_TEST(run({"test", "new.test"}) == 0);
  BOOST_TEST(run({"test", "NEW.test.:443"}) == 0);
  BOOST_TEST(run({"test", "new.test:8443"}) == 1);
  BOOST_TEST(run({"test", "evilnew.test"}) == 1);
  BOOST_TEST(run({"deny", "new.test"}) == 0);
  BOOST_TEST(text() == "");
  BOOST_TEST(run({"test", "new.test"}) == 1);
}

BOOST_AUTO_TEST_CASE(a_temporary_rule_is_kept_next_to_the_database_and_ends) {
  BOOST_TEST(run({"allow", "soon.test", "--for", "1h"}) == 0);
  BOOST_TEST(run({"allow", "soon.test", "--for", "2h"}) == 0);
  const auto rules = read_small_file(directory.path() + "/egress-temporary.txt", 4096).value();
  BOOST_TEST(rules.starts_with("soon.test expires="));
  BOOST_TEST(rules.find("soon.test", 1) == std::string::npos);  // the newer took its place
  BOOST_TEST(run({"test", "soon.test"}) == 0);
  BOOST_TEST(text() == "");
  BOOST_TEST(run({"deny", "soon.test"}) == 0);
  BOOST_TEST(run({"test", "soon.test"}) == 1);
}

BOOST_AUTO_TEST_CASE(built_in_hosts_stay_and_addresses_can_be_tested) {
  BOOST_TEST(run({"deny", "github.com"}) == 1);
  BOOST_TEST(run({"test", "github.com"}) == 0);
  BOOST_TEST(run({"allow", "192.0.2.0/24:8443"}) == 0);
  BOOST_TEST(run({"test", "192.0.2.7:8443"}) == 0);
  BOOST_TEST(run({"test", "[2001:db8::1]:443"}) == 1);
}

BOOST_AUTO_TEST_CASE(allowing_a_host_takes_effect_whatever_is_listed_of_it) {
  for (const char* before : {"a.test:80", "a.test:80 private", "a.test private", "*.a.test",
                             "a.test expires=2020-01-01T00:00:00Z", "a.test:8443 dns-only"}) {
    directory.write("list.txt", std::string(before) + '\n');
    BOOST_TEST(run({"allow", "a.test"}) == 0);
    BOOST_TEST(run({"test", "a.test"}) == 0, before);
    BOOST_TEST(text().starts_with(before), before);  // nothing that was allowed is taken away
  }
  BOOST_TEST(run({"allow", "a.test private"}) == 0);
  BOOST_TEST(text().find("\na.test private\n") != std::string::npos);
  // What a rule with more words covers is there already.
  directory.write("list.txt", "a.test private dns-only\n");
  BOOST_TEST(run({"allow", "a.test private"}) == 0);
  BOOST_TEST(text() == "a.test private dns-only\n");
}

BOOST_AUTO_TEST_CASE(a_temporary_rule_takes_no_other_ports_place) {
  BOOST_TEST(run({"allow", "a.test:80", "--for", "1h"}) == 0);
  BOOST_TEST(run({"allow", "a.test", "--for", "1h"}) == 0);
  BOOST_TEST(run({"test", "a.test:80"}) == 0);
  BOOST_TEST(run({"test", "a.test"}) == 0);
}

BOOST_AUTO_TEST_CASE(a_wide_rule_needs_a_yes) {
  for (const char* wide : {"*.com", "*.co.uk", "0.0.0.0/0:443"}) {
    BOOST_TEST(run({"allow", wide}) == 1, wide);
    BOOST_TEST(run({"allow", wide, "--for", "1h"}) == 1, wide);
    BOOST_TEST(text() == "", wide);
    BOOST_TEST(run({"allow", wide, "--yes"}) == 0, wide);
    BOOST_TEST(text() == std::string(wide) + '\n', wide);
    BOOST_TEST(run({"deny", wide}) == 0, wide);
  }
}

BOOST_AUTO_TEST_CASE(a_rule_that_needs_a_name_allows_no_protocol_without_one) {
  BOOST_TEST(run({"allow", "github.com:22"}) == 0);
  BOOST_TEST(run({"test", "github.com:22"}) == 1);
  BOOST_TEST(run({"allow", "github.com:22 dns-only"}) == 0);
  BOOST_TEST(run({"test", "github.com:22"}) == 0);
  BOOST_TEST(run({"allow", "*.db.test:5432"}) == 0);
  BOOST_TEST(run({"test", "a.db.test:5432"}) == 1);
  BOOST_TEST(run({"allow", "a.test:8443"}) == 0);
  BOOST_TEST(run({"test", "a.test:8443"}) == 0);
}

BOOST_AUTO_TEST_CASE(a_changed_list_is_judged_by_what_was_recorded) {
  store_attempts({});
  directory.write("new.txt", "a.test\n");
  const std::string edited = directory.path() + "/new.txt";
  BOOST_TEST(run({"test", "--edit", edited}) == 0);
  BOOST_TEST(output_of({"test", "--edit", edited, "--json"})
                 .starts_with(R"({"attempts":0,"unchanged":0,"now_allowed":[],"now_denied":[])"));
  directory.write("new.txt", "not a rule\n");
  BOOST_TEST(run({"test", "--edit", edited}) == 1);
  BOOST_TEST(run({"test", "--edit", directory.path() + "/none.txt"}) == 1);
  BOOST_TEST(run({"test", "--edit", edited, "a.test"}) == 2);
  BOOST_TEST(run({"test", "--edit", edited, "--since", "whenever"}) == 2);
}

BOOST_AUTO_TEST_CASE(grants_are_listed_with_the_hosts_that_are_known) {
  BOOST_TEST(run({"allow", "new.test"}) == 0);
  const std::string output = output_of({"list", "--grants"});
  BOOST_TEST(output.find("\ngithub.com                      yes      yes      yes      ") !=
             std::string::npos);
  BOOST_TEST(
      output.find("\nnew.test                        ?        ?        ?        not known") !=
      std::string::npos);
}

BOOST_AUTO_TEST_CASE(usage_errors_end_with_2) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"allow"},
                                             {"nonsense"},
                                             {"allow", "not a rule"},
                                             {"allow", "a.test", "--for", "1y"},
                                             {"allow", "a.test", "--for", "0h"},
                                             {"test", "a..b"},
                                             {"test"},
                                             {"why"},
                                             {"why", "a..b"},
                                             {"test", "a.test:0"},
                                             {"list", "--egress-allowlist", ""}}) {
    BOOST_TEST(run(words) == 2);
  }
  BOOST_TEST(run({"--help"}) == 0);
  BOOST_TEST(run({"allow", "--help"}) == 0);
}

BOOST_AUTO_TEST_CASE(hosts_and_suggestions_come_from_the_database) {
  BOOST_TEST(run({"hosts"}) == 1);  // there is none yet
  auto store = EventStore::open(directory.path(), 1'794'924'000'000);
  BOOST_REQUIRE(store.has_value());
  const EgressAttempt attempt{
      .host = "learned.test", .port = 443, .protocol = 6, .outcome = EgressOutcome::learned};
  Event event;
  event.event_type = "egress.allowed";
  event.time_ms = 1'794'924'000'000;
  event.request_id = UuidV7Generator().next(1);
  event.egress = &attempt;
  BOOST_REQUIRE((*store)->begin(event.time_ms).has_value());
  BOOST_REQUIRE((*store)->append(event).has_value());
  BOOST_REQUIRE((*store)->commit().has_value());
  BOOST_TEST(run({"hosts"}) == 0);  // while the daemon has it open
  BOOST_TEST(run({"suggest"}) == 0);
}

BOOST_AUTO_TEST_CASE(hosts_are_shown_with_their_outcomes_and_a_header) {
  constexpr auto kAllowed = EgressOutcome::allowed;
  store_attempts({{"a.test", 443, 6, kAllowed, 13}, {"a.test", 443, 6, EgressOutcome::denied, 1}});
  const std::string output = output_of({"hosts", "--utc"});
  BOOST_TEST(output.starts_with("times are UTC"));
  BOOST_TEST(output.find("\nhost ") != std::string::npos);
  const std::size_t row = output.find("\na.test ");
  BOOST_REQUIRE(row != std::string::npos);
  BOOST_TEST(
      output.find(" 13       0        1        -            -            2026-11-17 14:00:00",
                  row) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(doubtful_names_are_remarks_and_no_suggestions) {
  constexpr auto kLearned = EgressOutcome::learned;
  std::vector<EgressAttempt> attempts;
  for (const char* name : {"asked.test", "githubb.com", "github.com.evil.test"}) {
    attempts.push_back({name, 0, 17, kLearned, 1});
    attempts.push_back({name, 443, 6, kLearned, 1});
  }
  attempts.push_back({"aaa-only-shown.test", 443, 6, kLearned, 1});
  attempts.push_back({"93.184.216.34", 443, 6, kLearned, 1});
  attempts.push_back({"93.184.216.35", 443, 17, kLearned, 1});
  attempts.push_back({"github.com", 443, 6, kLearned, 1});  // there is a rule for it by now
  store_attempts(attempts);
  const std::string output = output_of({"suggest"});
  const std::size_t remarks = output.find("\n# ", output.find('\n') - 1);
  const std::string_view rules = std::string_view(output).substr(0, remarks);
  BOOST_TEST(rules.find("\n93.184.216.34\nasked.test") != rules.npos, output);
  for (const char* doubtful : {"githubb.com", "evil.test", "only-shown", "216.35"}) {
    BOOST_TEST(rules.find(doubtful) == rules.npos, doubtful);
    BOOST_TEST(output.find(doubtful) != output.npos, doubtful);
  }
  BOOST_TEST(output.find("# aaa-only-shown.test: the name was shown, but never resolved") !=
             output.npos);
  BOOST_TEST(output.find("# githubb.com: looks like github.com") != output.npos);
  BOOST_TEST(output.find("\ngithub.com\n") == output.npos);
}

BOOST_AUTO_TEST_CASE(without_the_daemon_the_list_comes_from_the_files) {
  BOOST_TEST(run({"allow", "new.test"}) == 0);
  BOOST_TEST(run({"list"}) == 0);
}

BOOST_AUTO_TEST_CASE(a_run_is_learned_from_its_start_and_expired_with_its_exit) {
  AgentProcessRegistry runs;
  TurnChats chats;
  RunListener listener(runs, chats);
  Event event;
  event.request_id = UuidV7Generator().next(1);
  event.chat_id = "chat-1";
  event.event_type = "child.start";
  event.data = R"({"child_pid":4711,"child_start_time":99,"argc":1})";
  listener.on_event(event);
  BOOST_REQUIRE((runs.find({4711, 99}) != nullptr));
  BOOST_TEST(runs.find({4711, 99})->chat_id == "chat-1");
  BOOST_TEST(chats.find(event.request_id) == "chat-1");
  for (const char* bad : {"", "{}", "[", R"({"child_pid":-1,"child_start_time":9})",
                          R"({"child_pid":99999999999,"child_start_time":9})",
                          R"({"child_pid":"4","child_start_time":9})", R"({"child_pid":7})"}) {
    event.data = bad;
    listener.on_event(event);
  }
  BOOST_TEST(runs.size() == 1u);
  event.event_type = "child.exit";
  event.data = R"({"child_pid":4711,"child_start_time":98})";
  listener.on_event(event);
  BOOST_TEST(runs.size() == 1u);
  event.data = R"({"child_pid":4711,"child_start_time":99})";
  listener.on_event(event);
  BOOST_TEST(runs.size() == 0u);
}

BOOST_AUTO_TEST_CASE(the_selftests_messages_are_what_they_claim_to_be) {
  for (const std::string& name : {std::string("example.com"), std::string()}) {
    const std::string bytes = client_hello(name);
    std::vector<std::uint8_t> scratch(kTlsHelloSizeMax);
    TlsHello hello;
    TlsHelloReader reader;
    const auto status = reader.read(
        {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, scratch, hello);
    BOOST_TEST((status == (name.empty() ? TlsHelloStatus::no_name : TlsHelloStatus::server_name)));
    BOOST_TEST(hello.server_name.view() == name);
  }
  const std::string query = dns_query("example.com", 1);
  DnsQuery parsed;
  BOOST_TEST((parse_dns_query({reinterpret_cast<const std::uint8_t*>(query.data()), query.size()},
                              parsed) == DnsQueryStatus::query));
}

BOOST_AUTO_TEST_SUITE_END()
