#include "base/net/ip_address.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(address)

BOOST_AUTO_TEST_CASE(reads_and_writes_both_families) {
  for (const char* text : {"192.0.2.7", "2001:db8::7", "::", "::ffff:10.0.0.1"}) {
    BOOST_TEST(to_string(parse_ip_address(text).value()) == text);
  }
}

BOOST_AUTO_TEST_CASE(rejects_short_forms_zones_and_junk) {
  for (const std::string_view text :
       {"", "127.1", "0x7f.0.0.1", "2130706433", "1.2.3.4.5", "1.2.3.4 ", "fe80::1%eth0", "[::1]",
        "256.1.1.1", "1.2.3", ":", "01.2.3.4444444444444444444444444444444444444444444444444"}) {
    BOOST_TEST(!parse_ip_address(text).has_value(), text);
  }
  BOOST_TEST(!parse_ip_address(std::string_view("1.2.3.4\0", 8)).has_value());
}

BOOST_AUTO_TEST_CASE(reports_what_an_address_is_for) {
  using enum AddressClass;
  const std::pair<const char*, AddressClass> cases[] = {
      {"140.82.121.4", global},
      {"2606:4700::6810:84e5", global},
      {"0.0.0.0", unspecified},
      {"0.1.2.3", unspecified},
      {"::", unspecified},
      {"127.0.0.1", loopback},
      {"127.255.255.254", loopback},
      {"::1", loopback},
      {"169.254.1.1", link_local},
      {"fe80::1", link_local},
      {"febf::1", link_local},
      {"10.255.255.255", private_use},
      {"11.0.0.0", global},
      {"172.15.255.255", global},
      {"172.16.0.0", private_use},
      {"172.31.255.255", private_use},
      {"172.32.0.0", global},
      {"192.168.0.1", private_use},
      {"fd12::1", private_use},
      {"fec0::1", private_use},
      {"100.64.0.1", shared},
      {"100.127.255.255", shared},
      {"100.128.0.0", global},
      {"169.254.169.254", metadata},
      {"fd00:ec2::254", metadata},
      {"224.0.0.1", multicast},
      {"239.255.255.255", multicast},
      {"ff02::1", multicast},
      {"255.255.255.255", reserved},
      {"240.0.0.1", reserved},
      {"203.0.113.1", reserved},
      {"2001:db8::1", reserved},
      {"4000::1", reserved},
      {"::ffff:140.82.121.4", v4_mapped},
      {"::127.0.0.1", v4_mapped},
      {"2002:7f00:1::", v4_mapped},
      {"2001::1", v4_mapped},
      {"64:ff9b::140.82.121.4", global},
      {"64:ff9b::127.0.0.1", loopback},
      {"64:ff9b::169.254.169.254", metadata},
      {"64:ff9b:1::1", private_use},
  };
  for (const auto& [text, expected] : cases) {
    BOOST_TEST((address_class(parse_ip_address(text).value()) == expected), text);
  }
}

BOOST_AUTO_TEST_CASE(cuts_addresses_to_their_network) {
  const auto cut = [](const char* text, std::uint8_t size) {
    return to_string(network_of(parse_ip_address(text).value(), size).address);
  };
  BOOST_TEST(cut("10.1.2.255", 25) == "10.1.2.128");
  BOOST_TEST(cut("10.1.2.3", 0) == "0.0.0.0");
  BOOST_TEST(cut("10.1.2.3", 32) == "10.1.2.3");
  BOOST_TEST(cut("2001:db8:ffff::1", 33) == "2001:db8:8000::");
}

BOOST_AUTO_TEST_SUITE_END()
