#include "netfilter/egress_journal.h"

#include <vector>

#include "netfilter/host_name.h"
#include "tests/netfilter/loopback.h"
#include "tests/support/loop_fixture.h"

using namespace picortex;

namespace {

struct Row {
  std::string event_type;
  std::string data;
  std::string message;
  std::string host;  // as the table of hosts gets it; empty: not at all
  std::int64_t count = 0;
  Uuid request_id;
};

struct Rows final : EventSink {
  void store(const Event& event) noexcept override {
    const EgressAttempt* attempt = event.egress;
    all.push_back({std::string(event.event_type), std::string(event.data), std::string(event.msg),
                   attempt != nullptr ? std::string(attempt->host) : "",
                   attempt != nullptr ? attempt->count : 0, event.request_id});
  }
  std::size_t count(std::string_view event_type) const {
    std::size_t found = 0;
    for (const Row& row : all) found += row.event_type == event_type ? 1 : 0;
    return found;
  }
  std::vector<Row> all;
};

struct JournalFixture : LoopFixture {
  explicit JournalFixture(std::vector<EgressHost> known = {})
      : journal(*reactor, log, rows, alerts, runs, std::move(*SocketQuery::open()), known) {}

  void decide(std::string_view host, const Verdict& verdict, bool dns_only = false) {
    const EgressEvent event{.verdict = verdict,
                            .protocol = pair.ends.protocol,
                            .source = pair.ends.source,
                            .source_port = pair.ends.source_port,
                            .destination = pair.ends.destination,
                            .destination_port = pair.ends.destination_port,
                            .host = host,
                            .dns_only = dns_only,
                            .uid = getuid(),
                            .time_ms = reactor->unix_ms()};
    journal.on_verdict(event);
  }
  void refuse(std::string_view host) {
    decide(host, {.evidence = Evidence::sni, .reason = Reason::name_not_allowed});
  }
  void settle() {
    while (!journal.is_idle()) {
      journal.work_ahead();
      journal.work_behind();
    }
  }

  LoopbackPair pair{AF_INET, SOCK_STREAM};
  Rows rows;
  RunRegistry runs;
  AlertCommand alerts{*reactor, log, ""};
  EgressJournal journal;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(egress_journal, JournalFixture)

BOOST_AUTO_TEST_CASE(a_refusal_is_told_with_its_process_in_the_log_and_as_a_row) {
  refuse("evil.test");
  settle();
  BOOST_REQUIRE(rows.all.size() == 2u);
  BOOST_TEST(rows.all[0].event_type == "egress.new_host");
  BOOST_TEST(rows.all[0].host == "evil.test");
  const Row& row = rows.all[1];
  BOOST_TEST(row.event_type == "egress.rejected");
  BOOST_TEST(row.host == "");  // counted with the new host's row
  BOOST_TEST((!row.request_id.is_nil() && row.request_id == rows.all[0].request_id));
  const std::string port = std::to_string(pair.ends.destination_port);
  for (const std::string& part :
       {std::string(R"("host":"evil.test","address":"127.0.0.1","port":)") + port,
        std::string(R"("protocol":"tcp","evidence":"sni","reason":"name_not_allowed","uid":)"),
        R"("client_pid":)" + std::to_string(getpid()), std::string(R"("id_source":"none"})")}) {
    BOOST_TEST(row.data.find(part) != std::string::npos, row.data << " lacks " << part);
  }
  BOOST_TEST(row.data.find("netfilter_tests") != std::string::npos);
  const std::string text = lines();
  BOOST_TEST(count(text, R"("event_type":"egress.rejected")") == 1u);
  // In its line, and in that of the new host.
  BOOST_TEST(count(text, row.data.substr(1, row.data.size() - 2)) == 2u);
}

BOOST_AUTO_TEST_CASE(the_turn_that_a_run_registered_is_the_lines_and_the_rows) {
  const Uuid id = *parse_uuid("0193391e-9ab4-7def-8abc-ba9876543210");
  runs.add({getpid(), read_process_stat(getpid())->start_time}, {id, "chat-1"});
  refuse("evil.test");
  settle();
  BOOST_TEST((rows.all.at(1).request_id == id));
  BOOST_TEST(rows.all.at(1).data.find(R"("id_source":"registered")") != std::string::npos);
  BOOST_TEST(
      count(lines(), R"("request_id":"0193391e-9ab4-7def-8abc-ba9876543210","chat_id":"chat-1")") ==
      2u);
}

BOOST_AUTO_TEST_CASE(a_flood_of_the_same_is_one_line_and_a_count) {
  for (int i = 0; i < 200; ++i) {
    refuse("evil.test");
    settle();
  }
  BOOST_TEST(rows.count("egress.rejected") == 1u);
  BOOST_TEST(rows.count("egress.new_host") == 1u);
  journal.stop();
  BOOST_REQUIRE(rows.count("egress.rejected") == 2u);
  BOOST_TEST(rows.all.back().count == 199);
  BOOST_TEST(rows.all.back().data.ends_with(R"("repeated":199})"));
  BOOST_TEST(journal.figures().refused == 200u);
}

// Here all come within a window, since the loop's time stands still.
BOOST_AUTO_TEST_CASE(what_a_flood_has_more_than_is_asked_for_is_a_second_line_without_its_process) {
  constexpr int kMore = 50;
  for (int i = 0; i < Attribution::kQuestionsPerWindow + kMore; ++i) {
    refuse("evil.test");
    settle();
  }
  BOOST_TEST(rows.count("egress.rejected") == 2u);
  BOOST_TEST(rows.all.back().data.find("client_pid") == std::string::npos);
  journal.stop();
  BOOST_TEST(rows.count("egress.rejected") == 4u);
  BOOST_TEST(rows.all.back().count == kMore - 1);
}

BOOST_AUTO_TEST_CASE(a_flood_of_different_hosts_is_bounded_and_counted) {
  for (int i = 0; i < 5000; ++i) {
    refuse("h" + std::to_string(i) + ".test");
    if (i % 20 == 0) settle();
  }
  settle();
  BOOST_TEST(rows.count("egress.new_host") ==
             static_cast<std::size_t>(EgressJournal::kNewHostsPerMinute));
  BOOST_TEST(rows.count("egress.rejected") == RepetitionTable::kEntriesMax);
  journal.stop();
  BOOST_TEST(rows.count("egress.untold") == 1u);
}

BOOST_AUTO_TEST_CASE(decisions_that_wait_for_their_process_are_bounded) {
  for (std::size_t i = 0; i < EgressJournal::kPendingMax + 10; ++i) refuse("evil.test");
  BOOST_TEST(journal.figures().untold == 10u);
  settle();
  BOOST_TEST(journal.figures().refused == EgressJournal::kPendingMax + 10);
}

BOOST_AUTO_TEST_CASE(what_is_allowed_or_learned_says_by_which_rule_or_why_not) {
  Allowlist allowlist;
  allowlist.add("good.test:443\n", RuleSource::list);
  journal.on_rules(allowlist);
  decide("good.test", {.action = Action::allow,
                       .refused = false,
                       .evidence = Evidence::sni,
                       .reason = Reason::permitted,
                       .rule = 0});
  decide("other.test", {.action = Action::allow,
                        .refused = true,
                        .evidence = Evidence::sni,
                        .reason = Reason::name_not_allowed});
  settle();
  BOOST_TEST(rows.count("egress.allowed") == 2u);
  BOOST_TEST(rows.count("egress.rejected") == 0u);
  BOOST_TEST(journal.uses().all()[0].hits == 1u);
  const std::string text = lines();
  BOOST_TEST(count(text, R"("rule":"good.test:443")") == 2u);
  BOOST_TEST(count(text, R"("learned":true)") == 2u);
  // The list is loaded anew, with another order.
  Allowlist changed;
  changed.add("first.test\ngood.test:443\n", RuleSource::list);
  journal.on_rules(changed);
  BOOST_TEST(journal.uses().all()[0].hits == 0u);
  BOOST_TEST(journal.uses().all()[1].hits == 1u);
}

BOOST_AUTO_TEST_CASE(pieces_that_settle_nothing_are_not_told) {
  decide(
      "evil.test",
      {.action = Action::pass, .refused = false, .is_final = false, .reason = Reason::undecided});
  settle();
  BOOST_TEST(rows.all.empty());
}

BOOST_AUTO_TEST_CASE(hostile_texts_stay_inside_their_fields) {
  refuse("a\"}\n{\"x\":\x1b[31m");
  settle();
  const std::string text = lines();
  BOOST_TEST(count(text, "\n") == 2u);
  BOOST_TEST(count(text, "\x1b") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(egress_journal_after_a_restart)

BOOST_AUTO_TEST_CASE(a_host_attempted_before_is_not_new) {
  JournalFixture fixture({{.name = "evil.test", .port = 443}});
  fixture.refuse("evil.test");
  fixture.settle();
  BOOST_TEST(fixture.rows.count("egress.new_host") == 0u);
  BOOST_TEST(fixture.rows.all.at(0).host == "evil.test");
}

BOOST_AUTO_TEST_SUITE_END()
