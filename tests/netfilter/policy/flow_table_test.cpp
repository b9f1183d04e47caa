#include "netfilter/policy/flow_table.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"
#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(flow_table)

namespace {

constexpr const char* kShared = "140.82.121.4";  // of github.com, example.com and others
constexpr const char* kOther = "151.101.0.223";

// An allowlist, what DNS taught, and a client that sends packets.
struct World {
  Allowlist allowlist;
  DnsCache addresses;
  FlowTable table;
  std::vector<FlowEnd> ended;
  EgressMode mode = EgressMode::enforce;
  std::int64_t now_ms = kNow;

  explicit World(std::string_view rules = "github.com\nexample.com:80\nother.example\n") {
    BOOST_TEST(allowlist.add(rules, RuleSource::list).empty());
    learn("github.com", kShared);
    learn("example.com", kShared);
    learn("other.example", kOther);
  }

  void learn(const char* name, const char* address) {
    addresses.learn(parse_ip_address(address).value(), name, 3600, kNow);
  }

  Verdict send(Packet packet, std::string_view data = "") {
    packet.payload = bytes_of(data);
    return table.decide({allowlist, addresses, mode}, PacketStatus::whole, packet, now_ms, ended);
  }
};

// One connection of the client, with sequence numbers that are about to wrap.
struct Client {
  World& world;
  Packet packet;

  Client(World& the_world, const char* address, std::uint16_t port,
         std::uint16_t source_port = 50'000)
      : world(the_world) {
    packet.source = parse_ip_address("10.0.0.1").value();
    packet.destination = parse_ip_address(address).value();
    packet.protocol = kProtocolTcp;
    packet.source_port = source_port;
    packet.destination_port = port;
    packet.tcp_sequence = 0xfffffff0;
  }

  Verdict open(std::string_view data = "") {
    packet.tcp_flags = kTcpSyn;
    const Verdict verdict = world.send(packet, data);
    packet.tcp_flags = kTcpAck;
    packet.tcp_sequence += 1;
    return verdict;
  }
  Verdict send(std::string_view data) {
    const Verdict verdict = world.send(packet, data);
    packet.tcp_sequence += static_cast<std::uint32_t>(data.size());
    return verdict;
  }
  // The verdict on the first piece that was denied, else on the last.
  Verdict send_until_denied(std::string_view data, std::size_t step) {
    Verdict verdict;
    for (std::size_t at = 0; at < data.size(); at += step) {
      verdict = send(data.substr(at, step));
      if (verdict.denied) break;
    }
    return verdict;
  }
  // The verdict on the last piece; all before it passed undecided.
  Verdict send_in_pieces(std::string_view data, std::size_t step) {
    Verdict verdict;
    for (std::size_t at = 0; at < data.size(); at += step) {
      verdict = send(data.substr(at, step));
      if (at + step < data.size()) {
        BOOST_REQUIRE((verdict.action == Action::pass && !verdict.is_final));
      }
    }
    return verdict;
  }
};

bool denies(const Verdict& verdict, Reason reason) {
  return verdict.action == Action::reject && verdict.denied && verdict.is_final &&
         verdict.reason == reason;
}
bool passes(const Verdict& verdict) { return verdict.action == Action::pass && !verdict.denied; }
bool allows(const Verdict& verdict) {
  return verdict.action == Action::allow && !verdict.denied && verdict.is_final;
}
// Its name is allowed; the kernel will take it over when the server answers.
bool judges(const Verdict& verdict) {
  return verdict.action == Action::judge && !verdict.denied && verdict.is_final &&
         verdict.reason == Reason::permitted;
}

std::string hello(const std::string& name) {
  return tls_record(client_hello(server_name_extension(name)));
}

std::string hello_of_tls_1_3(const std::string& name, const std::string& more = "") {
  return tls_record(
      client_hello(server_name_extension(name) + supported_versions_extension() + more));
}

const std::string kChangeCipherSpec("\x14\x03\x03\x00\x01\x01", 6);
const std::string kFinished("\x17\x03\x03\x00\x04\x01\x02\x03\x04", 9);

std::string request(const std::string& host, const std::string& rest = "\r\n") {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + rest;
}

}  // namespace

BOOST_AUTO_TEST_CASE(allows_a_name_that_agrees_with_its_address) {
  World world;
  Client client(world, kShared, 443);
  const Verdict opening = client.open();
  BOOST_TEST((passes(opening) && !opening.is_final));
  const Verdict verdict = client.send(kOpensslHello);
  BOOST_TEST(judges(verdict));
  BOOST_TEST((verdict.reason == Reason::permitted && verdict.evidence == Evidence::sni));
  BOOST_TEST(verdict.host.view() == "github.com");
  BOOST_TEST(world.allowlist.rules()[verdict.rule.value()].text == "github.com");
  BOOST_TEST(world.table.memory_size() > 0u);  // of what a repetition has to equal
  world.now_ms += FlowTable::kJudgedMs;
  world.table.expire(world.mode, world.now_ms, world.ended);
  BOOST_TEST(world.ended.empty());
  BOOST_TEST(world.table.memory_size() == 0u);
  BOOST_TEST(world.table.size() == 0u);
}

// A server whose hello the kernel did not recognise: it stays in the queue.
BOOST_AUTO_TEST_CASE(lets_what_is_no_hello_follow_an_allowed_one) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(judges(client.send(hello("github.com"))));
  BOOST_TEST(passes(client.send(kChangeCipherSpec + kFinished)));
  const std::size_t memory = world.table.memory_size();
  for (int i = 0; i < 2000; ++i) {
    BOOST_REQUIRE(passes(client.send("\x17\x03\x03" + u16(1000) + std::string(700, 'x'))));
    BOOST_REQUIRE(passes(client.send(std::string(300, 'x'))));
  }
  BOOST_TEST(world.table.memory_size() < memory + 64'000);
  world.now_ms += FlowTable::kIdleMs - 1;
  world.table.expire(world.mode, world.now_ms, world.ended);
  BOOST_TEST(denies(client.send(hello("evil.test")), Reason::name_not_allowed));
}

BOOST_AUTO_TEST_CASE(keeps_what_a_syn_with_data_was_judged_by) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(judges(client.open(hello("github.com"))));
  client.packet.tcp_sequence -= 1;
  const Verdict again = client.open();  // the first one was lost
  BOOST_TEST((again.action == Action::judge && !again.is_final));
  BOOST_TEST(passes(world.send(client.packet, hello("github.com"))));
  BOOST_TEST(
      denies(world.send(client.packet, hello("evilxx.com")), Reason::overlapping_segments_differ));
}

BOOST_AUTO_TEST_CASE(takes_any_client_hello_after_a_hello_for_one) {
  std::string odd = client_hello(server_name_extension("evil.test"));
  for (const char* version : {"\x04\x03", "\x7f\x7f"}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(judges(client.send(hello("github.com"))));
    odd.replace(4, 2, version);
    BOOST_TEST(denies(client.send(tls_record(odd)), Reason::unrecognized_protocol));
  }
  for (const std::string& record :
       {std::string("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9),  // HelloRequest
        std::string("\x80\x2e\x01\x03\x03\x00", 6), std::string("GET / HTTP/1.1\r\n"),
        std::string("\x19\x03\x03\x00\x01x", 6), std::string("\x17\x03\x03\x00\x00", 5)}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(judges(client.send(hello("github.com"))));
    BOOST_TEST(denies(client.send(record), Reason::unrecognized_protocol));
  }
}

// A hello that never ends, or not yet: what a busy client's kernel sends of it at first.
BOOST_AUTO_TEST_CASE(judges_a_name_before_its_hello_has_ended) {
  const std::string evil = hello("evil.test");
  const std::size_t name = evil.find("evil.test");
  for (std::size_t cut = 0; cut < evil.size(); ++cut) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    const Verdict first = client.send(evil.substr(0, cut));
    if (cut <= name) {
      BOOST_TEST(passes(first), cut);
      BOOST_TEST(denies(client.send(evil.substr(cut)), Reason::name_not_allowed), cut);
    } else {
      BOOST_TEST(denies(first, Reason::name_not_allowed), cut);
      const bool is_whole = cut >= name + 9;
      BOOST_TEST(first.host.view() == (is_whole ? "evil.test" : ""), cut);
    }
  }
}

BOOST_AUTO_TEST_CASE(lets_the_pieces_of_an_allowed_name_pass) {
  for (const char* text : {"github.com", "GitHub.com", "github.com."}) {
    for (const std::size_t step : {1, 2, 5, 90}) {
      World world;
      world.learn("github.community", kShared);
      Client client(world, kShared, 443);
      BOOST_TEST(passes(client.open()));
      BOOST_TEST(judges(client.send_in_pieces(hello(text), step)), text << " " << step);
    }
  }
}

BOOST_AUTO_TEST_CASE(denies_the_first_byte_that_no_allowed_name_has_there) {
  // Of the size of github.com, and like it for a while; then one that another address has.
  for (const char* text : {"githuc.com", "github.org", "other.example"}) {
    World world("github.com\nother.example\n");
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    const std::string bytes = hello(text);
    std::size_t passed = 0;
    Verdict verdict;
    while (passed < bytes.size() && passes(verdict = client.send(bytes.substr(passed, 1)))) {
      ++passed;
    }
    BOOST_TEST(denies(verdict, Reason::name_not_allowed), text);
    const std::string name(text);
    const std::size_t alike = name == "other.example" ? 0 : name == "githuc.com" ? 5 : 7;
    BOOST_TEST(passed == bytes.find(name) + alike, text);
  }
}

BOOST_AUTO_TEST_CASE(denies_a_second_name_before_its_first_byte) {
  const std::string one = server_name_extension("github.com");
  const std::string entry = std::string(1, '\0') + u16(10) + "github.com";
  for (const std::string& extensions :
       {one + server_name_extension("evil.test"),
        extension(0, u16(2 * entry.size()) + entry + entry), server_name_extension(""),
        server_name_extension(std::string(255, 'a'))}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    const std::string padding = extension(21, std::string(20, '\0'));
    const std::string bytes = tls_record(client_hello(extensions + padding));
    const Verdict verdict = client.send(bytes.substr(0, bytes.size() - 10));
    BOOST_TEST(denies(verdict, Reason::unrecognized_protocol));
  }
}

BOOST_AUTO_TEST_CASE(judges_a_host_before_its_line_has_ended) {
  const struct {
    const char* head;
    std::size_t passed;  // bytes
  } all[] = {{"GET / HTTP/1.1\r\nHost: evil.test", 22},
             {"GET / HTTP/1.1\r\nX: y\r\nhOsT:evil.test", 27},
             {"GET / HTTP/1.1\r\nHost: gitHub.comm", 32},
             {"GET / HTTP/1.1\r\nHost: github.com..", 33},
             {"GET / HTTP/1.1\r\nHost: github.co:80", 31},
             {"GET http://evil.test", 11},
             {"GET http://github.como", 21},
             {"GET http://githuX", 16}};
  for (const auto& one : all) {
    World world("github.com:80\n");
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    std::size_t passed = 0;
    Verdict verdict;
    const std::string_view head = one.head;
    while (passed < head.size() && passes(verdict = client.send(head.substr(passed, 1)))) ++passed;
    BOOST_TEST(denies(verdict, Reason::name_not_allowed), one.head);
    BOOST_TEST(passed == one.passed, one.head);
    BOOST_TEST(verdict.host.empty());
  }
}

BOOST_AUTO_TEST_CASE(lets_the_pieces_of_an_allowed_host_pass) {
  for (const char* head :
       {"GET / HTTP/1.1\r\nHost:  GitHub.com. \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: github.com:80\r\n\r\n",
        "GET http://github.com/a://b HTTP/1.1\r\nHost: github.com\r\n\r\n",
        "GET /http://evil.test HTTP/1.1\r\nX-Host: evil\r\nHost: github.com\r\n\r\n"}) {
    World world("github.com:80\n");
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    const Verdict verdict = client.send_in_pieces(head, 1);
    BOOST_TEST((verdict.is_final && !verdict.denied), head);
  }
}

BOOST_AUTO_TEST_CASE(learns_a_name_when_it_is_whole) {
  World world;
  world.mode = EgressMode::learn;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  const std::string bytes = hello("evil.test");
  const std::size_t name = bytes.find("evil.test");
  BOOST_TEST(passes(client.send(bytes.substr(0, name + 4))));
  const Verdict verdict = client.send(bytes.substr(name + 4, 5));
  BOOST_TEST((verdict.denied && verdict.action == Action::allow && verdict.is_final));
  BOOST_TEST(verdict.host.view() == "evil.test");
}

BOOST_AUTO_TEST_CASE(compares_what_is_repeated_with_what_was_judged) {
  const std::string shown = hello("github.com");
  std::string other = hello("evilxx.com");
  BOOST_REQUIRE(other.size() == shown.size());
  for (const std::size_t cut : {0, 1, 60}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    Packet packet = client.packet;
    BOOST_TEST(judges(client.send(shown)));
    packet.tcp_sequence += static_cast<std::uint32_t>(cut);
    const Verdict same = world.send(packet, shown.substr(cut));
    BOOST_TEST((passes(same) && !same.is_final));
    const Verdict more = world.send(packet, shown.substr(cut) + kChangeCipherSpec);
    BOOST_TEST(passes(more));
    BOOST_TEST(denies(world.send(packet, other.substr(cut)), Reason::overlapping_segments_differ));
  }
  // Data around it may differ: it means nothing to a server before the hello is there.
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  Packet packet = client.packet;
  const std::string head = request("example.com", "Content-Length: 5\r\n\r\n");
  BOOST_TEST(passes(client.send(head + "hello")));
  BOOST_TEST(passes(world.send(packet, head + "there")));
  BOOST_TEST(passes(client.send(request("example.com"))));
  std::string evil = head;
  evil.replace(evil.find("example"), 7, "exampel");
  BOOST_TEST(denies(world.send(packet, evil), Reason::overlapping_segments_differ));
}

BOOST_AUTO_TEST_CASE(denies_a_name_that_is_not_allowed_on_an_allowed_shared_address) {
  for (const std::string name :
       {"evil.test", "github.com.evil.test", "notgithub.com", "a.github.com"}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    const Verdict verdict = client.send(hello(name));
    BOOST_TEST(denies(verdict, Reason::name_not_allowed));
    BOOST_TEST(verdict.host.view() == name);
    const Verdict again = client.send("x");
    BOOST_TEST((again.action == Action::reject && !again.is_final));
  }
}

BOOST_AUTO_TEST_CASE(takes_every_spelling_of_an_allowed_name) {
  for (const std::string name : {"GitHub.COM", "github.com."}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(judges(client.send(hello(name))));
  }
}

BOOST_AUTO_TEST_CASE(denies_an_allowed_name_at_another_address) {
  World world;
  Client client(world, kOther, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(denies(client.send(hello("github.com")), Reason::dns_address_mismatch));
}

BOOST_AUTO_TEST_CASE(denies_raw_addresses_and_other_ports_at_the_syn) {
  World world;
  for (const char* address : {"1.1.1.1", "2606:4700::1111", "::ffff:140.82.121.4", "127.0.0.1",
                              "169.254.169.254", "10.0.0.9"}) {
    BOOST_TEST(denies(Client(world, address, 443).open(), Reason::address_unknown), address);
  }
  for (const std::uint16_t port : {22, 853, 8443}) {
    const Verdict verdict = Client(world, kShared, port).open();
    BOOST_TEST(denies(verdict, Reason::port_not_listed), port);
    BOOST_TEST((verdict.evidence == Evidence::dns));
    BOOST_TEST(verdict.host.view() == "example.com");
  }
  BOOST_TEST(world.table.size() == 0u);
}

BOOST_AUTO_TEST_CASE(denies_every_protocol_but_tcp_and_every_odd_packet) {
  World world("github.com\n140.82.121.4\n");
  for (const std::uint8_t protocol :
       {kProtocolUdp, kProtocolIcmp, kProtocolIcmpV6, kProtocolSctp}) {
    Client client(world, kShared, 443);
    client.packet.protocol = protocol;
    BOOST_TEST(denies(client.send("data"), Reason::protocol));
  }
  for (const PacketStatus status : {PacketStatus::truncated, PacketStatus::malformed,
                                    PacketStatus::fragment, PacketStatus::source_routed}) {
    const Packet packet = Client(world, kShared, 443).packet;
    BOOST_TEST(denies(world.table.decide({world.allowlist, world.addresses, world.mode}, status,
                                         packet, kNow, world.ended),
                      Reason::bad_packet));
  }
}

BOOST_AUTO_TEST_CASE(decides_hellos_in_pieces_records_and_late_halves) {
  const std::string message = post_quantum_hello("github.com");
  const std::string two = tls_record(message.substr(0, 700)) + tls_record(message.substr(700));
  for (const std::string& stream : {kOpensslHello, tls_record(message), two}) {
    for (const std::size_t step : {1, 2, 5, 536, 1400}) {
      World world;
      Client client(world, kShared, 443);
      BOOST_TEST(passes(client.open()));
      const Verdict verdict = client.send_in_pieces(stream, step);
      BOOST_TEST(judges(verdict));
    }
  }
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send(two.substr(0, 100))));
  world.now_ms += FlowTable::kShowingMs - 1;
  BOOST_TEST(judges(client.send(two.substr(100))));
}

BOOST_AUTO_TEST_CASE(drops_segments_after_a_gap_and_decides_repeated_ones) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  const std::string stream = hello("evil.test");
  const auto send_part = [&](std::size_t at, std::size_t size) {
    Packet packet = client.packet;
    packet.tcp_sequence += static_cast<std::uint32_t>(at);
    return world.send(packet, std::string_view(stream).substr(at, size));
  };
  const auto drops = [](const Verdict& verdict) {
    return verdict.action == Action::drop && !verdict.denied && !verdict.is_final;
  };
  BOOST_TEST(drops(send_part(50, 20)));
  BOOST_TEST(passes(send_part(0, 30)));
  BOOST_TEST(passes(send_part(10, 20)));
  BOOST_TEST(drops(send_part(60, 1000)));
  BOOST_TEST(drops(send_part(31, 1000)));
  BOOST_TEST(denies(send_part(0, 1000), Reason::name_not_allowed));
}

BOOST_AUTO_TEST_CASE(denies_what_follows_urgent_data) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  const std::string stream = hello("github.com");
  BOOST_TEST(passes(client.send(stream.substr(0, 60))));
  Packet urgent = client.packet;
  urgent.tcp_flags |= kTcpUrg;
  const Verdict denied =
      world.table.decide({world.allowlist, world.addresses, world.mode}, PacketStatus::urgent,
                         urgent, world.now_ms, world.ended);
  BOOST_TEST(denies(denied, Reason::bad_packet));
  const Verdict behind = client.send(stream.substr(60));
  BOOST_TEST((behind.action == Action::reject && behind.reason == Reason::bad_packet));
  const Verdict more = world.table.decide({world.allowlist, world.addresses, world.mode},
                                          PacketStatus::urgent, urgent, world.now_ms, world.ended);
  BOOST_TEST((more.action == Action::reject && !more.is_final));
}

BOOST_AUTO_TEST_CASE(denies_a_hello_that_was_sent_in_two_versions) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  const std::string stream = hello("github.com");
  std::string other = stream;
  other[20] = 'x';  // of the random
  BOOST_TEST(passes(world.send(client.packet, other.substr(0, stream.size() - 1))));
  BOOST_TEST(denies(world.send(client.packet, stream), Reason::overlapping_segments_differ));
}

BOOST_AUTO_TEST_CASE(reads_data_that_came_with_the_syn) {
  World world;
  BOOST_TEST(judges(Client(world, kShared, 443, 1).open(hello("github.com"))));
  BOOST_TEST(
      denies(Client(world, kShared, 443, 2).open(hello("evil.test")), Reason::name_not_allowed));
  Client client(world, kShared, 443, 3);
  const std::string stream = hello("github.com");
  BOOST_TEST(passes(client.open(stream.substr(0, 60))));
  client.packet.tcp_sequence += 60;
  BOOST_TEST(judges(client.send(stream.substr(60))));
}

BOOST_AUTO_TEST_CASE(denies_what_never_shows_a_name) {
  const auto after_opening = [](const std::string& data) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    return client.send(data);
  };
  BOOST_TEST(denies(after_opening(tls_record(client_hello(""))), Reason::no_name));
  BOOST_TEST(denies(after_opening("GET / HTTP/1.0\r\n\r\n"), Reason::no_name));
  BOOST_TEST(denies(after_opening("SSH-2.0-OpenSSH_9.2\r\n"), Reason::unrecognized_protocol));
  BOOST_TEST(denies(after_opening(hello("140.82.121.4")), Reason::unrecognized_protocol));
  BOOST_TEST(denies(after_opening("\x16\x03\x01" + u16(4) + std::string("\x01\xff\xff\xff", 4)),
                    Reason::too_long));

  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send("\x16\x03")));
  world.now_ms += FlowTable::kShowingMs;
  BOOST_TEST(denies(client.send("\x01"), Reason::too_slow));
}

BOOST_AUTO_TEST_CASE(judges_the_second_hello_that_a_server_may_ask_for) {
  const std::string first = hello_of_tls_1_3("github.com");
  const std::string evil = client_hello(server_name_extension("evil.test"));
  const std::string pieces =
      tls_record(evil.substr(0, 1)) + tls_record(evil.substr(1, 3)) + tls_record(evil.substr(4));
  const std::string alert("\x15\x03\x03\x00\x02\x01\x5a", 7);
  for (const std::string& between : {std::string(), kChangeCipherSpec, alert + kChangeCipherSpec}) {
    for (const std::string& second : {tls_record(evil), pieces}) {
      for (const std::size_t step : {1, 7, 10'000}) {
        World world;
        Client client(world, kShared, 443);
        BOOST_TEST(passes(client.open()));
        BOOST_TEST(client.send(first).is_final);
        BOOST_TEST(
            denies(client.send_until_denied(between + second, step), Reason::name_not_allowed));
      }
      World world;
      Client client(world, kShared, 443);
      BOOST_TEST(passes(client.open()));
      BOOST_TEST(denies(client.send(first + between + second), Reason::name_not_allowed));
    }
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(client.send(first).is_final);
    const Verdict same = client.send_in_pieces(between + first, 10'000);
    BOOST_TEST((same.action == Action::judge && !same.denied && !same.is_final));
  }
}

BOOST_AUTO_TEST_CASE(waits_for_no_second_hello_without_end) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(client.send(hello_of_tls_1_3("github.com")).is_final);
  for (int i = 0; i < Flow::kRecordsSkippedMax; ++i) {
    BOOST_TEST(passes(client.send(kChangeCipherSpec)));
  }
  BOOST_TEST(denies(client.send(kChangeCipherSpec), Reason::unrecognized_protocol));
}

BOOST_AUTO_TEST_CASE(denies_a_hello_that_may_mean_another_name) {
  for (const auto& [type, reason] :
       {std::pair{0xfe0d, Reason::encrypted_hello}, {42, Reason::early_data}}) {
    World world;
    world.learn("example.com", kShared);
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    const Verdict verdict =
        client.send(hello_of_tls_1_3("github.com", extension(static_cast<std::size_t>(type), "")));
    BOOST_TEST(denies(verdict, reason));
    BOOST_TEST((verdict.host.view() == "github.com" && verdict.evidence == Evidence::sni));
  }
}

BOOST_AUTO_TEST_CASE(settles_slow_flows_when_reported_the_time) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  world.table.expire(world.mode, kNow + 30'000, world.ended);
  BOOST_TEST(world.ended.empty());
  world.now_ms += 30'000;
  BOOST_TEST(passes(client.send("\x16")));
  world.now_ms += FlowTable::kShowingMs;
  world.table.expire(world.mode, world.now_ms, world.ended);
  BOOST_TEST_REQUIRE(world.ended.size() == 1u);
  BOOST_TEST(denies(world.ended[0].verdict, Reason::too_slow));
  BOOST_TEST(world.ended[0].key.source_port == 50'000);
  const Verdict late = client.send("\x03");
  BOOST_TEST((late.action == Action::reject && !late.is_final));
  world.table.expire(world.mode, world.now_ms + FlowTable::kEndedMs, world.ended);
  BOOST_TEST(world.table.size() == 0u);
  BOOST_TEST(world.table.memory_size() == 0u);
  BOOST_TEST(denies(client.send("\x01"), Reason::untracked_flow));
}

BOOST_AUTO_TEST_CASE(denies_data_whose_beginning_it_did_not_see) {
  World world;
  BOOST_TEST(denies(Client(world, kShared, 443).send(hello("github.com")), Reason::untracked_flow));
}

BOOST_AUTO_TEST_CASE(gives_a_re_used_port_no_old_verdict) {
  World world;
  Client first(world, kShared, 443);
  BOOST_TEST(passes(first.open()));
  BOOST_TEST(judges(first.send(hello("github.com"))));
  Client second(world, kShared, 443);
  second.packet.tcp_sequence = 77;
  BOOST_TEST(passes(second.open()));
  BOOST_TEST(denies(second.send(hello("evil.test")), Reason::name_not_allowed));
}

BOOST_AUTO_TEST_CASE(inspects_every_request_of_an_http_connection) {
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  const Verdict first = client.send(request("example.com"));
  BOOST_TEST((passes(first) && first.is_final));
  BOOST_TEST((first.evidence == Evidence::http_host));
  BOOST_TEST(
      passes(client.send_in_pieces(request("example.com:80", "Content-Length: 25\r\n\r\n"), 3)));
  BOOST_TEST(passes(client.send("Host: evil.test\r\n\r\nGET")));
  BOOST_TEST(passes(client.send(" /\n")));  // the body's last bytes
  world.now_ms += 60'000;
  const Verdict last = client.send(request("evil.test"));
  BOOST_TEST(denies(last, Reason::name_not_allowed));
  BOOST_TEST(last.host.view() == "evil.test");
}

BOOST_AUTO_TEST_CASE(finds_the_second_request_of_a_packet) {
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(
      denies(client.send(request("example.com") + request("evil.test")), Reason::name_not_allowed));
  Client other(world, kShared, 80, 2);
  BOOST_TEST(passes(other.open()));
  BOOST_TEST(passes(other.send(request("example.com") + "GET / HT")));
  BOOST_TEST(denies(other.send("TP/1.1\r\nHost: other.example\r\n\r\n"), Reason::port_not_listed));
}

BOOST_AUTO_TEST_CASE(denies_at_once_what_a_server_may_take_for_a_request) {
  const std::string good = request("example.com");
  for (const std::string& ahead : {std::string(), good}) {
    for (const std::string text :
         {"POST /lf HTTP/1.1\nHost: evil.test\n\n", "GET /0.9\r\n", "GET /0.9\r", "GET /0.9\n",
          "GET http://evil.test/ HTTP/1.0\n", "\r\nGET / HTTP/1.1\r\n", "\n",
          "GET / HTTP/1.1\r\nHost: evil.test\n", "GET / HTTP/1.1\r\nHost: evil.test\r\r",
          "GET / HTTP/1.1\n\r\n", "GET / HTTP/1.1\r\n folded\r\n"}) {
      for (const std::size_t step : {1, 7, 10'000}) {
        World world;
        Client client(world, kShared, 80);
        BOOST_TEST(passes(client.open()));
        Verdict verdict = client.send(ahead);
        for (std::size_t at = 0; at < text.size() && !verdict.denied; at += step) {
          verdict = client.send(std::string_view(text).substr(at, step));
        }
        // The name may be known before the line ends where it must not.
        const bool is_denied = denies(verdict, Reason::unrecognized_protocol) ||
                               denies(verdict, Reason::name_not_allowed);
        BOOST_TEST(is_denied, text);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(denies_a_forbidden_host_before_its_head_ends) {
  for (const char* text : {"GET / HTTP/1.1\r\nHost: evil.test\r\nX: ", "GET http://evil.test/",
                           "GET / HTTP/1.1\r\nHost: evil.test\r"}) {
    World world;
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(denies(client.send(text), Reason::name_not_allowed));
  }
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send("GET / HTTP/1.1\r\nHost: example.com\r\nX: ")));
  BOOST_TEST(!client.send("y\r\n\r\n").denied);
}

BOOST_AUTO_TEST_CASE(reads_chunked_bodies_to_their_end) {
  const std::string chunked = request("example.com", "Transfer-Encoding: chunked\r\n\r\n");
  const std::string body = "5\r\nhello\r\n1A\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n";
  for (const std::size_t step : {1, 3, 10'000}) {
    World world;
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(passes(client.send(chunked)));
    BOOST_TEST(passes(client.send_in_pieces(body, step)));
    BOOST_TEST(passes(client.send(request("example.com"))));
    BOOST_TEST(denies(client.send(request("evil.test")), Reason::name_not_allowed));
  }
  for (const std::string bad :
       {"5;x=y\r\nhello\r\n", "5\nhello\r\n", "5 \r\n", "x\r\n", "\r\n", "1\r\nxx",
        "0\r\nTrailer: x\r\n\r\n", "1\r\nx\n", "1000000000000000\r\n", "0\r\n\n"}) {
    World world;
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(passes(client.send(chunked)));
    BOOST_TEST(denies(client.send_in_pieces(bad, 10'000), Reason::unrecognized_protocol), bad);
  }
}

BOOST_AUTO_TEST_CASE(lets_http_become_another_protocol_where_a_rule_says_so) {
  const std::string upgrade =
      request("example.com", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  World strict;
  Client denied(strict, kShared, 80);
  BOOST_TEST(passes(denied.open()));
  BOOST_TEST(denies(denied.send(upgrade), Reason::upgrade_not_allowed));
  World world("example.com:80 upgrade\n");
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send(upgrade)));
  BOOST_TEST(passes(client.send("\x81\x05hello\n")));
  Client plain(strict, kShared, 80, 2);
  BOOST_TEST(passes(plain.open()));
  BOOST_TEST(passes(plain.send(request("example.com", "Upgrade: h2c\r\n\r\n"))));
  BOOST_TEST(denies(plain.send("PRI * HTTP/2.0\r\n\r\n"), Reason::unrecognized_protocol));
}

BOOST_AUTO_TEST_CASE(keeps_the_place_of_a_client_that_is_silent_for_long) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  Client idle(world, kShared, 80, 2);
  BOOST_TEST(passes(idle.open()));
  BOOST_TEST(passes(idle.send(request("example.com"))));
  world.now_ms += 3'601'000;  // longer than DNS answers are remembered
  world.table.expire(world.mode, world.now_ms, world.ended);
  BOOST_TEST(passes(idle.send(request("example.com"))));
  BOOST_TEST(judges(client.send(hello("github.com"))));
  BOOST_TEST(world.ended.empty());
}

BOOST_AUTO_TEST_CASE(denies_urgent_data) {
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  client.packet.payload = bytes_of("x");
  BOOST_TEST(denies(world.table.decide({world.allowlist, world.addresses, world.mode},
                                       PacketStatus::urgent, client.packet, kNow, world.ended),
                    Reason::bad_packet));
}

BOOST_AUTO_TEST_CASE(closes_what_others_open) {
  for (const EgressMode mode : {EgressMode::enforce, EgressMode::learn}) {
    World world;
    world.mode = mode;
    Packet packet = Client(world, kOther, 40'000, 8080).packet;
    packet.tcp_flags = kTcpSyn | kTcpAck;
    const Verdict verdict = world.send(packet);
    BOOST_TEST((verdict.action == Action::close && !verdict.is_final));
    BOOST_TEST(world.table.size() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(denies_http_that_hides_its_host) {
  const auto sent = [](const std::string& text) {
    World world;
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    return client.send(text);
  };
  BOOST_TEST(denies(sent(request("example.com:443")), Reason::unrecognized_protocol));
  BOOST_TEST(denies(sent(request("example.com", "Host: evil.test\r\n\r\n")),
                    Reason::unrecognized_protocol));
  BOOST_TEST(denies(sent("CONNECT evil.test:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"),
                    Reason::unrecognized_protocol));
  BOOST_TEST(denies(sent(request("other.example")), Reason::port_not_listed));
}

BOOST_AUTO_TEST_CASE(denies_http_to_an_address_for_the_name_that_it_lacks) {
  for (const std::string host : {"140.82.121.4", "140.82.121.4:80", "[2001:db8::1]", "[::1]:80"}) {
    World world;
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(denies(client.send(request(host)), Reason::no_name), host);
  }
}

BOOST_AUTO_TEST_CASE(repeats_a_denial_of_the_owner_to_what_follows_in_the_queue) {
  const Verdict spent{.evidence = Evidence::http_host, .reason = Reason::upload_budget_spent};
  const auto repeats = [](const Verdict& verdict, Reason reason) {
    return verdict.action == Action::reject && !verdict.is_final && verdict.reason == reason;
  };
  World world;
  Client followed(world, kShared, 80);
  BOOST_TEST(passes(followed.open()));
  BOOST_TEST(passes(followed.send(request("example.com"))));
  BOOST_TEST(world.table.deny(followed.packet, spent, kNow));
  BOOST_TEST(repeats(followed.send(request("example.com")), Reason::upload_budget_spent));
  // One that the kernel has taken over, of which the table knows nothing.
  Client other(world, kShared, 443, 7);
  BOOST_TEST(world.table.deny(other.packet, spent, kNow));
  BOOST_TEST(!world.table.deny(other.packet, spent, kNow));
  BOOST_TEST(passes(other.open()));  // and a new one on its ports
  // A denied SYN leaves no place in the table.
  Client unopened(world, kShared, 443, 8);
  unopened.packet.tcp_flags = kTcpSyn;
  BOOST_TEST(world.table.deny(unopened.packet, spent, kNow));
  BOOST_TEST(world.table.deny(unopened.packet, spent, kNow));
}

BOOST_AUTO_TEST_CASE(reports_once_what_is_denied_without_its_beginning) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(denies(client.send("middle"), Reason::untracked_flow));
  const Verdict next = client.send("end");
  BOOST_TEST((next.action == Action::reject && !next.is_final));
  // There is no room for more of them than for flows, and none of these gives way.
  for (std::uint16_t port = 0; port < FlowTable::kFlowsMax; ++port) {
    BOOST_TEST(passes(Client(world, kShared, 443, port).open()));
  }
  for (std::uint16_t port = 20'000; port < 20'010; ++port) {
    BOOST_TEST(denies(Client(world, kShared, 443, port).send("middle"), Reason::untracked_flow));
  }
  BOOST_TEST(world.table.size() == FlowTable::kFlowsMax);
  BOOST_TEST(world.ended.empty());
}

BOOST_AUTO_TEST_CASE(judges_by_the_rules_as_they_are_now) {
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send(request("example.com"))));
  world.allowlist = {};
  BOOST_TEST(denies(client.send(request("example.com")), Reason::name_not_allowed));
  const Verdict verdict = Client(world, kShared, 443, 2).open();
  BOOST_TEST(denies(verdict, Reason::name_not_allowed));
  BOOST_TEST((verdict.evidence == Evidence::dns));
}

BOOST_AUTO_TEST_CASE(allows_by_address_and_by_dns_alone_where_a_rule_says_so) {
  World world(
      "127.0.0.1:5432\n10.0.0.0/8:8080\ngithub.com:22 dns-only\nnas.example private\nlo.example\n");
  world.learn("nas.example", "10.0.0.9");
  world.learn("lo.example", "127.0.0.1");
  const Verdict by_address = Client(world, "127.0.0.1", 5432).open();
  BOOST_TEST((allows(by_address) && by_address.evidence == Evidence::ip));
  BOOST_TEST(allows(Client(world, "10.2.3.4", 8080).open()));
  BOOST_TEST(denies(Client(world, "127.0.0.1", 5433).open(), Reason::port_not_listed));
  BOOST_TEST(denies(Client(world, "127.0.0.1", 443).open(), Reason::port_not_listed));
  const Verdict by_dns = Client(world, kShared, 22).open();
  BOOST_TEST((allows(by_dns) && by_dns.evidence == Evidence::dns));
  BOOST_TEST(by_dns.host.view() == "github.com");
  Client nas(world, "10.0.0.9", 443);
  BOOST_TEST(passes(nas.open()));
  BOOST_TEST(judges(nas.send(hello("nas.example"))));
}

BOOST_AUTO_TEST_CASE(answers_no_name_with_an_address_that_the_list_does_not_grant) {
  Allowlist list;
  BOOST_TEST(
      list.add("a.example\nnas.example private\n127.0.0.1:5432\n", RuleSource::list).empty());
  const auto may = [&](const char* name, const char* address) {
    return may_answer(list, HostName::parse(name).value(), parse_ip_address(address).value(), kNow);
  };
  BOOST_TEST(may("a.example", "140.82.121.4"));
  BOOST_TEST(may("nas.example", "192.168.1.9"));
  BOOST_TEST(may("nas.example", "fd00::9"));
  BOOST_TEST(may("a.example", "127.0.0.1"));
  BOOST_TEST(!may("b.example", "140.82.121.4"));
  for (const char* address :
       {"127.0.0.2", "10.0.0.1", "169.254.169.254", "fe80::1", "::1", "0.0.0.0",
        "::ffff:140.82.121.4", "64:ff9b::10.0.0.1", "100.64.0.1", "224.0.0.1"}) {
    BOOST_TEST(!may("a.example", address), address);
  }
  for (const char* address : {"127.0.0.2", "169.254.169.254", "fd00:ec2::254", "::1", "0.0.0.0"}) {
    BOOST_TEST(!may("nas.example", address), address);
  }
}

BOOST_AUTO_TEST_CASE(a_syn_that_has_left_is_settled_for_all_that_follows) {
  World world;
  const Verdict limited{.reason = Reason::connection_rate_limited};
  // Followed since its copy was read, or not at all since no rule permits it any more.
  Client followed(world, kShared, 443);
  followed.open();
  world.table.settle(followed.packet, limited, kNow);
  Client unknown(world, "203.0.113.7", 443);
  Packet syn = unknown.packet;
  syn.tcp_flags = kTcpSyn;
  world.table.settle(syn, limited, kNow);
  unknown.packet.tcp_sequence += 1;
  unknown.packet.tcp_flags = kTcpAck;
  for (Client* client : {&followed, &unknown}) {
    for (int i = 0; i < 2; ++i) {
      const Verdict verdict = client->send(hello("github.com"));
      BOOST_TEST((verdict.action == Action::reject && !verdict.is_final));
      BOOST_TEST((verdict.reason == Reason::connection_rate_limited));
    }
  }
  // The SYN again, in the queue, is no other connection.
  const Verdict again = world.send(syn);
  BOOST_TEST((again.action == Action::reject && !again.is_final));

  // A rule that needs no name now permits all of it.
  Client allowed(world, kOther, 22);
  syn = allowed.packet;
  syn.tcp_flags = kTcpSyn;
  world.table.settle(syn, {.action = Action::allow, .denied = false}, kNow);
  allowed.packet.tcp_sequence += 1;
  allowed.packet.tcp_flags = kTcpAck;
  BOOST_TEST((allowed.send("SSH-2.0-x").action == Action::allow));
}

BOOST_AUTO_TEST_CASE(a_copy_and_the_same_syn_in_the_queue_open_one_connection) {
  World world;
  Client client(world, kShared, 443);
  Packet syn = client.packet;
  syn.tcp_flags = kTcpSyn;
  for (int i = 0; i < 3; ++i) BOOST_TEST(passes(world.send(syn)));
  BOOST_TEST(world.table.size() == 1u);
  client.packet.tcp_sequence += 1;
  client.packet.tcp_flags = kTcpAck;
  BOOST_TEST(judges(client.send(hello("github.com"))));
}

BOOST_AUTO_TEST_CASE(learns_what_enforce_would_deny) {
  World world;
  world.mode = EgressMode::learn;
  Client client(world, "1.1.1.1", 443);
  BOOST_TEST(passes(client.open()));
  const Verdict named = client.send(hello("evil.test"));
  BOOST_TEST((named.action == Action::allow && named.denied && named.is_final));
  BOOST_TEST((named.reason == Reason::name_not_allowed));
  BOOST_TEST(named.host.view() == "evil.test");

  Client raw(world, "1.1.1.1", 22);
  BOOST_TEST(passes(raw.open()));
  const Verdict unnamed = raw.send("SSH-2.0\r\n");
  BOOST_TEST((unnamed.action == Action::allow && unnamed.denied));
  BOOST_TEST((unnamed.reason == Reason::address_unknown));

  Client silent(world, "1.1.1.1", 25);
  BOOST_TEST(passes(silent.open()));
  world.table.expire(world.mode, kNow + FlowTable::kLearningMs, world.ended);
  BOOST_TEST_REQUIRE(world.ended.size() == 1u);
  BOOST_TEST((world.ended[0].verdict.action == Action::allow && world.ended[0].verdict.denied));

  world.mode = EgressMode::off;
  const Verdict off = Client(world, "1.1.1.1", 443, 9).open();
  BOOST_TEST((off.action == Action::allow && !off.denied && !off.is_final));
}

BOOST_AUTO_TEST_CASE(denies_the_oldest_when_it_is_full) {
  World world;
  for (std::uint16_t port = 1; port <= FlowTable::kFlowsMax + 10; ++port) {
    BOOST_REQUIRE(passes(Client(world, kShared, 443, port).open()));
  }
  BOOST_TEST(world.table.size() == FlowTable::kFlowsMax);
  BOOST_TEST_REQUIRE(world.ended.size() == 10u);
  BOOST_TEST(world.ended[9].key.source_port == 10);
  BOOST_TEST(denies(world.ended[9].verdict, Reason::flow_table_full));
}

BOOST_AUTO_TEST_CASE(holds_no_more_bytes_than_its_bound) {
  World world;
  const std::string head = std::string("\x01\x00\x3f\xfc\x03\x03", 6);
  const std::string piece =
      "\x16\x03\x01" + u16(16'384) + head + std::string(16'000 - head.size(), '\x01');
  std::size_t denied = 0;
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    Client client(world, kShared, 443, port);
    BOOST_REQUIRE(passes(client.open()));
    const Verdict verdict = client.send(piece);
    if (verdict.denied) ++denied;
    BOOST_REQUIRE((passes(verdict) || denies(verdict, Reason::flow_table_full)));
  }
  BOOST_TEST(denied > 900u);
  BOOST_TEST(world.table.memory_size() <= FlowTable::kMemoryMax);
  world.table.expire(world.mode, kNow + FlowTable::kShowingMs, world.ended);
  BOOST_TEST(world.table.memory_size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
