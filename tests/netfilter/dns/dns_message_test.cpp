#include "netfilter/dns/dns_message.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(dns_message)

namespace {

std::string u32(std::uint32_t value) { return u16(value >> 16) + u16(value & 0xffff); }

std::string wire(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size()) + std::string(label);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return out + '\0';
}

std::string header(std::size_t flags, std::size_t questions, std::size_t answers,
                   std::size_t additionals = 0) {
  return u16(0xbeef) + u16(flags) + u16(questions) + u16(answers) + u16(0) + u16(additionals);
}

std::string question(std::string_view name, std::size_t type = 1) {
  return wire(name) + u16(type) + u16(1);
}

std::string record(const std::string& owner, std::size_t type, std::uint32_t ttl,
                   const std::string& data) {
  return owner + u16(type) + u16(1) + u32(ttl) + u16(data.size()) + data;
}

std::string opt(std::size_t payload_size, std::uint32_t ttl = 0) {
  return std::string(1, '\0') + u16(41) + u16(payload_size) + u32(ttl) + u16(0);
}

DnsQueryStatus status_of(const std::string& message) {
  DnsQuery query;
  return parse_dns_query(bytes_of(message), query);
}

struct Outcome {
  DnsAnswerStatus status;
  DnsAnswer answer;
};

Outcome read_answer(const std::string& message, const char* name = "a.example",
                    std::uint16_t type = 1) {
  Outcome outcome;
  outcome.status = parse_dns_answer(bytes_of(message), 0xbeef, HostName::parse(name).value(), type,
                                    outcome.answer);
  return outcome;
}

const std::string kAsked = "\xc0\x0c";
const std::string kAddress = from_hex("8c527904");

}  // namespace

using enum DnsQueryStatus;

BOOST_AUTO_TEST_CASE(reads_a_query_with_edns) {
  const std::string message =
      header(0x0120, 1, 0, 1) + question("GitHub.com", 28) + opt(4096, 0x8000);
  DnsQuery query;
  BOOST_TEST((parse_dns_query(bytes_of(message), query) == DnsQueryStatus::query));
  BOOST_TEST(query.id == 0xbeef);
  BOOST_TEST(query.name.view() == "github.com");
  BOOST_TEST(query.type == kDnsTypeAaaa);
  BOOST_TEST(query.payload_size == 4096);
  BOOST_TEST((query.recursion_desired && query.has_edns && query.dnssec_ok));
  BOOST_TEST(query.question.size() == question("GitHub.com").size());
}

BOOST_AUTO_TEST_CASE(reads_names_that_are_no_hosts_as_none) {
  for (const std::string& name :
       {std::string(1, '\0'),
        std::string("\x04"
                    "a\0b.\x03"
                    "com\0",
                    10),
        std::string("\x0agithub.com\x00", 12), std::string("\x03 \t\n\0", 5)}) {
    DnsQuery query;
    const std::string message = header(0x0100, 1, 0) + name + u16(1) + u16(1);
    BOOST_TEST((parse_dns_query(bytes_of(message), query) == DnsQueryStatus::query));
    BOOST_TEST(query.name.empty());
    BOOST_TEST(!query.question.empty());
  }
}

BOOST_AUTO_TEST_CASE(denies_queries_that_are_not_one_plain_question) {
  const std::string good = question("a.example");
  BOOST_TEST((status_of("") == drop));
  BOOST_TEST((status_of(header(0x8100, 1, 0) + good) == drop));
  BOOST_TEST((status_of(header(0x2800, 1, 0) + good) == not_implemented));
  BOOST_TEST((status_of(header(0x0100, 0, 0)) == format_error));
  BOOST_TEST((status_of(header(0x0100, 2, 0) + good + good) == format_error));
  BOOST_TEST(
      (status_of(header(0x0100, 1, 1) + good + record(kAsked, 1, 1, kAddress)) == format_error));
  BOOST_TEST((status_of(header(0x0100, 1, 0) + kAsked + u16(1) + u16(1)) == format_error));
  BOOST_TEST((status_of(header(0x0100, 1, 0) +
                        "\x01"
                        "a\xc0\x0c" +
                        u16(1) + u16(1)) == format_error));
  BOOST_TEST((status_of(header(0x0100, 1, 0) + "\x41" + std::string(80, 'a')) == format_error));
  BOOST_TEST((status_of(header(0x0100, 1, 0, 2) + good + opt(512) + opt(512)) == format_error));
  BOOST_TEST((status_of(header(0x0100, 1, 0, 1) + good + opt(512, 0x10000)) == bad_version));
  BOOST_TEST((status_of(header(0x0100, 1, 0, 17) + good) == format_error));
  std::string label = '\x3f' + std::string(63, 'a');
  const std::string longest = label + label + label + '\x3d' + std::string(61, 'a') + '\0';
  BOOST_TEST(
      (status_of(header(0x0100, 1, 0) + longest + u16(1) + u16(1)) == DnsQueryStatus::query));
  const std::string longer = label + label + label + '\x3e' + std::string(62, 'a') + '\0';
  BOOST_TEST((status_of(header(0x0100, 1, 0) + longer + u16(1) + u16(1)) == format_error));
  const std::string whole = header(0x0100, 1, 0, 1) + good + opt(512);
  for (std::size_t size = 12; size < whole.size(); ++size) {
    BOOST_TEST((status_of(whole.substr(0, size)) == format_error), size);
  }
}

BOOST_AUTO_TEST_CASE(answers_with_the_question_echoed_and_the_addresses_of_its_family) {
  const std::string message = header(0x0100, 1, 0, 1) + question("a.Example") + opt(4096);
  DnsQuery query;
  BOOST_TEST((parse_dns_query(bytes_of(message), query) == DnsQueryStatus::query));
  const IpAddress addresses[] = {parse_ip_address("140.82.121.4").value(),
                                 parse_ip_address("2001:db8::1").value()};
  std::string out;
  append_dns_answer(out, query, {.addresses = addresses, .ttl_s = 60}, 1232);
  BOOST_TEST(out == header(0x8180, 1, 1, 1) + question("a.Example") +
                        record(kAsked, 1, 60, kAddress) + opt(1232));
  const Outcome outcome = read_answer(out);
  BOOST_TEST((outcome.status == DnsAnswerStatus::answer));
  BOOST_TEST(outcome.answer.address_count == 1u);
}

BOOST_AUTO_TEST_CASE(answers_errors_no_data_and_what_does_not_fit) {
  const std::string plain = header(0x0100, 1, 0) + question("a.example");
  DnsQuery query;
  BOOST_TEST((parse_dns_query(bytes_of(plain), query) == DnsQueryStatus::query));
  const auto answer = [&](DnsRcode rcode, std::span<const IpAddress> addresses,
                          std::size_t size_max) {
    std::string out;
    append_dns_answer(out, query, {.rcode = rcode, .addresses = addresses, .ttl_s = 60}, size_max);
    return out;
  };
  const std::vector<IpAddress> addresses(40, parse_ip_address("140.82.121.4").value());
  BOOST_TEST(answer(DnsRcode::name_error, {}, 512) == header(0x8183, 1, 0) + question("a.example"));
  BOOST_TEST(answer(DnsRcode::name_error, addresses, 512) == answer(DnsRcode::name_error, {}, 512));
  BOOST_TEST(answer(DnsRcode::no_error, {}, 512) == header(0x8180, 1, 0) + question("a.example"));
  BOOST_TEST(answer(DnsRcode::no_error, addresses, 512) ==
             header(0x8380, 1, 0) + question("a.example"));
  BOOST_TEST(answer(DnsRcode::no_error, addresses, 65'535).size() == plain.size() + 40 * 16);
  query.type = 16;
  BOOST_TEST(answer(DnsRcode::no_error, addresses, 512) ==
             header(0x8180, 1, 0) + question("a.example"));
  query.has_edns = true;
  BOOST_TEST(answer(DnsRcode::bad_version, {}, 512) ==
             header(0x8180, 1, 0, 1) + question("a.example") + opt(1232, 0x01000000));
  DnsQuery none;
  std::string out;
  append_dns_answer(out, none, {.rcode = DnsRcode::format_error}, 512);
  BOOST_TEST(out.size() == 12u);
}

BOOST_AUTO_TEST_CASE(an_extended_error_is_for_clients_with_edns_and_never_enlarges_the_answer) {
  const auto answer = [](const std::string& message, std::string_view text, std::size_t size_max) {
    DnsQuery query;
    BOOST_TEST((parse_dns_query(bytes_of(message), query) == DnsQueryStatus::query));
    std::string out;
    append_dns_answer(out, query,
                      {.rcode = DnsRcode::name_error, .error = ExtendedDnsError{.text = text}},
                      size_max);
    return out;
  };
  const auto opt_with = [](const std::string& options) {
    const std::string record = opt(1232);
    return record.substr(0, record.size() - 2) + u16(options.size()) + options;
  };
  const std::string plain = header(0x0100, 1, 0) + question("a.example");
  const std::string head = header(0x8183, 1, 0, 1) + question("a.example");
  BOOST_TEST(answer(plain, "why", 512) == header(0x8183, 1, 0) + question("a.example"));
  const std::string asked = header(0x0100, 1, 0, 1) + question("a.example") + opt(1232);
  const std::string whole = head + opt_with(u16(15) + u16(5) + u16(15) + "why");
  BOOST_TEST(answer(asked, "why", 512) == whole);
  BOOST_TEST(answer(asked, "why", whole.size()) == whole);
  const std::string code_only = head + opt_with(u16(15) + u16(2) + u16(15));
  BOOST_TEST(answer(asked, "why", whole.size() - 1) == code_only);
  BOOST_TEST(answer(asked, std::string(2000, 'x'), 512) == code_only);
  BOOST_TEST(answer(asked, "why", code_only.size() - 1) == head + opt(1232));
}

BOOST_AUTO_TEST_CASE(asks_upstream_for_the_name_alone) {
  std::string out;
  append_dns_query(out, 0xbeef, HostName::parse("A.Example").value(), 28);
  BOOST_TEST(out == header(0x0100, 1, 0, 1) + question("a.example", 28) + opt(1232));
}

BOOST_AUTO_TEST_CASE(follows_the_chain_in_any_order_and_takes_its_least_ttl) {
  const std::string edge = wire("edge.cdn.test");
  const std::string message = header(0x8180, 1, 4) + question("a.example") +
                              record(edge, 1, 300, kAddress) +
                              record(kAsked, 5, 200, wire("b.cdn.test")) +
                              record(wire("other.test"), 1, 1, from_hex("01010101")) +
                              record(wire("B.cdn.test"), 5, 250, edge);
  const Outcome outcome = read_answer(message);
  BOOST_TEST((outcome.status == DnsAnswerStatus::answer));
  BOOST_TEST_REQUIRE(outcome.answer.address_count == 1u);
  BOOST_TEST(to_string(outcome.answer.addresses[0]) == "140.82.121.4");
  BOOST_TEST(outcome.answer.ttl_s == 200u);
}

BOOST_AUTO_TEST_CASE(keeps_the_ttl_between_floor_and_ceiling) {
  const auto ttl_of = [](std::uint32_t ttl) {
    return read_answer(header(0x8180, 1, 1) + question("a.example") +
                       record(kAsked, 1, ttl, kAddress))
        .answer.ttl_s;
  };
  BOOST_TEST(ttl_of(0) == DnsAnswer::kTtlFloorS);
  BOOST_TEST(ttl_of(100) == 100u);
  BOOST_TEST(ttl_of(86'400) == DnsAnswer::kTtlCeilingS);
  BOOST_TEST(ttl_of(0xffffffff) == DnsAnswer::kTtlFloorS);
}

BOOST_AUTO_TEST_CASE(takes_no_answer_to_another_question) {
  const std::string records = record(kAsked, 1, 60, kAddress);
  for (const std::string& message :
       {std::string(), header(0x0180, 1, 1) + question("a.example") + records,
        header(0x8180, 1, 1) + question("b.example") + records,
        header(0x8180, 1, 1) + question("a.example", 28) + records, header(0x8180, 0, 1) + records,
        u16(0xdead) + header(0x8180, 1, 1).substr(2) + question("a.example") + records}) {
    BOOST_TEST((read_answer(message).status == DnsAnswerStatus::mismatch));
  }
}

BOOST_AUTO_TEST_CASE(passes_on_no_data_errors_and_truncation) {
  BOOST_TEST(read_answer(header(0x8180, 1, 0) + question("a.example")).answer.address_count == 0u);
  BOOST_TEST((read_answer(header(0x8183, 1, 0) + question("a.example")).answer.rcode ==
              DnsRcode::name_error));
  const Outcome cut = read_answer(header(0x8380, 1, 9) + question("a.example"));
  BOOST_TEST((cut.status == DnsAnswerStatus::answer && cut.answer.truncated));
}

BOOST_AUTO_TEST_CASE(ends_at_loops_long_chains_and_broken_records) {
  const std::string start = question("a.example");
  const auto malformed = [&](std::size_t count, const std::string& records) {
    return read_answer(header(0x8180, 1, count) + start + records).status ==
           DnsAnswerStatus::malformed;
  };
  BOOST_TEST(malformed(1, record(kAsked, 5, 60, kAsked)));
  BOOST_TEST(
      malformed(2, record(kAsked, 5, 60, wire("b.test")) + record(wire("b.test"), 5, 60, kAsked)));
  std::string chain = record(kAsked, 5, 60, wire("n0.test"));
  for (int i = 0; i < 20; ++i) {
    chain += record(wire("n" + std::to_string(i) + ".test"), 5, 60,
                    wire("n" + std::to_string(i + 1) + ".test"));
  }
  BOOST_TEST(malformed(21, chain));
  BOOST_TEST(malformed(1, record(kAsked, 1, 60, "abc")));
  BOOST_TEST(malformed(1, record(kAsked, 5, 60, wire("b.test") + "x")));
  BOOST_TEST(malformed(1, record("\xc0\x1b", 1, 60, kAddress)));  // a pointer to itself
  BOOST_TEST(malformed(1, record("\xc0\xff", 1, 60, kAddress)));
  BOOST_TEST(malformed(2, record(kAsked, 1, 60, kAddress)));
  BOOST_TEST(malformed(300, record(kAsked, 1, 60, kAddress)));
  BOOST_TEST(malformed(2, record(kAsked, 5, 60, wire("b.test")) + record(kAsked, 1, 60, kAddress)));
}

BOOST_AUTO_TEST_CASE(takes_64_addresses_of_more) {
  std::string message = header(0x8180, 1, 200) + question("a.example");
  for (int i = 0; i < 200; ++i) message += record(kAsked, 1, 60, kAddress);
  BOOST_TEST(read_answer(message).answer.address_count == DnsAnswer::kAddressesMax);
}

BOOST_AUTO_TEST_SUITE_END()
