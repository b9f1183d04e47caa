#include "netfilter/wire/tls_name_scanner.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(tls_name_scanner)

namespace {

// Feeds the message in pieces of `step` bytes.
TlsNameScanner scan(const std::string& message, std::size_t step) {
  TlsNameScanner scanner;
  for (std::size_t at = 0; at < message.size(); at += step) {
    scanner.feed(bytes_of(message.substr(at, step)));
  }
  return scanner;
}

}  // namespace

BOOST_AUTO_TEST_CASE(finds_the_name_however_the_message_is_cut) {
  for (const std::string& message : {client_hello(server_name_extension("github.com")),
                                     post_quantum_hello("github.com"), kOpensslHello.substr(5)}) {
    for (const std::size_t step : {1, 2, 3, 7, 1400, 9000}) {
      const TlsNameScanner scanner = scan(message, step);
      BOOST_TEST(!scanner.is_malformed());
      BOOST_TEST(scanner.begun() == "github.com", step);
      BOOST_TEST(scanner.name_size() == 10u);
    }
  }
}

BOOST_AUTO_TEST_CASE(shows_the_bytes_that_have_arrived) {
  const std::string message = client_hello(server_name_extension("GitHub.com"));
  const std::size_t name = message.find("GitHub.com");
  for (std::size_t size = 0; size <= message.size(); ++size) {
    const TlsNameScanner scanner = scan(message.substr(0, size), size + 1);
    const std::size_t begun = size <= name ? 0 : std::min(size - name, std::size_t{10});
    BOOST_TEST(scanner.begun() == std::string_view("GitHub.com").substr(0, begun), size);
    BOOST_TEST(scanner.name_size() == (size >= name ? 10u : 0u), size);
    BOOST_TEST(!scanner.is_malformed(), size);
  }
}

BOOST_AUTO_TEST_CASE(knows_at_once_what_cannot_become_a_hello) {
  const std::string good = client_hello(server_name_extension("github.com"));
  const auto changed = [&good](std::size_t at, char value) {
    std::string bad = good.substr(0, at + 2);
    bad[at] = value;
    return scan(bad, 1).is_malformed();
  };
  BOOST_TEST(changed(0, 2));
  BOOST_TEST(changed(4, 2));
  BOOST_TEST(!changed(5, 1));
}

BOOST_AUTO_TEST_CASE(denies_all_but_one_name_of_a_hosts_size) {
  const std::string one = server_name_extension("github.com");
  const std::string entry = std::string(1, '\0') + u16(4) + "a.bc";
  for (const std::string& extensions :
       {one + extension(0, ""), one + one, extension(0, u16(14) + entry + entry),
        extension(0, u16(7) + '\1' + u16(4) + "a.bc"), extension(0, u16(7) + entry + "x"),
        server_name_extension(""), server_name_extension(std::string(255, 'a'))}) {
    BOOST_TEST(scan(client_hello(extensions), 1).is_malformed());
  }
  const std::string longest = client_hello(server_name_extension(std::string(254, 'a')));
  BOOST_TEST(!scan(longest, 1).is_malformed());
  BOOST_TEST(scan(longest, 1).begun().size() == 254u);
}

BOOST_AUTO_TEST_CASE(ends_nowhere_in_a_hello_without_a_name) {
  const TlsNameScanner scanner = scan(client_hello(supported_versions_extension()), 1);
  BOOST_TEST((scanner.begun().empty() && scanner.name_size() == 0u && !scanner.is_malformed()));
}

BOOST_AUTO_TEST_SUITE_END()
