// Host and Origin headers: what is accepted is well-formed, in any case of its letters, and a Host
// with its port is the same host as an Origin.
#include <algorithm>

#include "base/check.h"
#include "handlers/http/middleware/authority.h"

using namespace picortex;

namespace {

AllowedHosts make_names() {
  AllowedHosts names;
  names.add_listener(*ClientAddress::parse("127.0.0.1"), 8787);
  names.add_listener(*ClientAddress::parse("::"), 80);
  CHECK(names.add_hosts("obs.example.com,tls.example.com:443,[2001:db8::7]:8443").has_value());
  return names;
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const AllowedHosts names = make_names();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto authority = Authority::parse(text);
  const bool accepted = names.accepts_host(text);
  CHECK(accepted == names.accepts_host(upper_case(text)));
  CHECK(names.accepts_origin(text) == names.accepts_origin(upper_case(text)));
  CHECK(!(accepted && names.accepts_origin(text)));
  if (accepted) CHECK(authority.has_value());
  if (authority && authority->port) {
    CHECK(!accepted || names.accepts_origin("http://" + text));
    CHECK(!names.accepts_origin("http://" + text) || accepted);
  }
  // RFC 3986 allows commas in a host, but in the list they stand between hosts.
  if (authority && text.find(',') == std::string::npos) {
    AllowedHosts other;
    CHECK(other.add_hosts(text).has_value());
    CHECK(other.accepts_host(text));
  }
  return 0;
}
