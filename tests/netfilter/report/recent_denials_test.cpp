#include "netfilter/report/recent_denials.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>

#include "netfilter/report/denial_texts.h"

using namespace picortex;

namespace {

Denial denial_of(const std::string& host, std::uint16_t port, Reason reason) {
  Denial denial;
  denial.host = host;
  denial.port = port;
  denial.reason = reason;
  return denial;
}

std::string command_for(Reason reason, const char* host = "a.test", std::uint16_t port = 443) {
  return operator_command(denial_of(host, port, reason));
}

struct DenialsFixture {
  void connect(const std::string& host, std::int64_t time_ms, const char* chat = "") {
    Denial denial = denial_of(host, 443, Reason::name_not_allowed);
    denial.address = "93.184.216.34";
    denial.ids.chat_id = chat;
    denial.first_ms = denial.last_ms = time_ms;
    denials.note(std::move(denial));
  }
  void ask_for(const std::string& name) {
    denials.note(denial_of(name, 0, Reason::name_not_allowed));
  }
  // "host*count" of all, the latest first, connections before names.
  std::string all() const {
    std::string text;
    denials.find([&text](const Denial& denial) {
      text += denial.host + '*' + std::to_string(denial.count) + ' ';
      return false;
    });
    return text;
  }
  RecentDenials denials;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(recent_denials, DenialsFixture)

BOOST_AUTO_TEST_CASE(equal_denials_are_counted_and_others_are_kept_apart) {
  connect("a.test", 1);
  connect("b.test", 2);
  connect("a.test", 5);
  ask_for("a.test");
  connect("a.test", 6, "chat-1");
  BOOST_TEST(all() == "a.test*1 a.test*2 b.test*1 a.test*1 ");
  denials.find([](const Denial& denial) {
    if (denial.count != 2) return false;
    BOOST_TEST(denial.first_ms == 1);
    BOOST_TEST(denial.last_ms == 5);
    return true;
  });
}

BOOST_AUTO_TEST_CASE(a_flood_of_names_is_bounded_and_hides_no_connection) {
  connect("a.test", 1);
  for (int i = 0; i < 5000; ++i) ask_for("n" + std::to_string(i) + ".test");
  std::size_t count = 0;
  denials.find([&count](const Denial&) { return ++count == 0; });
  BOOST_TEST(count == RecentDenials::kDenialsMax + 1);
  BOOST_TEST(all().starts_with("a.test*1 n4999.test*1 n4998.test*1 "));
  for (int i = 0; i < 5000; ++i) connect("n" + std::to_string(i) + ".test", i);
  BOOST_TEST(all().find("a.test*1") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(says_what_the_operator_would_have_to_run) {
  BOOST_TEST(command_for(Reason::name_not_allowed) == "picortex egress allow a.test");
  BOOST_TEST(command_for(Reason::name_not_allowed, "a.test", 0) == "picortex egress allow a.test");
  BOOST_TEST(command_for(Reason::port_not_listed, "a.test", 8443) ==
             "picortex egress allow a.test:8443");
  BOOST_TEST(command_for(Reason::address_unknown, "2001:db8::1") ==
             "picortex egress allow [2001:db8::1]:443");
  BOOST_TEST(command_for(Reason::unrecognized_protocol, "a.test", 22) ==
             "picortex egress allow 'a.test:22 dns-only'");
  // What no rule can allow.
  for (const Reason reason : {Reason::protocol, Reason::no_name, Reason::dns_rate_limited}) {
    BOOST_TEST(command_for(reason) == "");
    BOOST_TEST(!reason_clause(reason).empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
