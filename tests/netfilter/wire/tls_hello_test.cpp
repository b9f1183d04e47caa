#include "netfilter/wire/tls_hello.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(tls_hello)

using enum picortex::TlsHelloStatus;

namespace {

struct Outcome {
  TlsHelloStatus status;
  TlsHello hello;
};

// Hands the stream over in pieces of `step` bytes.
Outcome read_in_steps(const std::string& stream, std::size_t step) {
  std::vector<std::uint8_t> scratch(kTlsHelloSizeMax);
  TlsHelloReader reader;
  Outcome outcome{need_more, {}};
  for (std::size_t size = std::min(step, stream.size());;
       size = std::min(size + step, stream.size())) {
    outcome.status = reader.read(bytes_of(stream).first(size), scratch, outcome.hello);
    if (outcome.status != need_more || size == stream.size()) return outcome;
  }
}

Outcome read_whole(const std::string& stream) { return read_in_steps(stream, stream.size() + 1); }

std::string in_records(const std::string& message, std::size_t fragment_size) {
  std::string out;
  for (std::size_t at = 0; at < message.size(); at += fragment_size) {
    out += tls_record(message.substr(at, fragment_size));
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(finds_the_name_in_what_openssl_sends) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    const Outcome outcome = read_in_steps(kOpensslHello, step);
    BOOST_TEST((outcome.status == server_name));
    BOOST_TEST(outcome.hello.server_name.view() == "github.com");
    BOOST_TEST(!outcome.hello.has_encrypted_hello);
  }
}

BOOST_AUTO_TEST_CASE(needs_every_byte_of_the_hello) {
  for (std::size_t size = 0; size < kOpensslHello.size(); ++size) {
    BOOST_TEST((read_whole(kOpensslHello.substr(0, size)).status == need_more), size);
  }
}

BOOST_AUTO_TEST_CASE(puts_records_of_any_size_together) {
  const std::string message = post_quantum_hello("GitHub.com");
  for (const std::size_t fragment : {1, 2, 3, 5, 700, 1400, 16384}) {
    const std::string stream = in_records(message, fragment);
    for (const std::size_t step : {std::size_t{1}, std::size_t{1400}, stream.size()}) {
      const Outcome outcome = read_in_steps(stream, step);
      BOOST_TEST((outcome.status == server_name), fragment << " " << step);
      BOOST_TEST(outcome.hello.server_name.view() == "github.com");
    }
  }
}

BOOST_AUTO_TEST_CASE(ignores_what_follows_in_records_of_their_own) {
  BOOST_TEST((read_whole(kOpensslHello + std::string("\x17\x03\x03\x00\x05hello", 10)).status ==
              server_name));
}

BOOST_AUTO_TEST_CASE(says_when_there_is_no_name) {
  BOOST_TEST(
      (read_whole(tls_record(client_hello(extension(43, "\x02\x03\x04")))).status == no_name));
  BOOST_TEST((read_whole(tls_record(client_hello(""))).status == no_name));
}

BOOST_AUTO_TEST_CASE(knows_by_the_first_bytes_what_is_not_tls) {
  for (const std::string text : {"G", "SSH-2.0", "\x16\x02", "\x15\x03\x01", "\x80\x2e\x01"}) {
    BOOST_TEST((read_whole(text).status == not_tls));
  }
  BOOST_TEST((read_whole(std::string(1, '\0')).status == not_tls));
}

BOOST_AUTO_TEST_CASE(denies_names_that_are_no_hosts) {
  for (const std::string& name :
       {std::string(), std::string("github.com\0.evil.test", 21), std::string("1.2.3.4"),
        std::string("::1"), std::string("git hub.com"), std::string("a..b"), std::string(254, 'a'),
        std::string("github.com\r\nx"), std::string("*.github.com")}) {
    const Outcome outcome = read_whole(tls_record(client_hello(server_name_extension(name))));
    BOOST_TEST((outcome.status == malformed), name);
    BOOST_TEST(outcome.hello.server_name.empty());
  }
}

BOOST_AUTO_TEST_CASE(denies_two_names_however_they_are_put) {
  const std::string one = server_name_extension("github.com");
  BOOST_TEST(
      (read_whole(tls_record(client_hello(one + server_name_extension("evil.test")))).status ==
       malformed));
  const std::string entry = std::string(1, '\0') + u16(10) + "github.com";
  const std::string list = extension(0, u16(2 * entry.size()) + entry + entry);
  BOOST_TEST((read_whole(tls_record(client_hello(list))).status == malformed));
}

BOOST_AUTO_TEST_CASE(denies_structures_that_contradict_themselves) {
  const std::string good = client_hello(server_name_extension("github.com"));
  const auto changed = [&](std::size_t at, char value) {
    std::string bad = good;
    bad[at] = value;
    return read_whole(tls_record(bad)).status;
  };
  BOOST_TEST((changed(0, 2) == malformed));                               // a ServerHello
  BOOST_TEST((changed(3, static_cast<char>(good[3] - 1)) == malformed));  // ends before its record
  BOOST_TEST((changed(3, static_cast<char>(good[3] + 1)) == need_more));
  BOOST_TEST((changed(4, 2) == malformed));                                 // version
  BOOST_TEST((changed(38, 33) == malformed));                               // session id
  BOOST_TEST((changed(72, 3) == malformed));                                // odd cipher suites
  BOOST_TEST((changed(77, 0) == malformed));                                // no compression method
  BOOST_TEST((changed(80, static_cast<char>(good[80] + 1)) == malformed));  // extensions' size
  BOOST_TEST((read_whole(tls_record(good + 'x')).status == malformed));
  BOOST_TEST((read_whole(std::string("\x16\x03\x01\x00\x00", 5)).status == malformed));
  BOOST_TEST((read_whole("\x16\x03\x01\x40\x01").status == malformed));
  const std::string alert_between = tls_record(good.substr(0, 50)) + "\x15\x03\x01" + u16(2) +
                                    "\x01\x01" + tls_record(good.substr(50));
  BOOST_TEST((read_whole(alert_between).status == malformed));
}

BOOST_AUTO_TEST_CASE(waits_for_no_more_than_64_kib) {
  const std::string huge = client_hello(extension(21, std::string(65'450, '\0')));
  BOOST_TEST((read_whole(in_records(huge, 16'384)).status == too_long));
  const std::string claims = "\x16\x03\x01" + u16(4) + std::string("\x01\xff\xff\xff", 4);
  BOOST_TEST((read_whole(claims).status == too_long));
  // 6 bytes of stream for each byte of hello.
  const std::string crumbs = in_records(client_hello(extension(21, std::string(20'000, '\0'))), 1);
  BOOST_TEST((read_in_steps(crumbs, 997).status == too_long));
  BOOST_TEST((read_whole(in_records(client_hello(extension(21, std::string(60'000, '\0')) +
                                                 server_name_extension("github.com")),
                                    16'384))
                  .status == server_name));
}

BOOST_AUTO_TEST_CASE(reports_that_an_encrypted_hello_rides_along) {
  const Outcome outcome = read_whole(tls_record(client_hello(
      server_name_extension("outer.example") + extension(0xfe0d, std::string(200, 'e')))));
  BOOST_TEST((outcome.status == server_name));
  BOOST_TEST(outcome.hello.server_name.view() == "outer.example");
  BOOST_TEST(outcome.hello.has_encrypted_hello);
}

BOOST_AUTO_TEST_SUITE_END()
