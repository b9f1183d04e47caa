// Every combination of what a rule can ask of a packet, walked through the chains as they are
// generated: what is the fenced user's leaves by a verdict or an exception, and by nothing else.
#include <boost/test/unit_test.hpp>

#include "netfilter/kernel/packet_programs.h"
#include "tests/netfilter/chain_walker.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(firewall_model)

namespace {

constexpr unsigned kSyn = 0x02, kAck = 0x10, kSynAck = 0x12, kReset = 0x04, kFin = 0x11;

FirewallPlan plan(bool learns, bool meters = false) {
  return {.user = {"chat-user", {{1001, 1001}, {100000, 165535}}},
          .learns = learns,
          .meters = meters,
          .dns_port = 8753,
          .endpoints = {{*parse_ip_address("127.0.0.1"), 8787}, {*parse_ip_address("::1"), 8787}}};
}

std::vector<std::uint8_t> ip_packet(bool v6, unsigned flags, const std::string& data) {
  std::vector<std::uint8_t> bytes(v6 ? 40 : 20);
  const std::size_t size = 20 + data.size() + (v6 ? 0 : 20);
  bytes[0] = v6 ? 0x60 : 0x45;
  bytes[v6 ? 4 : 2] = static_cast<std::uint8_t>(size >> 8);
  bytes[v6 ? 5 : 3] = static_cast<std::uint8_t>(size);
  bytes[v6 ? 6 : 9] = 6;
  bytes.resize(bytes.size() + 20);
  bytes[bytes.size() - 8] = 0x50;
  bytes[bytes.size() - 7] = static_cast<std::uint8_t>(flags);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

struct Case {
  bool v6, learns, has_data;
  WalkedPacket packet;
  std::uint32_t verdict;  // 0: none comes, and --queue-bypass lets the packet on
  Owner owner_later;      // when the filter's turn comes

  bool of_user() const { return packet.owner == Owner::user || packet.owner == Owner::sub_uid; }
  bool is_tcp() const { return packet.protocol == "tcp"; }
  bool is_syn() const { return is_tcp() && (packet.flags & 0x17) == kSyn; }
};

// What becomes of the packet, and of its connection's mark, on its way out.
struct Outcome {
  bool left = false;
  bool was_queued = false;
  bool was_rejected = false;
  bool was_copied = false;
  std::uint32_t connmark = 0;
};

Outcome send(ChainWalker& walker, const Case& sent) {
  WalkedPacket packet = sent.packet;
  Outcome outcome;
  Walk walk = walker.walk("mangle", "OUTPUT", packet);
  if (walk == Walk::queued) {
    outcome.was_queued = true;
    if (sent.verdict != 0) packet.mark = sent.verdict;
    walk = Walk::on;
  }
  packet.owner = sent.owner_later;
  if (walk == Walk::on) walk = walker.walk("filter", "OUTPUT", packet);
  if (walk == Walk::on) walk = walker.walk("mangle", "POSTROUTING", packet);
  outcome.left = walk == Walk::on;
  outcome.was_rejected = walk == Walk::rejected;
  outcome.was_copied = packet.was_copied;
  outcome.connmark = packet.connmark;
  return outcome;
}

// The chain's own words for it are not used here: this is what the fence promises.
bool is_exception(const Case& sent) {
  const WalkedPacket& p = sent.packet;
  if (p.device != "lo" || !p.has_local_source) return false;
  const bool at_home = p.destination == (sent.v6 ? "::1/128" : "127.0.0.1/32");
  // What answers a datagram that the queue let pass is judged as well.
  const bool is_judged = p.protocol == "udp" && p.connmark == kMarkPending;
  if (is_judged) return false;
  return (p.is_reply && p.state != "INVALID") ||
         (at_home && p.port == 8753 && (p.protocol == "udp" || p.protocol == "tcp")) ||
         (at_home && p.port == 8787 && p.protocol == "tcp");
}

bool connection_permits(const Case& sent) {
  if (sent.is_syn()) return false;
  const std::uint32_t mark = sent.packet.connmark;
  if (mark == kMarkLearned && sent.learns) return true;
  if (!sent.is_tcp()) return false;
  const bool undecided = mark == kMarkPending || mark == kMarkJudged;
  return mark == kMarkAllowed || (undecided && !sent.has_data);
}

// A SYN that the daemon's set has marked, of a new connection and without data. The set has no
// address of loopback, nor the port of questions.
bool may_open_at_once(const Case& sent) {
  const WalkedPacket& p = sent.packet;
  return sent.of_user() && sent.is_syn() && !sent.has_data && p.mark == kMarkOpening &&
         p.connmark == 0 && !p.limit_is_reached;
}

bool verdict_permits(const Case& sent) {
  return sent.verdict == kMarkPassed || sent.verdict == kMarkAllowed ||
         sent.verdict == kMarkJudged || sent.verdict == kMarkClosed ||
         (sent.verdict == kMarkLearned && sent.learns);
}

std::string describe(const Case& sent) {
  std::ostringstream text;
  const WalkedPacket& p = sent.packet;
  text << p.protocol << " v6=" << sent.v6 << " learns=" << sent.learns << std::hex
       << " flags=" << p.flags << " data=" << sent.has_data << " owner=" << int(p.owner) << ">"
       << int(sent.owner_later) << " mark=" << p.mark << " connmark=" << p.connmark << " "
       << p.state << " reply=" << p.is_reply << " " << p.device << " " << p.destination << " "
       << std::dec << p.port << std::hex << " verdict=" << sent.verdict
       << " limit=" << p.limit_is_reached << " local=" << p.has_local_source;
  return text.str();
}

// What must hold of every packet, whatever else is true of it.
void check(ChainWalker& walker, const Case& sent) {
  const Outcome outcome = send(walker, sent);
  const WalkedPacket& p = sent.packet;
  const bool strays =
      p.device != "lo" && (p.destination == "127.0.0.1/32" || p.destination == "::1/128");
  if (strays) {
    BOOST_REQUIRE_MESSAGE(!outcome.left, "left by a device: " << describe(sent));
    return;
  }
  // A rejection quotes the packet, and goes to its source.
  BOOST_REQUIRE_MESSAGE(!outcome.was_rejected || p.has_local_source,
                        "rejected to a stranger: " << describe(sent));
  if (sent.of_user() && !p.has_local_source && !sent.learns && !connection_permits(sent)) {
    BOOST_REQUIRE_MESSAGE(!outcome.left, "left from a foreign source: " << describe(sent));
    return;
  }
  const bool denied_before =
      sent.is_tcp() && (p.flags & (kSyn | kReset)) == 0 &&
      (p.connmark == kMarkDenied || (p.connmark == kMarkLearned && !sent.learns));
  const bool opens_at_once = may_open_at_once(sent);
  BOOST_REQUIRE_MESSAGE(outcome.was_copied == opens_at_once, "copied: " << describe(sent));
  const bool may_leave =
      connection_permits(sent) || opens_at_once || (outcome.was_queued && verdict_permits(sent));
  if (opens_at_once) {
    BOOST_REQUIRE_MESSAGE(!outcome.was_queued && outcome.left, "waited: " << describe(sent));
    BOOST_REQUIRE_MESSAGE(outcome.connmark == kMarkPending, "opened: " << describe(sent));
  }
  if (sent.of_user()) {
    const bool at_exception = is_exception(sent) && !denied_before;
    BOOST_REQUIRE_MESSAGE(!outcome.left || may_leave || at_exception, "left: " << describe(sent));
    if (at_exception && !outcome.was_queued) {
      BOOST_REQUIRE_MESSAGE(outcome.left, "stayed: " << describe(sent));
    }
    // Nothing that is left over from its port's last connection permits a new one.
    const bool opens = sent.is_syn() && outcome.was_queued && outcome.left;
    BOOST_REQUIRE_MESSAGE(
        !opens || outcome.connmark == (sent.verdict == kMarkPassed   ? kMarkPending
                                       : sent.verdict == kMarkClosed ? kMarkDenied
                                                                     : sent.verdict),
        "opened as " << outcome.connmark << ": " << describe(sent));
    return;
  }
  // Other users' packets are denied only where their owner cannot be known.
  const bool is_stream = sent.is_tcp() && (p.flags & (kSyn | kReset)) == 0;
  const bool is_unowned = p.owner == Owner::none && is_stream && sent.has_data &&
                          (p.state == "INVALID" || p.state == "NEW" || p.connmark == kMarkMidway);
  const bool is_undecided =
      sent.is_tcp() && (p.connmark == kMarkPending || p.connmark == kMarkJudged);
  const bool must_leave =
      connection_permits(sent) || !(denied_before || is_unowned || is_undecided);
  if (must_leave) BOOST_REQUIRE_MESSAGE(outcome.left, "another's: " << describe(sent));
  if (is_unowned && !may_leave) {
    BOOST_REQUIRE_MESSAGE(!outcome.left, "unowned: " << describe(sent));
  }
}

const std::vector<std::uint32_t> kConnmarks{0,           kMarkPending, kMarkAllowed, kMarkDenied,
                                            kMarkMidway, kMarkLearned, kMarkJudged};
const std::vector<std::uint32_t> kVerdicts{0,           kMarkPassed,  kMarkJudged, kMarkAllowed,
                                           kMarkDenied, kMarkLearned, kMarkClosed};

// A sanitizer makes each walk several times slower, and sees the same code in a sample of them. 11
// is no divisor of any loop's length, so the sample has each value of each of them.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kStride = 11;
#else
constexpr std::size_t kStride = 1;
#endif

void check_all(ChainWalker& walker, Case sent, std::size_t& count) {
  for (const Owner owner : {Owner::user, Owner::sub_uid, Owner::other, Owner::none}) {
    // What a packet's mark was before does not matter; a source that is not local comes with one.
    for (const std::uint32_t mark : {0u, kMarkPassed, kMarkAllowed, kMarkOpening, 0x10u}) {
      for (const std::uint32_t connmark : kConnmarks) {
        for (const char* state : {"NEW", "ESTABLISHED", "RELATED", "INVALID"}) {
          for (const std::uint32_t verdict : kVerdicts) {
            for (const Owner later : {owner, Owner::none}) {
              sent.packet.has_local_source = mark != kMarkPassed;
              sent.packet.owner = owner;
              sent.packet.mark = mark;
              sent.packet.connmark = connmark;
              sent.packet.state = state;
              sent.verdict = verdict;
              sent.owner_later = later;
              if (++count % kStride == 0) check(walker, sent);
            }
          }
        }
      }
    }
  }
}

// The destinations, devices and directions of one kind of packet.
void check_places(ChainWalker& walker, Case sent, std::size_t& count) {
  const std::string home = sent.v6 ? "::1/128" : "127.0.0.1/32";
  const std::string away = sent.v6 ? "2001:db8::9/128" : "203.0.113.9/32";
  struct Place {
    std::string device, destination;
    int port;
    bool is_reply;
  };
  for (const Place& place : {Place{"eth0", away, 443, false}, Place{"eth0", away, 443, true},
                             Place{"eth0", away, 8753, false}, Place{"lo", home, 8753, false},
                             Place{"eth0", home, 8753, false}, Place{"lo", home, 8787, false},
                             Place{"lo", home, 5432, false}, Place{"lo", home, 5432, true},
                             Place{"eth0", away, 53, false}}) {
    sent.packet.device = place.device;
    sent.packet.destination = place.destination;
    sent.packet.port = place.port;
    sent.packet.is_reply = place.is_reply;
    check_all(walker, sent, count);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_of_the_users_leaves_without_a_verdict_or_an_exception) {
  std::size_t count = 0;
  for (const bool v6 : {false, true}) {
    for (const bool learns : {false, true}) {
      ChainWalker walker(firewall_chains(plan(learns), v6));
      for (const char* protocol : {"udp", "udplite", v6 ? "ipv6-icmp" : "icmp", "sctp", "253"}) {
        for (const bool limited : {false, true}) {
          Case sent{.v6 = v6,
                    .learns = learns,
                    .has_data = true,
                    .packet = {},
                    .verdict = 0,
                    .owner_later = Owner::none};
          sent.packet.protocol = protocol;
          sent.packet.flags = 0;
          sent.packet.limit_is_reached = limited;
          check_places(walker, sent, count);
        }
      }
      for (const unsigned flags : {kSyn, kSynAck, kAck, kReset, kFin}) {
        for (const bool has_data : {false, true}) {
          Case sent{.v6 = v6,
                    .learns = learns,
                    .has_data = has_data,
                    .packet = {},
                    .verdict = 0,
                    .owner_later = Owner::none};
          sent.packet.flags = flags;
          sent.packet.bytes = ip_packet(v6, flags, has_data ? "data" : "");
          check_places(walker, sent, count);
        }
      }
    }
  }
  BOOST_TEST_MESSAGE(count << " combinations");
  BOOST_TEST(count > 100'000u);
}

BOOST_AUTO_TEST_CASE(only_the_first_bare_syn_of_a_connection_opens_it_at_once) {
  for (const bool v6 : {false, true}) {
    for (const bool meters : {false, true}) {
      ChainWalker walker(firewall_chains(plan(false, meters), v6));
      const auto walk = [&](WalkedPacket& packet) {
        return walker.walk("mangle", "OUTPUT", packet);
      };
      WalkedPacket first;
      first.flags = kSyn;
      first.mark = kMarkOpening;
      first.has_multipath = true;
      first.bytes = ip_packet(v6, kSyn, "");
      WalkedPacket packet = first;
      BOOST_TEST((walk(packet) == Walk::on));
      BOOST_TEST(packet.was_copied);
      BOOST_TEST(packet.mark == kMarkPassed);
      BOOST_TEST(!packet.has_multipath);
      BOOST_TEST((walker.walk("filter", "OUTPUT", packet) == Walk::on));
      BOOST_TEST(packet.connmark == kMarkPending);

      const auto waits = [&](auto change) {
        WalkedPacket other = first;
        change(other);
        BOOST_TEST((walk(other) == Walk::queued));
        BOOST_TEST(!other.was_copied);
        BOOST_TEST(other.mark == kMarkDenied);
        BOOST_TEST(!other.has_multipath);
      };
      waits([](WalkedPacket& p) { p.mark = 0; });
      waits([](WalkedPacket& p) { p.limit_is_reached = true; });
      waits([&](WalkedPacket& p) { p.bytes = ip_packet(v6, kSyn, "data"); });
      waits([&](WalkedPacket& p) { p.bytes[v6 ? 6 : 0] = v6 ? 0 : 0x46; });  // options
      for (const std::uint32_t mark : kConnmarks) {
        if (mark != 0) waits([mark](WalkedPacket& p) { p.connmark = mark; });
      }
      if (meters) waits([](WalkedPacket& p) { p.connmark = kMarkMetered; });

      // Nothing but the daemon's set makes the mark, and only on the user's packets does it count.
      WalkedPacket foreign = first;
      BOOST_TEST((walker.walk("raw", "OUTPUT", foreign) == Walk::on));
      BOOST_TEST(foreign.mark == 0u);
      WalkedPacket others = first;
      others.owner = Owner::other;
      BOOST_TEST((walk(others) == Walk::on));
      BOOST_TEST(others.mark == 0u);
      BOOST_TEST(!others.was_copied);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_question_arrives_at_the_proxy_or_nowhere) {
  for (const bool v6 : {false, true}) {
    ChainWalker walker(firewall_chains(plan(false), v6));
    for (const char* protocol : {"udp", "tcp"}) {
      WalkedPacket packet;
      packet.protocol = protocol;
      packet.port = 53;
      BOOST_TEST((walker.walk("mangle", "OUTPUT", packet) == Walk::on));
      BOOST_TEST(packet.mark == kMarkQuestion);
      packet.owner = Owner::none;
      WalkedPacket astray = packet;
      BOOST_TEST((walker.walk("filter", "OUTPUT", astray) == Walk::rejected));
      packet.destination = v6 ? "::1/128" : "127.0.0.1/32";  // nat redirected it
      packet.port = 8753;
      BOOST_TEST((walker.walk("filter", "OUTPUT", packet) == Walk::on));
    }
  }
}

BOOST_AUTO_TEST_CASE(every_datagram_between_the_users_sockets_is_queued) {
  for (const bool v6 : {false, true}) {
    ChainWalker walker(firewall_chains(plan(false), v6));
    for (const bool is_reply : {false, true}) {
      WalkedPacket packet;
      packet.protocol = "udp";
      packet.device = "lo";
      packet.destination = v6 ? "::1/128" : "127.0.0.1/32";
      packet.port = 5432;
      for (int i = 0; i < 2; ++i) {
        packet.is_reply = is_reply && i > 0;
        BOOST_TEST((walker.walk("mangle", "OUTPUT", packet) == Walk::queued));
        packet.mark = kMarkPassed;
        BOOST_TEST((walker.walk("filter", "OUTPUT", packet) == Walk::on));
        BOOST_TEST(packet.connmark == kMarkPending);
        packet.mark = 0;
      }
      packet.limit_is_reached = true;
      BOOST_TEST((walker.walk("mangle", "OUTPUT", packet) == Walk::on));
      BOOST_TEST((walker.walk("filter", "OUTPUT", packet) == Walk::rejected));
    }
  }
}

BOOST_AUTO_TEST_CASE(no_error_carries_an_answer_of_the_proxy_away) {
  const auto error = [](bool v6, std::uint8_t hops, std::uint8_t port, std::uint8_t type) {
    const std::size_t head = v6 ? 40 : 20;
    std::vector<std::uint8_t> bytes(2 * head + 16);
    bytes[0] = v6 ? 0x60 : 0x45;
    bytes[v6 ? 6 : 9] = v6 ? 58 : 1;
    bytes[head] = type;
    std::uint8_t* quoted = bytes.data() + head + 8;
    quoted[0] = bytes[0];
    quoted[v6 ? 6 : 9] = 17;
    quoted[v6 ? 7 : 8] = hops;
    quoted[head + 1] = port;
    return bytes;
  };
  for (const bool v6 : {false, true}) {
    ChainWalker walker(firewall_chains(plan(false), v6));
    const std::uint8_t unreachable = v6 ? 1 : 3;
    const auto leaves = [&](std::vector<std::uint8_t> bytes) {
      WalkedPacket packet;
      packet.protocol = v6 ? "ipv6-icmp" : "icmp";
      packet.owner = Owner::none;
      packet.bytes = std::move(bytes);
      return walker.walk("mangle", "POSTROUTING", packet) == Walk::on;
    };
    BOOST_TEST(!leaves(error(v6, kDnsAnswerHops, 53, unreachable)));
    BOOST_TEST(leaves(error(v6, 64, 53, unreachable)));
    BOOST_TEST(leaves(error(v6, kDnsAnswerHops, 54, unreachable)));
    BOOST_TEST(leaves(error(v6, kDnsAnswerHops, 53, 8)));
  }
}

BOOST_AUTO_TEST_CASE(no_connection_of_the_users_has_several_paths) {
  ChainWalker walker(firewall_chains(plan(false), false));
  for (const unsigned flags : {kSyn, kSynAck}) {
    for (const char* device : {"eth0", "lo"}) {
      WalkedPacket packet;
      packet.flags = flags;
      packet.has_multipath = true;
      packet.device = device;
      packet.is_reply = flags == kSynAck;
      packet.bytes = ip_packet(false, flags, "");
      walker.walk("mangle", "OUTPUT", packet);
      BOOST_TEST(!packet.has_multipath);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_judged_connection_is_allowed_by_the_servers_plain_hello_alone) {
  const std::string plain =
      std::string("\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03", 11) + std::string(80, 'r');
  const std::string retry = std::string("\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03", 11) +
                            "\xcf\x21\xad\x74" + std::string(76, 'r');
  const std::string warning("\x15\x03\x03\x00\x02\x01\x70", 7);
  for (const bool v6 : {false, true}) {
    ChainWalker walker(firewall_chains(plan(false), v6));
    const auto connmark_after = [&](const std::string& data, std::uint32_t before, bool is_reply) {
      WalkedPacket packet;
      packet.owner = Owner::none;
      packet.connmark = before;
      packet.is_reply = is_reply;
      packet.bytes = ip_packet(v6, kAck, data);
      BOOST_TEST((walker.walk("mangle", "INPUT", packet) == Walk::on));
      return packet.connmark;
    };
    for (const std::string& data : {plain, plain.substr(0, 15), warning + plain}) {
      BOOST_TEST(connmark_after(data, kMarkJudged, true) == kMarkAllowed);
      BOOST_TEST(connmark_after(data, kMarkJudged, false) == kMarkJudged);
      for (const std::uint32_t other : {0u, kMarkPending, kMarkDenied, kMarkMidway}) {
        BOOST_TEST(connmark_after(data, other, true) == other);
      }
    }
    for (const std::string& data : {retry, warning + retry, warning, plain.substr(0, 14),
                                    std::string(), "\x17" + plain.substr(1), "x" + plain}) {
      BOOST_TEST(connmark_after(data, kMarkJudged, true) == kMarkJudged);
    }
  }
}

BOOST_AUTO_TEST_CASE(budgets_open_nothing) {
  std::size_t count = 0;
  for (const bool v6 : {false, true}) {
    for (const bool learns : {false, true}) {
      ChainWalker walker(firewall_chains(plan(learns, true), v6));
      for (const unsigned flags : {kSyn, kAck}) {
        for (const bool has_data : {false, true}) {
          Case sent{.v6 = v6,
                    .learns = learns,
                    .has_data = has_data,
                    .packet = {},
                    .verdict = 0,
                    .owner_later = Owner::none};
          sent.packet.flags = flags;
          sent.packet.bytes = ip_packet(v6, flags, has_data ? "data" : "");
          sent.packet.destination = v6 ? "2001:db8::9/128" : "203.0.113.9/32";
          check_all(walker, sent, count);
        }
      }
    }
  }
  BOOST_TEST_MESSAGE(count << " combinations");
  BOOST_TEST(count > 0u);
}

BOOST_AUTO_TEST_CASE(the_data_of_a_metered_connection_leaves_by_a_verdict_alone) {
  for (const bool v6 : {false, true}) {
    ChainWalker walker(firewall_chains(plan(false, true), v6));
    // Without an owner as well: a closed socket's retransmissions.
    for (const Owner owner : {Owner::user, Owner::none}) {
      for (const std::uint32_t verdict : {0u, kMarkPassed, kMarkDenied}) {
        for (const bool has_data : {false, true}) {
          Case sent{.v6 = v6,
                    .learns = false,
                    .has_data = has_data,
                    .packet = {},
                    .verdict = verdict == 0 ? 0 : verdict | kMarkMetered,
                    .owner_later = owner};
          sent.packet.owner = owner;
          sent.packet.connmark = kMarkAllowed | kMarkMetered;
          sent.packet.bytes = ip_packet(v6, kAck, has_data ? "data" : "");
          const Outcome outcome = send(walker, sent);
          BOOST_TEST(outcome.was_queued == has_data);
          BOOST_TEST(outcome.left == (!has_data || verdict == kMarkPassed));
          BOOST_TEST(outcome.was_rejected == !outcome.left);
          BOOST_TEST(outcome.connmark ==
                     ((outcome.left ? kMarkAllowed : kMarkDenied) | kMarkMetered));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_verdict_makes_a_connection_metered_and_the_servers_hello_leaves_it_so) {
  for (const bool v6 : {false, true}) {
    ChainWalker walker(firewall_chains(plan(false, true), v6));
    Case sent{.v6 = v6,
              .learns = false,
              .has_data = true,
              .packet = {},
              .verdict = kMarkJudged | kMarkMetered,
              .owner_later = Owner::user};
    // The bit does not count when it was set ahead of the queue.
    sent.packet.mark = kMarkMetered | kMarkAllowed;
    sent.packet.connmark = kMarkPending;
    sent.packet.bytes = ip_packet(v6, kAck, "data");
    WalkedPacket queued = sent.packet;
    BOOST_TEST((walker.walk("mangle", "OUTPUT", queued) == Walk::queued));
    BOOST_TEST(queued.mark == kMarkDenied);
    BOOST_TEST(send(walker, sent).connmark == (kMarkJudged | kMarkMetered));

    WalkedPacket hello;
    hello.owner = Owner::none;
    hello.connmark = kMarkJudged | kMarkMetered;
    hello.is_reply = true;
    hello.bytes = ip_packet(
        v6, kAck,
        std::string("\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03", 11) + std::string(80, 'r'));
    walker.walk("mangle", "INPUT", hello);
    BOOST_TEST(hello.connmark == (kMarkAllowed | kMarkMetered));

    // The next connection on the port begins without it.
    sent.packet.flags = kSyn;
    sent.packet.connmark = kMarkAllowed | kMarkMetered;
    sent.packet.bytes = ip_packet(v6, kSyn, "");
    sent.verdict = kMarkPassed;
    BOOST_TEST(send(walker, sent).connmark == kMarkPending);
  }
}

BOOST_AUTO_TEST_CASE(only_bare_acknowledgements_pass_the_queue_by) {
  for (const bool v6 : {false, true}) {
    const std::string program(v6 ? kNoDataV6 : kNoDataV4);
    BOOST_TEST(run_bpf(program, ip_packet(v6, kAck, "")));
    BOOST_TEST(!run_bpf(program, ip_packet(v6, kAck, "x")));
    BOOST_TEST(!run_bpf(program, ip_packet(v6, kAck | 0x20, "")));
    auto with_options = ip_packet(v6, kAck, "");
    with_options[v6 ? 6 : 0] = v6 ? 0 : 0x46;
    BOOST_TEST(!run_bpf(program, with_options));
  }
}

BOOST_AUTO_TEST_CASE(a_port_on_which_the_user_listens_answers_like_a_closed_one) {
  ChainWalker walker(firewall_chains(plan(false), false));
  WalkedPacket packet;
  packet.flags = kSynAck;
  packet.is_reply = true;
  packet.bytes = ip_packet(false, kSynAck, "");
  BOOST_TEST((walker.walk("mangle", "OUTPUT", packet) == Walk::queued));
  packet.mark = kMarkClosed;
  BOOST_TEST((walker.walk("filter", "OUTPUT", packet) == Walk::on));
  BOOST_TEST(packet.connmark == kMarkDenied);
  WalkedPacket again = packet;  // by the kernel's own timer: ended here, and not answered
  BOOST_TEST((walker.walk("mangle", "OUTPUT", again) == Walk::on));
  BOOST_TEST((walker.walk("filter", "OUTPUT", again) == Walk::rejected));
  WalkedPacket knock = packet;
  knock.owner = Owner::none;
  knock.flags = kSyn;
  knock.is_reply = false;
  BOOST_TEST((walker.walk("mangle", "INPUT", knock) == Walk::on));
  BOOST_TEST(knock.connmark == kMarkMidway);
}

BOOST_AUTO_TEST_SUITE_END()
