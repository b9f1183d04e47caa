#include "netfilter/dns/dns_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/netfilter/bytes.h"
#include "tests/support/loop_fixture.h"

using namespace picortex;
using namespace picortex::test;

namespace {

// Permits names below allowed.test.
struct Judge final : NameJudge {
  bool serves(const DnsAsker& asker) noexcept override {
    askers.push_back(asker);
    return !turns_away;
  }
  NameRuling rule_on(const DnsAsker&, const HostName& name, std::uint16_t type) noexcept override {
    asked.emplace_back(name.view());
    if (name.view() == "machine.test") return NameRuling::name_error;
    if (!name.view().ends_with("allowed.test")) return NameRuling::blocked;
    return type == kDnsTypeA || type == kDnsTypeAaaa ? NameRuling::resolve : NameRuling::no_data;
  }
  bool allow_answer(const DnsAsker&, const HostName&, const IpAddress&,
                    std::uint32_t) noexcept override {
    return false;
  }
  bool turns_away = false;
  std::vector<DnsAsker> askers;
  std::vector<std::string> asked;
};

// A proxy on a port of its own, and clients of it in the same thread.
struct ProxyFixture : LoopFixture {
  ProxyFixture() {
    for (port = 20'000 + getpid() % 10'000; proxy == nullptr; ++port) {
      auto opened = DnsProxy::open(*reactor, static_cast<std::uint16_t>(port), judge);
      if (opened) {
        proxy = std::move(*opened);
        break;
      }
      BOOST_REQUIRE(opened.error().code == EADDRINUSE);
    }
    proxy->start();
  }
  ~ProxyFixture() {
    proxy->stop();
    while (!proxy->is_idle()) reactor->iterate();
    for (const int client : clients) close(client);
  }

  int dial(int type) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    clients.push_back(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE(connect(clients.back(), reinterpret_cast<sockaddr*>(&address), sizeof address) ==
                  0);
    return clients.back();
  }
  static void say(int client, const std::string& bytes) {
    BOOST_REQUIRE(send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                  static_cast<ssize_t>(bytes.size()));
  }
  // What comes next; empty: the end of the connection.
  std::string hear(int client) {
    char buffer[4096];
    while (true) {
      const ssize_t size = recv(client, buffer, sizeof buffer, MSG_DONTWAIT);
      if (size >= 0) return {buffer, static_cast<std::size_t>(size)};
      if (errno != EAGAIN) return {};
      reactor->iterate();
    }
  }

  Judge judge;
  int port = 0;
  std::unique_ptr<DnsProxy> proxy;
  std::vector<int> clients;
};

constexpr int kNameError = 3;

std::string query(const std::string& name, std::size_t type) {
  std::string text = "id" + u16(0x0100) + u16(1) + u16(0) + u16(0) + u16(0);
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    text += static_cast<char>(end - at) + name.substr(at, end - at);
    at = end + 1;
  }
  return text + '\0' + u16(type) + u16(1);
}

// The same with an OPT record.
std::string query_with_edns(const std::string& name, std::size_t type, std::size_t payload_size) {
  std::string text = query(name, type);
  text[11] = 1;
  return text + '\0' + u16(41) + u16(payload_size) + u16(0) + u16(0) + u16(0);
}

int rcode(const std::string& answer) { return answer.size() < 12 ? -1 : answer[3] & 0x0f; }

std::string framed(const std::string& message) { return u16(message.size()) + message; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(dns_proxy, ProxyFixture)

BOOST_AUTO_TEST_CASE(denies_names_and_withholds_types_at_once) {
  const int udp = dial(SOCK_DGRAM);
  say(udp, query("evil.test", 1));
  BOOST_TEST(rcode(hear(udp)) == kNameError);
  say(udp, query("allowed.test", 16));
  const std::string nodata = hear(udp);
  BOOST_TEST(rcode(nodata) == 0);
  BOOST_TEST(nodata.substr(6, 2) == u16(0));
  BOOST_TEST(proxy->stats().denied == 1u);
  BOOST_TEST(proxy->stats().forwarded == 0u);
}

BOOST_AUTO_TEST_CASE(says_why_a_name_is_denied_to_clients_that_understand_it) {
  const int udp = dial(SOCK_DGRAM);
  const auto says = [&](const std::string& question) {
    say(udp, question);
    const std::string answer = hear(udp);
    BOOST_TEST(rcode(answer) == kNameError);
    const std::size_t option =
        answer.find(u16(15), answer.size() - std::min<std::size_t>(answer.size(), 300));
    return option == answer.npos ? "nothing" : answer.substr(option + 6);
  };
  BOOST_TEST(says(query("evil.test", 1)) == "nothing");
  BOOST_TEST(says(query_with_edns("evil.test", 1, 1232)) ==
             "no rule of the egress allowlist has evil.test; the operator can add one: picortex "
             "egress allow evil.test");
  BOOST_TEST(says(query_with_edns("_http._tcp.evil.test", 33, 1232)) == "");
  BOOST_TEST(says(query_with_edns("machine.test", 1, 1232)) == "nothing");
  // A name so long that there is room for the code alone.
  const std::string label(60, 'a');
  const std::string longest = label + '.' + label + '.' + label + '.' + label + ".test";
  BOOST_TEST(says(query_with_edns(longest, 1, 512)) == "");
}

BOOST_AUTO_TEST_CASE(lives_through_odd_datagrams) {
  const int udp = dial(SOCK_DGRAM);
  const std::string good = query("evil.test", 1);
  std::string response = good;
  response[2] = static_cast<char>(0x80);
  for (const std::string& odd :
       {std::string(), std::string("i"), good.substr(0, 11), response, std::string(60'000, 'x')}) {
    say(udp, odd);
  }
  say(udp, good);
  while (rcode(hear(udp)) != kNameError) continue;  // the others may have received their error
  BOOST_TEST(judge.asked.size() == 1u);
}

BOOST_AUTO_TEST_CASE(takes_questions_over_tcp_in_any_pieces) {
  const int tcp = dial(SOCK_STREAM);
  const std::string question = framed(query("evil.test", 28));
  for (const char byte : question) {
    say(tcp, std::string(1, byte));
    reactor->turn_at_once();
    reactor->iterate();
  }
  const std::string answer = hear(tcp);
  BOOST_TEST(rcode(answer.substr(2)) == kNameError);
  say(tcp, question + question + question.substr(0, 5));
  std::string answers;
  while (answers.size() < 2 * answer.size()) answers += hear(tcp);
  BOOST_TEST(answers == answer + answer);
}

BOOST_AUTO_TEST_CASE(closes_on_a_client_that_makes_no_sense) {
  std::string response = query("evil.test", 1);
  response[2] = static_cast<char>(0x80);
  for (const std::string& odd : {framed(response), std::string("\xff\xff"), framed("")}) {
    const int tcp = dial(SOCK_STREAM);
    say(tcp, odd);
    BOOST_TEST(hear(tcp).empty());
  }
  BOOST_TEST(judge.asked.empty());
}

BOOST_AUTO_TEST_CASE(stops_with_half_a_question_open) {
  const int tcp = dial(SOCK_STREAM);
  say(tcp, framed(query("evil.test", 1)).substr(0, 9));
  const int udp = dial(SOCK_DGRAM);
  say(udp, query("evil.test", 1));
  BOOST_TEST(rcode(hear(udp)) == kNameError);  // the connection was accepted by then
  proxy->stop();
  BOOST_TEST(hear(tcp).empty());
  BOOST_TEST(proxy->is_idle());
}

BOOST_AUTO_TEST_CASE(other_users_are_rejected_unheard) {
  judge.turns_away = true;
  const int udp = dial(SOCK_DGRAM);
  say(udp, query("evil.test", 1));
  BOOST_TEST(rcode(hear(udp)) == 5);  // REFUSED
  const int tcp = dial(SOCK_STREAM);
  BOOST_TEST(hear(tcp).empty());
  BOOST_TEST(judge.asked.empty());
  BOOST_TEST(proxy->stats().strangers == 2u);
  // Of a connection it is known where its own socket is connected to.
  BOOST_TEST(judge.askers.back().destination_port == port);
  BOOST_TEST(to_string(judge.askers.back().destination) == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(a_burst_of_4096_questions_is_answered_whole) {
  constexpr int kBurst = 4096;
  const int udp = dial(SOCK_DGRAM);
  const int size = 16 << 20;
  if (setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) return;  // not root
  for (int i = 0; i < kBurst; ++i) say(udp, query("n" + std::to_string(i) + ".evil.test", 1));
  for (int i = 0; i < kBurst; ++i) BOOST_REQUIRE(rcode(hear(udp)) == kNameError);
  BOOST_TEST(proxy->stats().queries == static_cast<unsigned>(kBurst));
  BOOST_TEST(proxy->stats().lost == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
