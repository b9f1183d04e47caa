#include "netfilter/policy/recorded_attempt.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(recorded_attempt)

namespace {

constexpr const char* kAddress = "93.184.216.34";

// "allowed by RULE", or the reason of the denial.
std::string judge(std::string_view rules, const RecordedAttempt& attempt) {
  Allowlist list;
  BOOST_TEST(list.add(rules, RuleSource::list).empty());
  const ReplayedVerdict verdict = judge_again(list, attempt, kNow);
  if (!verdict.is_allowed) return std::string(reason_label(verdict.reason));
  return "allowed by " + (verdict.rule ? list.rules()[*verdict.rule].text : std::string("none"));
}

RecordedAttempt connection(const char* host, Evidence evidence, Reason reason,
                           std::uint16_t port = 443, const char* address = kAddress) {
  RecordedAttempt attempt;
  attempt.kind = RecordedAttempt::Kind::connection;
  attempt.host = host;
  attempt.address = parse_ip_address(address);
  attempt.port = port;
  attempt.evidence = evidence;
  attempt.reason = reason;
  return attempt;
}

}  // namespace

using enum Reason;

BOOST_AUTO_TEST_CASE(a_question_passes_with_a_rule_for_its_name) {
  RecordedAttempt asked;
  asked.host = "a.test";
  asked.reason = name_not_allowed;
  BOOST_TEST(judge("", asked) == "name_not_allowed");
  BOOST_TEST(judge("b.test\n", asked) == "name_not_allowed");
  BOOST_TEST(judge("a.test:8443\n", asked) == "allowed by a.test:8443");
  BOOST_TEST(judge("*.test\n", asked) == "allowed by *.test");
  BOOST_TEST(judge("a.test expires=2020-01-01T00:00:00Z\n", asked) == "name_not_allowed");
  asked.reason = dns_rate_limited;
  BOOST_TEST(judge("*.test\n", asked) == "dns_rate_limited");
  BOOST_TEST(judge("a.test\n", asked) == "allowed by a.test");
}

BOOST_AUTO_TEST_CASE(an_answer_passes_where_the_rule_lets_the_name_lead_there) {
  RecordedAttempt answer;
  answer.kind = RecordedAttempt::Kind::answer;
  answer.host = "a.test";
  answer.address = parse_ip_address("10.0.0.1");
  answer.reason = dns_address_mismatch;
  BOOST_TEST(judge("a.test\n", answer) == "dns_address_mismatch");
  BOOST_TEST(judge("", answer) == "name_not_allowed");
  BOOST_TEST(judge("a.test private\n", answer) == "allowed by a.test private");
}

BOOST_AUTO_TEST_CASE(a_name_that_was_shown_is_judged_by_its_rule_and_port) {
  const auto shown = connection("a.test", Evidence::sni, name_not_allowed);
  BOOST_TEST(judge("", shown) == "name_not_allowed");
  BOOST_TEST(judge("a.test\n", shown) == "allowed by a.test");
  BOOST_TEST(judge("a.test:8443\n", shown) == "port_not_listed");
  BOOST_TEST(judge("b.test\n", shown) == "name_not_allowed");
  // A rule for the address asks for no name.
  BOOST_TEST(judge("93.184.216.0/24\n", shown) == "allowed by 93.184.216.0/24");
  const auto permitted_then = connection("a.test", Evidence::http_host, permitted, 80);
  BOOST_TEST(judge("a.test:80\n", permitted_then) == "allowed by a.test:80");
  BOOST_TEST(judge("a.test\n", permitted_then) == "port_not_listed");
}

BOOST_AUTO_TEST_CASE(what_exceeded_a_budget_passes_where_the_changed_list_has_none) {
  const auto spent = connection("a.test", Evidence::sni, upload_budget_spent);
  BOOST_TEST(judge("a.test upload=1M/1h\n", spent) == "upload_budget_spent");
  BOOST_TEST(judge("a.test\na.test upload=9G/1h\n", spent) == "upload_budget_spent");
  BOOST_TEST(judge("a.test upload=1M/conn\n", spent) == "allowed by a.test upload=1M/conn");
  BOOST_TEST(judge("a.test\n", spent) == "allowed by a.test");
  BOOST_TEST(judge("b.test upload=1M/1h\n", spent) == "name_not_allowed");
  const auto share = connection("", Evidence::ip, upload_share_spent);
  BOOST_TEST(judge("93.184.216.34 upload=1M/conn\n", share) == "upload_share_spent");
  BOOST_TEST(judge("93.184.216.34\n", share) == "allowed by 93.184.216.34");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_recorded_then_is_judged_by_the_rules_alone) {
  const auto unrecorded = connection("a.test", Evidence::sni, upload_not_recorded);
  BOOST_TEST(judge("a.test upload=1M/1h\n", unrecorded) == "allowed by a.test upload=1M/1h");
  BOOST_TEST(judge("a.test\n", unrecorded) == "allowed by a.test");
  BOOST_TEST(judge("b.test upload=1M/1h\n", unrecorded) == "name_not_allowed");
  const auto to_address = connection("", Evidence::ip, upload_not_recorded);
  BOOST_TEST(judge("93.184.216.34 upload=1M/1h\n", to_address) ==
             "allowed by 93.184.216.34 upload=1M/1h");
  BOOST_TEST(judge("", to_address) == "address_unknown");
}

BOOST_AUTO_TEST_CASE(an_address_that_was_not_answered_for_the_name_stays_denied) {
  const auto mismatch = connection("a.test", Evidence::sni, dns_address_mismatch);
  BOOST_TEST(judge("a.test\n", mismatch) == "dns_address_mismatch");
  BOOST_TEST(judge("", mismatch) == "name_not_allowed");
  BOOST_TEST(judge("93.184.216.34\n", mismatch) == "allowed by 93.184.216.34");
}

BOOST_AUTO_TEST_CASE(what_was_denied_for_its_form_needs_a_rule_that_asks_for_no_name) {
  const auto ssh = connection("a.test", Evidence::dns, unrecognized_protocol, 22);
  BOOST_TEST(judge("a.test:22\n", ssh) == "unrecognized_protocol");
  BOOST_TEST(judge("a.test:22 dns-only\n", ssh) == "allowed by a.test:22 dns-only");
  BOOST_TEST(judge("", ssh) == "name_not_allowed");
  auto udp = connection("", Evidence::ip, protocol);
  udp.is_tcp = false;
  BOOST_TEST(judge("93.184.216.34\n", udp) == "protocol");
  const auto upgrade = connection("a.test", Evidence::http_host, upgrade_not_allowed, 80);
  BOOST_TEST(judge("a.test:80\n", upgrade) == "upgrade_not_allowed");
  BOOST_TEST(judge("a.test:80 upgrade\n", upgrade) == "allowed by a.test:80 upgrade");
}

BOOST_AUTO_TEST_CASE(an_address_of_several_names_passes_if_one_of_them_is_allowed) {
  auto attempt = connection("", Evidence::dns, port_not_listed, 8443);
  attempt.candidates = {"a.test", "b.test"};
  BOOST_TEST(judge("a.test\n", attempt) == "port_not_listed");
  BOOST_TEST(judge("b.test:8443\n", attempt) == "allowed by b.test:8443");
  // A place of which only the name is known.
  attempt = connection("a.test", Evidence::dns, name_not_allowed);
  attempt.address.reset();
  BOOST_TEST(judge("a.test\n", attempt) == "allowed by a.test");
  BOOST_TEST(judge("a.test:80\n", attempt) == "port_not_listed");
}

BOOST_AUTO_TEST_CASE(every_reason_is_read_by_its_label) {
  for (int i = 0; i <= static_cast<int>(untracked_flow); ++i) {
    const auto reason = static_cast<Reason>(i);
    BOOST_TEST((parse_reason(reason_label(reason)) == reason));
  }
  BOOST_TEST(!parse_reason("nonsense"));
  BOOST_TEST(!parse_reason(""));
}

BOOST_AUTO_TEST_SUITE_END()
