#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/net/ip_address.h"
#include "netfilter/wire/host_name.h"

namespace picortex {

// DNS messages (RFC 1035, EDNS by RFC 6891) as the fence's proxy needs them. Nothing that a client
// or an upstream server wrote is passed on: queries to upstream and answers to clients are built
// from a question and a list of addresses, so that no option, record or odd encoding passes
// through.
//
//   message  = header question *record
//   header   = id(2) flags(2) counts(4 × 2)
//   question = name type(2) class(2)
//   record   = name type(2) class(2) ttl(4) size(2) data

inline constexpr std::uint16_t kDnsTypeA = 1;
inline constexpr std::uint16_t kDnsTypeAaaa = 28;
inline constexpr std::size_t kDnsTcpSizeMax = 65'535;
// What the proxy offers and accepts over UDP: fits any path's MTU (DNS flag day 2020).
inline constexpr std::uint16_t kDnsUdpSizeMax = 1232;

enum class DnsRcode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,  // NXDOMAIN
  not_implemented = 4,
  refused = 5,
  bad_version = 16,  // of EDNS
};

// A client's query. Contains views of the message that it was parsed from.
struct DnsQuery {
  std::uint16_t id = 0;
  std::uint16_t type = 0;
  std::uint16_t query_class = 0;
  std::uint16_t payload_size = 512;  // the largest UDP answer that the client accepts
  bool recursion_desired = false;
  bool has_edns = false;
  bool dnssec_ok = false;
  HostName name;  // empty if the question is not for a host's name
  std::span<const std::uint8_t>
      question;  // as received, to be echoed; empty: there was no complete one
};

enum class DnsQueryStatus : std::uint8_t {
  query,
  drop,             // no header, or a response: answering could start a loop
  format_error,     // not exactly one question, compressed or invalid name, two OPTs, truncated
  not_implemented,  // an operation other than QUERY
  bad_version,      // EDNS above 0
};

// Fills `query` as far as possible, so that errors can be answered too.
DnsQueryStatus parse_dns_query(std::span<const std::uint8_t> message, DnsQuery& query) noexcept;

// Why a name was not resolved (RFC 8914). Sent only to a client that sent an OPT record.
struct ExtendedDnsError {
  enum class Code : std::uint16_t {
    blocked = 15,  // by a policy of the server's operator
  };
  Code code = Code::blocked;
  std::string_view text;  // for a person; omitted if the answer has no room for it
};

// What is answered to a query.
struct DnsReply {
  DnsRcode rcode = DnsRcode::no_error;
  std::span<const IpAddress> addresses = {};
  std::uint32_t ttl_s = 0;
  std::optional<ExtendedDnsError> error = std::nullopt;
};

// Appends the answer: the question, then an A or AAAA record for each address of the family that
// `query.type` asks for. No address and no_error is NODATA. An answer larger than `size_max` bytes
// is sent empty with TC set; an extended error never makes it larger.
void append_dns_answer(std::string& out, const DnsQuery& query, const DnsReply& reply,
                       std::size_t size_max);

// Appends a query for upstream, with recursion desired and an OPT of kDnsUdpSizeMax.
void append_dns_query(std::string& out, std::uint16_t id, const HostName& name, std::uint16_t type);

// The answer of upstream for the name, at the end of its chain of CNAMEs.
struct DnsAnswer {
  static constexpr std::size_t kAddressesMax = 64;  // further addresses are omitted
  static constexpr std::uint32_t kTtlFloorS = 30;
  static constexpr std::uint32_t kTtlCeilingS = 3600;

  DnsRcode rcode = DnsRcode::no_error;
  bool truncated = false;   // ask again over TCP; nothing else was read
  std::uint32_t ttl_s = 0;  // the lowest of the chain's, between floor and ceiling
  std::size_t address_count = 0;
  std::array<IpAddress, kAddressesMax> addresses;
};

enum class DnsAnswerStatus : std::uint8_t {
  answer,
  mismatch,  // not the answer to this question: keep waiting, since it may be forged
  malformed,
};

// Parses the answer to the query that append_dns_query built from `id`, `name` and `type` (A or
// AAAA). A chain has at most 16 links and an answer 256 records; records outside of the chain are
// ignored.
DnsAnswerStatus parse_dns_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                                 const HostName& name, std::uint16_t type,
                                 DnsAnswer& answer) noexcept;

}  // namespace picortex
