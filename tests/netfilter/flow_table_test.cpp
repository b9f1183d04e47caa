#include "netfilter/flow_table.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr const char* kShared = "140.82.121.4";  // of github.com, example.com and others
constexpr const char* kOther = "151.101.0.223";

// An allowlist, what DNS taught, and a client that sends packets.
struct World {
  Allowlist allowlist;
  AddressTable addresses;
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

bool refuses(const Verdict& verdict, Reason reason) {
  return verdict.action == Action::reject && verdict.refused && verdict.is_final &&
         verdict.reason == reason;
}
bool passes(const Verdict& verdict) { return verdict.action == Action::pass && !verdict.refused; }
bool allows(const Verdict& verdict) {
  return verdict.action == Action::allow && !verdict.refused && verdict.is_final;
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

BOOST_AUTO_TEST_SUITE(flow_table)

BOOST_AUTO_TEST_CASE(allows_a_name_that_agrees_with_its_address) {
  World world;
  Client client(world, kShared, 443);
  const Verdict opening = client.open();
  BOOST_TEST((passes(opening) && !opening.is_final));
  const Verdict verdict = client.send(kOpensslHello);
  BOOST_TEST((passes(verdict) && verdict.is_final));
  BOOST_TEST((verdict.reason == Reason::permitted && verdict.evidence == Evidence::sni));
  BOOST_TEST(verdict.host.view() == "github.com");
  BOOST_TEST(world.allowlist.rules()[verdict.rule.value()].text == "github.com");
  BOOST_TEST(world.table.memory_size() == 0u);
  world.now_ms += 200'000;  // a slow server
  const Verdict second = client.send(kChangeCipherSpec + kFinished);
  BOOST_TEST((second.action == Action::allow && !second.is_final && !second.refused));
  BOOST_TEST(world.table.memory_size() == 0u);
  const Verdict behind = client.send("more of it, queued before the mark was set");
  BOOST_TEST((behind.action == Action::allow && !behind.is_final));
}

BOOST_AUTO_TEST_CASE(refuses_a_name_that_is_not_allowed_on_an_allowed_shared_address) {
  for (const std::string name :
       {"evil.test", "github.com.evil.test", "notgithub.com", "a.github.com"}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    const Verdict verdict = client.send(hello(name));
    BOOST_TEST(refuses(verdict, Reason::name_not_allowed));
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
    BOOST_TEST(allows(client.send(hello(name))));
  }
}

BOOST_AUTO_TEST_CASE(refuses_an_allowed_name_at_another_address) {
  World world;
  Client client(world, kOther, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(refuses(client.send(hello("github.com")), Reason::address_disagrees));
}

BOOST_AUTO_TEST_CASE(refuses_raw_addresses_and_other_ports_at_the_syn) {
  World world;
  for (const char* address : {"1.1.1.1", "2606:4700::1111", "::ffff:140.82.121.4", "127.0.0.1",
                              "169.254.169.254", "10.0.0.9"}) {
    BOOST_TEST(refuses(Client(world, address, 443).open(), Reason::address_unknown), address);
  }
  for (const std::uint16_t port : {22, 853, 8443}) {
    const Verdict verdict = Client(world, kShared, port).open();
    BOOST_TEST(refuses(verdict, Reason::port_not_listed), port);
    BOOST_TEST((verdict.evidence == Evidence::dns));
    BOOST_TEST(verdict.host.view() == "github.com");
  }
  BOOST_TEST(world.table.size() == 0u);
}

BOOST_AUTO_TEST_CASE(refuses_every_protocol_but_tcp_and_every_odd_packet) {
  World world("github.com\n140.82.121.4\n");
  for (const std::uint8_t protocol :
       {kProtocolUdp, kProtocolIcmp, kProtocolIcmpV6, kProtocolSctp}) {
    Client client(world, kShared, 443);
    client.packet.protocol = protocol;
    BOOST_TEST(refuses(client.send("data"), Reason::protocol));
  }
  for (const PacketStatus status : {PacketStatus::truncated, PacketStatus::malformed,
                                    PacketStatus::fragment, PacketStatus::source_routed}) {
    const Packet packet = Client(world, kShared, 443).packet;
    BOOST_TEST(refuses(world.table.decide({world.allowlist, world.addresses, world.mode}, status,
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
      BOOST_TEST((verdict.is_final && verdict.reason == Reason::permitted));
      BOOST_TEST(world.table.memory_size() == 0u);
    }
  }
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send(two.substr(0, 100))));
  world.now_ms += FlowTable::kShowingMs - 1;
  BOOST_TEST(allows(client.send(two.substr(100))));
}

BOOST_AUTO_TEST_CASE(decides_segments_out_of_order_and_repeated) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  const std::string stream = hello("evil.test");
  const auto send_part = [&](std::size_t at, std::size_t size) {
    Packet packet = client.packet;
    packet.tcp_sequence += static_cast<std::uint32_t>(at);
    return world.send(packet, std::string_view(stream).substr(at, size));
  };
  BOOST_TEST(passes(send_part(50, 20)));
  BOOST_TEST(passes(send_part(0, 30)));
  BOOST_TEST(passes(send_part(10, 20)));
  BOOST_TEST(passes(send_part(60, 1000)));
  BOOST_TEST(refuses(send_part(0, 1000), Reason::name_not_allowed));
}

BOOST_AUTO_TEST_CASE(refuses_a_name_that_was_sent_in_two_versions) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  const std::string stream = hello("github.com");
  BOOST_TEST(passes(world.send(client.packet, hello("evilxx.com").substr(0, stream.size() - 1))));
  BOOST_TEST(refuses(world.send(client.packet, stream), Reason::contradiction));
}

BOOST_AUTO_TEST_CASE(reads_data_that_came_with_the_syn) {
  World world;
  BOOST_TEST(allows(Client(world, kShared, 443, 1).open(hello("github.com"))));
  BOOST_TEST(
      refuses(Client(world, kShared, 443, 2).open(hello("evil.test")), Reason::name_not_allowed));
  Client client(world, kShared, 443, 3);
  const std::string stream = hello("github.com");
  BOOST_TEST(passes(client.open(stream.substr(0, 60))));
  client.packet.tcp_sequence += 60;
  BOOST_TEST(allows(client.send(stream.substr(60))));
}

BOOST_AUTO_TEST_CASE(refuses_what_never_shows_a_name) {
  const auto after_opening = [](const std::string& data) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    return client.send(data);
  };
  BOOST_TEST(refuses(after_opening(tls_record(client_hello(""))), Reason::no_name));
  BOOST_TEST(refuses(after_opening("GET / HTTP/1.0\r\n\r\n"), Reason::no_name));
  BOOST_TEST(refuses(after_opening("SSH-2.0-OpenSSH_9.2\r\n"), Reason::not_understood));
  BOOST_TEST(refuses(after_opening(hello("140.82.121.4")), Reason::not_understood));
  BOOST_TEST(refuses(after_opening("\x16\x03\x01" + u16(4) + std::string("\x01\xff\xff\xff", 4)),
                     Reason::too_long));

  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send("\x16\x03")));
  world.now_ms += FlowTable::kShowingMs;
  BOOST_TEST(refuses(client.send("\x01"), Reason::too_slow));
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
            refuses(client.send_in_pieces(between + second, step), Reason::name_not_allowed));
      }
      World world;
      Client client(world, kShared, 443);
      BOOST_TEST(passes(client.open()));
      BOOST_TEST(refuses(client.send(first + between + second), Reason::name_not_allowed));
    }
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(client.send(first).is_final);
    const Verdict same = client.send_in_pieces(between + first, 10'000);
    BOOST_TEST((same.action == Action::allow && !same.refused && !same.is_final));
  }
}

BOOST_AUTO_TEST_CASE(waits_for_no_second_hello_without_end) {
  World world;
  Client client(world, kShared, 443);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(client.send(hello_of_tls_1_3("github.com")).is_final);
  for (int i = 0; i < FlowTable::kRecordsSkippedMax; ++i) {
    BOOST_TEST(passes(client.send(kChangeCipherSpec)));
  }
  BOOST_TEST(refuses(client.send(kChangeCipherSpec), Reason::not_understood));
}

BOOST_AUTO_TEST_CASE(lets_a_handshake_of_tls_1_2_go_on_whatever_its_bytes) {
  for (const std::string& fragment :
       {std::string("\x10\x00\x00\x21\x20", 5) + std::string(32, 'k'),  // ClientKeyExchange
        "\x01" + std::string(39, 'e')}) {                               // encrypted
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(client.send(hello_of_tls_1_3("github.com")).is_final);
    const Verdict verdict = client.send(kChangeCipherSpec + tls_record(fragment));
    BOOST_TEST((verdict.action == Action::allow && !verdict.refused));
  }
}

BOOST_AUTO_TEST_CASE(refuses_a_hello_that_may_mean_another_name) {
  for (const std::size_t type : {0xfe0d, 42}) {
    World world;
    Client client(world, kShared, 443);
    BOOST_TEST(passes(client.open()));
    BOOST_TEST(refuses(client.send(hello_of_tls_1_3("github.com", extension(type, ""))),
                       Reason::hidden_name));
  }
}

BOOST_AUTO_TEST_CASE(settles_slow_flows_when_told_the_time) {
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
  BOOST_TEST(refuses(world.ended[0].verdict, Reason::too_slow));
  BOOST_TEST(world.ended[0].key.source_port == 50'000);
  const Verdict late = client.send("\x03");
  BOOST_TEST((late.action == Action::reject && !late.is_final));
  world.table.expire(world.mode, world.now_ms + FlowTable::kEndedMs, world.ended);
  BOOST_TEST(world.table.size() == 0u);
  BOOST_TEST(world.table.memory_size() == 0u);
  BOOST_TEST(refuses(client.send("\x01"), Reason::not_followed));
}

BOOST_AUTO_TEST_CASE(refuses_data_whose_beginning_it_did_not_see) {
  World world;
  BOOST_TEST(refuses(Client(world, kShared, 443).send(hello("github.com")), Reason::not_followed));
}

BOOST_AUTO_TEST_CASE(gives_a_re_used_port_no_old_verdict) {
  World world;
  Client first(world, kShared, 443);
  BOOST_TEST(passes(first.open()));
  BOOST_TEST(allows(first.send(hello("github.com"))));
  Client second(world, kShared, 443);
  second.packet.tcp_sequence = 77;
  BOOST_TEST(passes(second.open()));
  BOOST_TEST(refuses(second.send(hello("evil.test")), Reason::name_not_allowed));
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
  BOOST_TEST(refuses(last, Reason::name_not_allowed));
  BOOST_TEST(last.host.view() == "evil.test");
}

BOOST_AUTO_TEST_CASE(finds_the_second_request_of_a_packet) {
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(refuses(client.send(request("example.com") + request("evil.test")),
                     Reason::name_not_allowed));
  Client other(world, kShared, 80, 2);
  BOOST_TEST(passes(other.open()));
  BOOST_TEST(passes(other.send(request("example.com") + "GET / HT")));
  BOOST_TEST(refuses(other.send("TP/1.1\r\nHost: other.example\r\n\r\n"), Reason::port_not_listed));
}

BOOST_AUTO_TEST_CASE(refuses_http_that_hides_its_host) {
  const auto sent = [](const std::string& text) {
    World world;
    Client client(world, kShared, 80);
    BOOST_TEST(passes(client.open()));
    return client.send(text);
  };
  BOOST_TEST(refuses(sent(request("example.com:443")), Reason::not_understood));
  BOOST_TEST(
      refuses(sent(request("example.com", "Host: evil.test\r\n\r\n")), Reason::not_understood));
  BOOST_TEST(refuses(sent("CONNECT evil.test:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"),
                     Reason::not_understood));
  BOOST_TEST(refuses(sent(request("other.example")), Reason::port_not_listed));
}

BOOST_AUTO_TEST_CASE(judges_by_the_rules_as_they_are_now) {
  World world;
  Client client(world, kShared, 80);
  BOOST_TEST(passes(client.open()));
  BOOST_TEST(passes(client.send(request("example.com"))));
  world.allowlist = {};
  BOOST_TEST(refuses(client.send(request("example.com")), Reason::name_not_allowed));
  const Verdict verdict = Client(world, kShared, 443, 2).open();
  BOOST_TEST(refuses(verdict, Reason::name_not_allowed));
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
  BOOST_TEST(refuses(Client(world, "127.0.0.1", 5433).open(), Reason::port_not_listed));
  BOOST_TEST(refuses(Client(world, "127.0.0.1", 443).open(), Reason::port_not_listed));
  const Verdict by_dns = Client(world, kShared, 22).open();
  BOOST_TEST((allows(by_dns) && by_dns.evidence == Evidence::dns));
  BOOST_TEST(by_dns.host.view() == "github.com");
  Client nas(world, "10.0.0.9", 443);
  BOOST_TEST(passes(nas.open()));
  BOOST_TEST(allows(nas.send(hello("nas.example"))));
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

BOOST_AUTO_TEST_CASE(learns_what_enforce_would_refuse) {
  World world;
  world.mode = EgressMode::learn;
  Client client(world, "1.1.1.1", 443);
  BOOST_TEST(passes(client.open()));
  const Verdict named = client.send(hello("evil.test"));
  BOOST_TEST((named.action == Action::allow && named.refused && named.is_final));
  BOOST_TEST((named.reason == Reason::name_not_allowed));
  BOOST_TEST(named.host.view() == "evil.test");

  Client raw(world, "1.1.1.1", 22);
  BOOST_TEST(passes(raw.open()));
  const Verdict unnamed = raw.send("SSH-2.0\r\n");
  BOOST_TEST((unnamed.action == Action::allow && unnamed.refused));
  BOOST_TEST((unnamed.reason == Reason::address_unknown));

  Client silent(world, "1.1.1.1", 25);
  BOOST_TEST(passes(silent.open()));
  world.table.expire(world.mode, kNow + FlowTable::kOpeningMs, world.ended);
  BOOST_TEST_REQUIRE(world.ended.size() == 1u);
  BOOST_TEST((world.ended[0].verdict.action == Action::allow && world.ended[0].verdict.refused));

  world.mode = EgressMode::off;
  const Verdict off = Client(world, "1.1.1.1", 443, 9).open();
  BOOST_TEST((off.action == Action::allow && !off.refused && !off.is_final));
}

BOOST_AUTO_TEST_CASE(refuses_the_oldest_when_it_is_full) {
  World world;
  for (std::uint16_t port = 1; port <= FlowTable::kFlowsMax + 10; ++port) {
    BOOST_REQUIRE(passes(Client(world, kShared, 443, port).open()));
  }
  BOOST_TEST(world.table.size() == FlowTable::kFlowsMax);
  BOOST_TEST_REQUIRE(world.ended.size() == 10u);
  BOOST_TEST(world.ended[9].key.source_port == 10);
  BOOST_TEST(refuses(world.ended[9].verdict, Reason::crowded_out));
}

BOOST_AUTO_TEST_CASE(holds_no_more_bytes_than_its_bound) {
  World world;
  const std::string piece = "\x16\x03\x01" + u16(16'384) + std::string(16'000, '\x01');
  std::size_t refused = 0;
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    Client client(world, kShared, 443, port);
    BOOST_REQUIRE(passes(client.open()));
    const Verdict verdict = client.send(piece);
    if (verdict.refused) ++refused;
    BOOST_REQUIRE((passes(verdict) || refuses(verdict, Reason::crowded_out)));
  }
  BOOST_TEST(refused > 900u);
  BOOST_TEST(world.table.memory_size() <= FlowTable::kMemoryMax);
  world.table.expire(world.mode, kNow + FlowTable::kShowingMs, world.ended);
  BOOST_TEST(world.table.memory_size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
