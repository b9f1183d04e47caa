#include "netfilter/report/egress_journal.h"

#include <vector>

#include "netfilter/report/egress_texts.h"
#include "netfilter/wire/host_name.h"
#include "tests/netfilter/loopback.h"
#include "tests/support/loop_fixture.h"

using namespace picortex;

namespace {

struct Row {
  std::string event_type;
  std::string data;
  std::string message;
  std::string host;  // as the table of hosts gets it; empty: not at all
  std::string chat_id;
  std::int64_t count = 0;
  Uuid request_id;
};

struct Rows final : EventSink {
  void store(const Event& event) noexcept override {
    const EgressAttempt* attempt = event.egress;
    all.push_back({std::string(event.event_type), std::string(event.data), std::string(event.msg),
                   attempt != nullptr ? std::string(attempt->host) : "", std::string(event.chat_id),
                   attempt != nullptr ? attempt->count : 0, event.request_id});
  }
  std::size_t count(std::string_view event_type) const {
    std::size_t found = 0;
    for (const Row& row : all) found += row.event_type == event_type ? 1 : 0;
    return found;
  }
  // Of the events that mention `text`.
  std::size_t mentions(std::string_view event_type, std::string_view text) const {
    std::size_t found = 0;
    for (const Row& row : all) {
      found += row.event_type == event_type && row.data.find(text) != row.data.npos ? 1 : 0;
    }
    return found;
  }
  std::size_t bytes() const {
    std::size_t size = 0;
    for (const Row& row : all) size += row.data.size() + row.message.size() + 200;
    return size;
  }
  std::vector<Row> all;
};

// Counts the records that the alert command would get.
struct NewHosts {
  static EgressJournal::AlertCallback callback(NewHosts& hosts) {
    return EgressJournal::AlertCallback::to<&NewHosts::on_alert>(hosts);
  }
  void on_alert(const EgressRecord&) noexcept { ++count; }
  int count = 0;
};

struct JournalFixture : LoopFixture {
  explicit JournalFixture(std::vector<EgressHost> known = {})
      : journal(*reactor, log, rows, NewHosts::callback(new_hosts), runs,
                std::move(*SockDiagQuery::open()), known) {}

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
  void deny(std::string_view host) {
    decide(host, {.evidence = Evidence::sni, .reason = Reason::name_not_allowed});
  }
  void ask_for(std::string_view name) {
    decide(name, {.evidence = Evidence::dns, .reason = Reason::name_not_allowed}, true);
  }
  // An attempt at an address of no name, by a process that is not looked for.
  void connect_to(const std::string& address, std::uint16_t port, const Verdict& verdict) {
    const EgressEvent event{.verdict = verdict,
                            .protocol = kProtocolTcp,
                            .source = {},
                            .source_port = 0,
                            .destination = *parse_ip_address(address),
                            .destination_port = port,
                            .host = verdict.host.view(),
                            .dns_only = false,
                            .uid = getuid(),
                            .time_ms = reactor->unix_ms()};
    journal.on_verdict(event);
  }
  // A connection to an address that was answered for all of the names.
  void deny_by_dns(const std::string& address, std::span<const std::string_view> names,
                   Reason reason = Reason::port_not_listed) {
    const Verdict verdict{.evidence = Evidence::dns,
                          .reason = reason,
                          .host = HostName::parse(names.front()).value()};
    const EgressEvent event{.verdict = verdict,
                            .protocol = kProtocolTcp,
                            .source = {},
                            .source_port = 0,
                            .destination = *parse_ip_address(address),
                            .destination_port = 22,
                            .host = verdict.host.view(),
                            .candidates = names,
                            .dns_only = false,
                            .uid = getuid(),
                            .time_ms = reactor->unix_ms()};
    journal.on_verdict(event);
    settle();
  }
  void deny_address(const std::string& address, std::uint16_t port = 443) {
    connect_to(address, port, {.evidence = Evidence::ip, .reason = Reason::address_unknown});
  }
  static std::string address_of(int number) {
    return "93.184." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1);
  }
  // The kernel reports the end of the fixture's connection.
  void end(bool is_doubtful) {
    journal.on_end({.ends = pair.ends,
                    .host = "other.test",
                    .is_counted = true,
                    .bytes_up = 10,
                    .bytes_down = 20,
                    .duration_ms = 30,
                    .is_doubtful = is_doubtful});
  }
  void settle() {
    while (!journal.is_idle()) {
      journal.work_ahead();
      journal.work_behind();
    }
  }

  LoopbackPair pair{AF_INET, SOCK_STREAM};
  Rows rows;
  AgentProcessRegistry runs;
  NewHosts new_hosts;
  EgressJournal journal;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(egress_journal, JournalFixture)

BOOST_AUTO_TEST_CASE(a_denial_is_reported_with_its_process_in_the_log_and_as_a_row) {
  deny("evil.test");
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

BOOST_AUTO_TEST_CASE(the_end_of_a_connection_is_reported_with_what_its_verdict_made_known) {
  const Verdict allowed{.action = Action::allow,
                        .denied = false,
                        .evidence = Evidence::sni,
                        .reason = Reason::permitted};
  end(true);  // of a connection that was not allowed
  BOOST_TEST(rows.count("egress.closed") == 0u);
  decide("good.test", allowed);
  settle();
  end(true);
  BOOST_TEST(rows.count("egress.closed") == 1u);
  BOOST_TEST(rows.mentions("egress.closed", R"("host":"good.test")") == 1u);
  BOOST_TEST(rows.mentions("egress.closed", R"("client_pid":)" + std::to_string(getpid())) == 1u);
  // Known once: what comes after it goes by the address.
  end(false);
  BOOST_TEST(rows.mentions("egress.closed", R"("host":"other.test")") == 1u);
}

BOOST_AUTO_TEST_CASE(a_denied_connection_is_not_known_by_its_end) {
  deny("evil.test");
  settle();
  end(true);
  BOOST_TEST(rows.count("egress.closed") == 0u);
}

BOOST_AUTO_TEST_CASE(a_resumed_connection_is_attributed_and_not_reported_again) {
  const Verdict allowed{.action = Action::allow, .denied = false, .evidence = Evidence::dns};
  journal.on_resumed({.verdict = allowed,
                      .protocol = pair.ends.protocol,
                      .source = pair.ends.source,
                      .source_port = pair.ends.source_port,
                      .destination = pair.ends.destination,
                      .destination_port = pair.ends.destination_port,
                      .host = "good.test",
                      .uid = getuid(),
                      .time_ms = reactor->unix_ms()});
  settle();
  BOOST_TEST(rows.all.empty());
  BOOST_TEST(journal.stats().allowed == 0u);
  end(true);
  BOOST_TEST(rows.mentions("egress.closed", R"("host":"good.test")") == 1u);
  BOOST_TEST(rows.mentions("egress.closed", R"("client_pid":)" + std::to_string(getpid())) == 1u);
}

BOOST_AUTO_TEST_CASE(an_address_of_several_names_is_not_reported_as_one_of_them) {
  const std::string_view one[] = {"a.example"};
  deny_by_dns("93.184.0.1", one);
  BOOST_TEST(rows.all.at(1).data.find(R"("host":"a.example")") != std::string::npos);
  BOOST_TEST(rows.all.at(1).data.find("candidates") == std::string::npos);
  rows.all.clear();
  const std::string_view two[] = {"a.example", "b.example"};
  deny_by_dns("93.184.0.2", two);
  BOOST_REQUIRE(rows.all.size() == 2u);
  BOOST_TEST(rows.all[0].host == "93.184.0.2");
  const Row& row = rows.all[1];
  BOOST_TEST(row.data.starts_with(R"({"host":"93.184.0.2","address":"93.184.0.2",)"
                                  R"("candidates":["a.example","b.example"],"port":22,)"));
  BOOST_TEST(row.message.ends_with(", an address of a.example, b.example"));
  // Alike whichever name is the newest, unlike for another reason.
  const std::string_view turned[] = {"b.example", "a.example"};
  deny_by_dns("93.184.0.2", turned);
  BOOST_TEST(rows.all.size() == 2u);
  deny_by_dns("93.184.0.2", turned, Reason::too_slow);
  BOOST_TEST(rows.all.size() == 3u);
}

BOOST_AUTO_TEST_CASE(of_several_names_the_one_that_the_process_asked_for_is_reported) {
  const LoopbackPair resolver(AF_INET, SOCK_DGRAM);
  SocketEnds asker = resolver.ends;
  asker.destination = {};
  const std::string_view names[] = {"a.example", "b.example", "ab.example"};
  const auto deny_from_here = [&] {
    const Verdict verdict{.evidence = Evidence::dns,
                          .reason = Reason::port_not_listed,
                          .host = HostName::parse("ab.example").value()};
    const EgressEvent event{.verdict = verdict,
                            .protocol = pair.ends.protocol,
                            .source = pair.ends.source,
                            .source_port = pair.ends.source_port,
                            .destination = pair.ends.destination,
                            .destination_port = pair.ends.destination_port,
                            .host = verdict.host.view(),
                            .candidates = names,
                            .dns_only = false,
                            .uid = getuid(),
                            .time_ms = reactor->unix_ms()};
    journal.on_verdict(event);
    settle();
    return rows.all.back().data;
  };
  journal.on_lookup(asker, HostName::parse("other.example").value());
  settle();
  BOOST_TEST(deny_from_here().starts_with(R"({"host":"127.0.0.1",)"));
  journal.on_lookup(asker, HostName::parse("b.example").value());
  settle();
  BOOST_TEST(deny_from_here().starts_with(R"({"host":"b.example","address":"127.0.0.1","port")"));
  journal.on_lookup(asker, HostName::parse("a.example").value());
  settle();
  const std::size_t before = rows.all.size();
  deny_from_here();  // it may mean either: as before the first look-up
  BOOST_TEST(rows.all.size() == before);
}

BOOST_AUTO_TEST_CASE(the_names_of_an_address_are_listed_as_far_as_they_fit) {
  std::vector<std::string> texts;
  for (int i = 0; i < 9; ++i) texts.push_back("host-" + std::to_string(i) + ".example");
  const std::vector<std::string_view> nine(texts.begin(), texts.end());
  deny_by_dns("93.184.0.1", nine);
  BOOST_TEST(rows.all.at(1).data.find(R"("host-7.example"],"more_candidates":true)") !=
             std::string::npos);
  BOOST_TEST(rows.all.at(1).message.ends_with("host-7.example and more"));
  for (std::string& text : texts) {
    text =
        std::string(60, 'a') + '.' + std::string(60, 'b') + '.' + std::string(60, 'c') + '.' + text;
  }
  const std::vector<std::string_view> long_ones(texts.begin(), texts.end());
  deny_by_dns("93.184.0.2", std::span(long_ones).first(3));
  BOOST_TEST(rows.all.back().data.size() < 1500u);
  BOOST_TEST(rows.all.back().data.find("host-1.example\"],\"more_candidates\":true") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_turn_that_a_run_registered_is_the_lines_and_the_rows) {
  const Uuid id = *parse_uuid("0193391e-9ab4-7def-8abc-ba9876543210");
  runs.add({getpid(), read_process_stat(getpid())->start_time}, {id, "chat-1"});
  deny("evil.test");
  settle();
  BOOST_TEST((rows.all.at(1).request_id == id));
  BOOST_TEST(rows.all.at(1).data.find(R"("id_source":"registered")") != std::string::npos);
  BOOST_TEST(
      count(lines(), R"("request_id":"0193391e-9ab4-7def-8abc-ba9876543210","chat_id":"chat-1")") ==
      2u);
}

BOOST_AUTO_TEST_CASE(a_flood_of_the_same_is_one_line_and_a_count) {
  for (int i = 0; i < 200; ++i) {
    deny("evil.test");
    settle();
  }
  BOOST_TEST(rows.count("egress.rejected") == 1u);
  BOOST_TEST(rows.count("egress.new_host") == 1u);
  journal.stop();
  BOOST_REQUIRE(rows.count("egress.rejected") == 2u);
  BOOST_TEST(rows.all.back().count == 199);
  BOOST_TEST(rows.all.back().data.ends_with(R"("repeated":199})"));
  BOOST_TEST(journal.stats().denied == 200u);
}

// Here all come within a window, since the loop's time stands still.
BOOST_AUTO_TEST_CASE(what_a_flood_has_more_than_is_asked_for_is_a_second_line_without_its_process) {
  constexpr int kMore = 50;
  for (int i = 0; i < Attribution::kQuestionsPerWindow + kMore; ++i) {
    deny("evil.test");
    settle();
  }
  BOOST_TEST(rows.count("egress.rejected") == 2u);
  BOOST_TEST(rows.all.back().data.find("client_pid") == std::string::npos);
  journal.stop();
  BOOST_TEST(rows.count("egress.rejected") == 4u);
  BOOST_TEST(rows.all.back().count == kMore - 1);
}

BOOST_AUTO_TEST_CASE(a_flood_of_names_is_one_event_for_each_parent_domain) {
  for (int i = 0; i < 5000; ++i) {
    ask_for("j" + std::to_string(i) + (i % 2 == 0 ? ".junk" : ".a.deep.junk.test"));
    if (i % 20 == 0) settle();
  }
  settle();
  BOOST_TEST(rows.count("egress.rejected") <= EgressJournal::kNamesMax + 4);
  BOOST_TEST(rows.mentions("egress.rejected", R"("folded":"*.junk")") >= 1u);
  BOOST_TEST(rows.mentions("egress.rejected", R"("folded":"*.junk.test")") >= 1u);
  // What is new beyond the budget is reported by its parent.
  BOOST_TEST(rows.count("egress.new_host") ==
             static_cast<std::size_t>(EgressJournal::kNewNamesMax) + 2);
  journal.stop();
  BOOST_TEST(rows.count("egress.suppressed") == 0u);
  BOOST_TEST(rows.all.back().data.find(R"("repeated":)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_flood_of_names_hides_no_connection_and_no_new_address) {
  for (int i = 0; i < 3000; ++i) ask_for("j" + std::to_string(i) + ".junk" + std::to_string(i));
  for (const char* address : {"93.184.216.99", "8.8.8.8"}) {
    for (const std::uint16_t port : {443, 22, 25}) deny_address(address, port);
  }
  settle();
  for (const char* address : {"93.184.216.99", "8.8.8.8"}) {
    const std::string host = R"("host":")" + std::string(address) + '"';
    BOOST_TEST(rows.mentions("egress.new_host", host) == 1u);
    BOOST_TEST(rows.mentions("egress.rejected", host) == 3u);
  }
  journal.stop();
  BOOST_TEST(journal.stats().suppressed() == 0u);
  // The names are at last one event of their executable's.
  BOOST_TEST(rows.mentions("egress.rejected", R"("folded":"*")") >= 2u);
}

BOOST_AUTO_TEST_CASE(a_scan_of_addresses_lists_each_of_them) {
  constexpr int kScanned = 3000;
  for (int i = 0; i < kScanned; ++i) deny_address(address_of(i));
  settle();
  journal.stop();
  for (const int i : {0, 119, 120, 600, 1234, kScanned - 1}) {
    const std::string host = R"("host":")" + address_of(i) + '"';
    const std::string place = '"' + address_of(i) + ":443\"";
    for (const char* type : {"egress.new_host", "egress.rejected"}) {
      BOOST_TEST(rows.mentions(type, host) + rows.mentions(type, place) == 1u, type << host);
    }
  }
  BOOST_TEST(journal.stats().new_hosts == static_cast<std::uint64_t>(kScanned));
  BOOST_TEST(journal.stats().suppressed() == 0u);
  for (const Row& row : rows.all) BOOST_TEST(row.data.size() < 8192u);
}

BOOST_AUTO_TEST_CASE(connections_that_carry_data_have_a_budget_and_a_count_of_their_own) {
  for (int i = 0; i < 60'000; ++i) deny_address(address_of(i % 60'000), 80);
  connect_to("93.184.216.34", 443,
             {.action = Action::allow,
              .denied = false,
              .evidence = Evidence::sni,
              .reason = Reason::permitted,
              .host = *HostName::parse("good.test")});
  settle();
  journal.stop();
  BOOST_TEST(rows.mentions("egress.allowed", R"("host":"good.test")") == 1u);
  BOOST_TEST(rows.mentions("egress.suppressed", R"("names":0,"denied":)") == 1u);
  BOOST_TEST(journal.stats().suppressed_allowed == 0u);
  BOOST_TEST(journal.stats().suppressed_denied > 0u);
}

BOOST_AUTO_TEST_CASE(the_fences_own_events_have_a_byte_budget) {
  const std::string label(60, 'x');
  for (int i = 0; i < 20'000; ++i) {
    const std::string name =
        label + '.' + label + '.' + label + "." + std::to_string(i) + ".junk" + std::to_string(i);
    ask_for(name);
    deny(name);
    if (i % 16 == 0) settle();
  }
  settle();
  journal.stop();
  BOOST_TEST(rows.bytes() < 1024u * 1024);
  BOOST_TEST(journal.stats().suppressed() > 0u);
}

BOOST_AUTO_TEST_CASE(the_reason_is_part_of_what_makes_decisions_alike) {
  for (const Reason reason : {Reason::name_not_allowed, Reason::no_name, Reason::no_name}) {
    decide("evil.test", {.evidence = Evidence::sni, .reason = reason});
    settle();
  }
  BOOST_TEST(rows.count("egress.rejected") == 2u);
}

BOOST_AUTO_TEST_CASE(a_breach_of_a_budget_is_an_event_of_its_own_and_an_alert) {
  const Verdict verdict{.evidence = Evidence::sni, .reason = Reason::upload_budget_spent};
  const UploadBreach breach{.budget = "1M/1h", .budget_bytes = 1 << 20, .bytes = 1'000'000};
  const EgressEvent event{.verdict = verdict,
                          .protocol = pair.ends.protocol,
                          .source = pair.ends.source,
                          .source_port = pair.ends.source_port,
                          .destination = pair.ends.destination,
                          .destination_port = pair.ends.destination_port,
                          .host = "a.test",
                          .dns_only = false,
                          .uid = getuid(),
                          .time_ms = reactor->unix_ms(),
                          .breach = &breach};
  deny("a.test");
  settle();
  const int alerts = new_hosts.count;
  journal.on_verdict(event);
  settle();
  BOOST_TEST(new_hosts.count == alerts + 1);
  BOOST_TEST(rows.count("egress.budget") == 1u);
  for (const auto& row : rows.all) {
    if (row.event_type != "egress.budget") continue;
    BOOST_TEST(row.data.find(R"("budget":"1M/1h","budget_bytes":1048576,"bytes_up":1000000)") !=
               std::string::npos);
    BOOST_TEST(row.data.find(R"("host":"a.test")") != std::string::npos);
  }
  // The next decision, in the same record of those that wait, has none.
  decide("a.test", verdict);
  settle();
  BOOST_TEST(rows.count("egress.budget") == 1u);
}

BOOST_AUTO_TEST_CASE(the_chat_of_a_known_turn_is_the_events) {
  const Uuid id = *parse_uuid("0193391e-9ab4-7def-8abc-ba9876543210");
  journal.chats().note(id, "chat-9");
  runs.add({getpid(), read_process_stat(getpid())->start_time}, {id, ""});
  deny("evil.test");
  settle();
  BOOST_REQUIRE(rows.all.size() == 2u);
  for (const Row& row : rows.all) BOOST_TEST(row.chat_id == "chat-9");
}

BOOST_AUTO_TEST_CASE(decisions_that_wait_for_their_process_are_bounded_and_none_is_lost) {
  for (std::size_t i = 0; i < EgressJournal::kPendingMax + 10; ++i) deny("evil.test");
  settle();
  journal.stop();
  BOOST_TEST(journal.stats().denied == EgressJournal::kPendingMax + 10);
  BOOST_TEST(journal.stats().suppressed() == 0u);
  std::int64_t counted = 0;
  for (const Row& row : rows.all) counted += row.count;
  BOOST_TEST(counted == static_cast<std::int64_t>(EgressJournal::kPendingMax + 10));
}

BOOST_AUTO_TEST_CASE(what_is_allowed_or_learned_says_by_which_rule_or_why_not) {
  Allowlist allowlist;
  allowlist.add("good.test:443\n", RuleSource::list);
  journal.on_rules(allowlist);
  decide("good.test", {.action = Action::allow,
                       .denied = false,
                       .evidence = Evidence::sni,
                       .reason = Reason::permitted,
                       .rule = 0});
  decide("other.test", {.action = Action::allow,
                        .denied = true,
                        .evidence = Evidence::sni,
                        .reason = Reason::name_not_allowed});
  settle();
  BOOST_TEST(rows.count("egress.allowed") == 2u);
  BOOST_TEST(rows.count("egress.rejected") == 0u);
  BOOST_TEST(journal.uses().all()[0].hits == 1u);
  const std::string text = lines();
  BOOST_TEST(count(text, R"("rule":"good.test:443")") == 2u);
  BOOST_TEST(count(text, R"("learned":true)") == 2u);
  // The list is loaded again, with another order.
  Allowlist changed;
  changed.add("first.test\ngood.test:443\n", RuleSource::list);
  journal.on_rules(changed);
  BOOST_TEST(journal.uses().all()[0].hits == 0u);
  BOOST_TEST(journal.uses().all()[1].hits == 1u);
}

BOOST_AUTO_TEST_CASE(pieces_that_settle_nothing_are_not_reported) {
  decide("evil.test",
         {.action = Action::pass, .denied = false, .is_final = false, .reason = Reason::undecided});
  settle();
  BOOST_TEST(rows.all.empty());
}

BOOST_AUTO_TEST_CASE(hostile_texts_stay_inside_their_fields) {
  deny("a\"}\n{\"x\":\x1b[31m");
  settle();
  const std::string text = lines();
  BOOST_TEST(count(text, "\n") == 2u);
  BOOST_TEST(count(text, "\x1b") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(egress_texts)

BOOST_AUTO_TEST_CASE(names_are_folded_into_two_labels_or_the_last) {
  BOOST_TEST(folded_parent("a.b.c.d") == "c.d");
  BOOST_TEST(folded_parent("b.c.d") == "c.d");
  BOOST_TEST(folded_parent("c.d") == "d");
  BOOST_TEST(folded_parent("d") == "");
  BOOST_TEST(folded_parent("") == "");
}

BOOST_AUTO_TEST_CASE(places_show_ports_and_brackets) {
  BOOST_TEST(place_of("a.test", 443) == "a.test:443");
  BOOST_TEST(place_of("2001:db8::1", 22) == "[2001:db8::1]:22");
  BOOST_TEST(place_of("a.test", 0) == "a.test");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(egress_journal_after_a_restart)

BOOST_AUTO_TEST_CASE(a_host_attempted_before_is_not_new) {
  JournalFixture fixture({{.name = "evil.test", .port = 443}});
  fixture.deny("evil.test");
  fixture.settle();
  BOOST_TEST(fixture.rows.count("egress.new_host") == 0u);
  BOOST_TEST(fixture.rows.all.at(0).host == "evil.test");
}

BOOST_AUTO_TEST_SUITE_END()
