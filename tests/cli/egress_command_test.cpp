#include <simdjson.h>

#include <boost/test/unit_test.hpp>

#include "base/uuid_v7.h"
#include "cli/bypass_messages.h"
#include "cli/command_line.h"
#include "cli/egress.h"
#include "cli/run_listener.h"
#include "cli/small_file.h"
#include "handlers/json/document.h"
#include "netfilter/dns_message.h"
#include "netfilter/tls_hello.h"
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

BOOST_AUTO_TEST_CASE(a_temporary_rule_lives_beside_the_database_and_ends) {
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

BOOST_AUTO_TEST_CASE(usage_errors_end_with_2) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"allow"},
                                             {"nonsense"},
                                             {"allow", "not a rule"},
                                             {"allow", "a.test", "--for", "1y"},
                                             {"allow", "a.test", "--for", "0h"},
                                             {"test", "a..b"},
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
  BOOST_TEST(run({"hosts"}) == 0);  // beside the daemon, which has it open
  BOOST_TEST(run({"suggest"}) == 0);
}

BOOST_AUTO_TEST_CASE(without_the_daemon_the_list_comes_from_the_files) {
  BOOST_TEST(run({"allow", "new.test"}) == 0);
  BOOST_TEST(run({"list"}) == 0);
}

BOOST_AUTO_TEST_CASE(a_run_is_learned_from_its_start_and_forgotten_with_its_exit) {
  RunRegistry runs;
  RunListener listener(runs);
  Event event;
  event.request_id = UuidV7Generator().next(1);
  event.chat_id = "chat-1";
  event.event_type = "child.start";
  event.data = R"({"child_pid":4711,"child_start_time":99,"argc":1})";
  listener.on_event(event);
  BOOST_REQUIRE((runs.find({4711, 99}) != nullptr));
  BOOST_TEST(runs.find({4711, 99})->chat_id == "chat-1");
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
