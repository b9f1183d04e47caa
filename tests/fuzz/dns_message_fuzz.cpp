// Whatever is asked, the answer made of it is one that we read ourselves; whatever upstream
// answers, its addresses are of the family asked for.
#include <algorithm>
#include <string>

#include "base/check.h"
#include "netfilter/dns/dns_message.h"

using namespace picortex;

namespace {

// The answer is never larger than what the client takes, whatever is said in it.
void deny_query(const DnsQuery& query) {
  const std::size_t bare = 12 + query.question.size() + (query.has_edns ? 11 : 0);
  const std::string text(600, 'x');
  std::string out;
  append_dns_answer(out, query,
                    {.rcode = DnsRcode::name_error, .error = ExtendedDnsError{.text = text}},
                    query.payload_size);
  CHECK(out.size() <= std::max<std::size_t>(query.payload_size, bare));
}

void answer_query(std::span<const std::uint8_t> message) {
  DnsQuery query;
  const DnsQueryStatus status = parse_dns_query(message, query);
  if (status == DnsQueryStatus::drop) return;
  deny_query(query);
  const IpAddress addresses[] = {parse_ip_address("140.82.121.4").value(),
                                 parse_ip_address("2606:4700::1").value()};
  std::string out;
  append_dns_answer(out, query,
                    {.addresses = addresses, .ttl_s = 60, .error = ExtendedDnsError{.text = "why"}},
                    65'535);
  const bool asks_address = query.type == kDnsTypeA || query.type == kDnsTypeAaaa;
  if (status != DnsQueryStatus::query || query.name.empty() || query.query_class != 1 ||
      !asks_address) {
    return;
  }
  DnsAnswer answer;
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(out.data()), out.size());
  CHECK(parse_dns_answer(bytes, query.id, query.name, query.type, answer) ==
        DnsAnswerStatus::answer);
  CHECK(answer.address_count == 1 && answer.addresses[0].is_v6 == (query.type == kDnsTypeAaaa));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span message(data, size);
  answer_query(message);
  const HostName name = HostName::parse("a.example").value();
  for (const std::uint16_t type : {kDnsTypeA, kDnsTypeAaaa}) {
    DnsAnswer answer;
    const auto status = parse_dns_answer(message, 0xbeef, name, type, answer);
    CHECK(status == DnsAnswerStatus::answer || answer.address_count == 0);
    for (std::size_t i = 0; i < answer.address_count; ++i) {
      CHECK(answer.addresses[i].is_v6 == (type == kDnsTypeAaaa));
    }
  }
  return 0;
}
