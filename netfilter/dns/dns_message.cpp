#include "netfilter/dns/dns_message.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"
#include "netfilter/wire/byte_reader.h"

namespace picortex {
namespace {

constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeOpt = 41;
constexpr std::uint16_t kClassInternet = 1;
constexpr std::uint16_t kFlagResponse = 0x8000;
constexpr std::uint16_t kOpcodeMask = 0x7800;
constexpr std::uint16_t kFlagTruncated = 0x0200;
constexpr std::uint16_t kFlagRecursionDesired = 0x0100;
constexpr std::uint16_t kFlagRecursionAvailable = 0x0080;
constexpr std::uint32_t kEdnsDnssecOk = 0x8000;
constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kOptSize = 11;
constexpr std::uint16_t kOptionExtendedError = 15;  // RFC 8914
constexpr std::size_t kExtendedErrorSize = 6;       // without its text
constexpr std::size_t kQueryRecordsMax = 16;
constexpr std::size_t kAnswerRecordsMax = 256;
constexpr int kChainLinksMax = 16;

// A name in wire form: uncompressed, lower case, with the root's empty label.
struct WireName {
  static constexpr std::size_t kSizeMax = 255;

  std::array<std::uint8_t, kSizeMax> bytes;
  std::size_t size = 0;

  bool append(std::span<const std::uint8_t> part) noexcept {
    if (part.size() > kSizeMax - size) return false;
    for (const std::uint8_t byte : part) {
      bytes[size++] = static_cast<std::uint8_t>(lower(static_cast<char>(byte)));
    }
    return true;
  }
  bool operator==(const WireName& other) const noexcept {
    return std::equal(bytes.begin(), bytes.begin() + size, other.bytes.begin(),
                      other.bytes.begin() + other.size);
  }
};

enum class Compression : bool { denied, followed };

// Reads the name at the reader's position, which then follows it. A pointer must lead to before the
// label or pointer in which it occurs, so that following pointers ends.
bool read_name(std::span<const std::uint8_t> message, ByteReader& reader, Compression compression,
               WireName& name) noexcept {
  ByteReader here = reader;
  bool jumped = false;
  std::size_t bound = reader.position();
  name.size = 0;
  while (true) {
    const std::uint8_t size = here.u8();
    if (!here.good()) return false;
    if ((size & 0xc0) == 0xc0) {
      const std::size_t target = (size & 0x3fu) << 8 | here.u8();
      if (!here.good() || compression == Compression::denied || target >= bound) return false;
      if (!jumped) reader = here;
      jumped = true;
      bound = target;
      here = ByteReader(message);
      here.take(target);
      continue;
    }
    if (size > HostName::kLabelSizeMax) return false;
    const auto label = here.take(size);
    if (!here.good() || !name.append({&size, 1}) || !name.append(label)) return false;
    if (size == 0) {
      if (!jumped) reader = here;
      return true;
    }
  }
}

// Returns an empty name if it is not a host's.
HostName host_name_of(const WireName& wire) noexcept {
  char text[WireName::kSizeMax];
  std::size_t size = 0;
  for (std::size_t at = 0; wire.bytes[at] != 0; at += 1 + wire.bytes[at]) {
    const auto label = std::span(wire.bytes).subspan(at + 1, wire.bytes[at]);
    // A dot within a label would look like two labels.
    if (std::find(label.begin(), label.end(), '.') != label.end()) return {};
    if (size != 0) text[size++] = '.';
    std::copy(label.begin(), label.end(), text + size);
    size += label.size();
  }
  return HostName::parse({text, size}).value_or(HostName{});
}

void append_u16(std::string& out, std::uint32_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void append_u32(std::string& out, std::uint32_t value) {
  append_u16(out, value >> 16);
  append_u16(out, value & 0xffff);
}

void append_bytes(std::string& out, std::span<const std::uint8_t> bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Appends an OPT record with `options_size` bytes of options, which must follow.
void append_opt(std::string& out, unsigned extended_rcode, std::uint32_t flags,
                std::size_t options_size) {
  out.push_back('\0');  // the root
  append_u16(out, kTypeOpt);
  append_u16(out, kDnsUdpSizeMax);
  append_u32(out, extended_rcode << 24 | flags);
  append_u16(out, static_cast<std::uint32_t>(options_size));
}

void append_extended_error(std::string& out, const ExtendedDnsError& error) {
  append_u16(out, kOptionExtendedError);
  append_u16(out, static_cast<std::uint32_t>(2 + error.text.size()));
  append_u16(out, static_cast<std::uint16_t>(error.code));
  out.append(error.text);
}

// Returns the part of the error that fits into `room` bytes: all of it, its code, or nothing.
std::optional<ExtendedDnsError> fitting(std::optional<ExtendedDnsError> error, std::size_t room) {
  if (!error || room < kExtendedErrorSize) return std::nullopt;
  if (error->text.size() > room - kExtendedErrorSize) error->text = {};
  return error;
}

struct Header {
  std::uint16_t id, flags, questions, answers, authorities, additionals;

  explicit Header(ByteReader& reader) noexcept
      : id(reader.u16()),
        flags(reader.u16()),
        questions(reader.u16()),
        answers(reader.u16()),
        authorities(reader.u16()),
        additionals(reader.u16()) {}
};

struct Record {
  WireName name;
  std::uint16_t type = 0;
  std::uint16_t record_class = 0;
  std::uint32_t ttl = 0;
  std::size_t data_at = 0;
  std::span<const std::uint8_t> data;
};

bool read_record(std::span<const std::uint8_t> message, ByteReader& reader,
                 Record& record) noexcept {
  if (!read_name(message, reader, Compression::followed, record.name)) return false;
  record.type = reader.u16();
  record.record_class = reader.u16();
  record.ttl = reader.u32();
  const std::uint16_t size = reader.u16();
  record.data_at = reader.position();
  record.data = reader.take(size);
  return reader.good();
}

// Of a query's records only OPT matters here; TSIG, cookies and the like are not read.
DnsQueryStatus read_edns(std::span<const std::uint8_t> message, ByteReader& reader,
                         std::size_t count, DnsQuery& query) noexcept {
  Record record;
  DnsQueryStatus status = DnsQueryStatus::query;
  for (std::size_t i = 0; i < count; ++i) {
    if (!read_record(message, reader, record)) return DnsQueryStatus::format_error;
    if (record.type != kTypeOpt) continue;
    if (query.has_edns || record.name.size != 1) return DnsQueryStatus::format_error;
    query.has_edns = true;
    query.payload_size = std::max<std::uint16_t>(record.record_class, 512);
    query.dnssec_ok = (record.ttl & kEdnsDnssecOk) != 0;
    if ((record.ttl >> 16 & 0xff) != 0) status = DnsQueryStatus::bad_version;
  }
  return status;
}

// Walks along the answer section to find the records of one name in the chain.
struct Link {
  bool is_alias = false;
  WireName target;
  std::uint32_t ttl = std::numeric_limits<std::uint32_t>::max();
};

bool read_link(std::span<const std::uint8_t> message, ByteReader reader, std::size_t count,
               const WireName& owner, std::uint16_t type, Link& link, DnsAnswer& answer) noexcept {
  const std::size_t address_size = type == kDnsTypeA ? 4 : 16;
  Record record;
  for (std::size_t i = 0; i < count; ++i) {
    if (!read_record(message, reader, record)) return false;
    if (record.record_class != kClassInternet || !(record.name == owner)) continue;
    // RFC 2181, section 8: a TTL with its top bit set means 0.
    const std::uint32_t ttl = record.ttl >> 31 != 0 ? 0 : record.ttl;
    if (record.type == type) {
      if (record.data.size() != address_size) return false;
      if (answer.address_count == DnsAnswer::kAddressesMax) continue;
      answer.addresses[answer.address_count++] = IpAddress::of_bytes(record.data);
      link.ttl = std::min(link.ttl, ttl);
    } else if (record.type == kTypeCname) {
      ByteReader data(message.first(record.data_at + record.data.size()));
      data.take(record.data_at);
      if (link.is_alias) return false;
      if (!read_name(message, data, Compression::followed, link.target)) return false;
      if (!data.exhausted()) return false;
      link.is_alias = true;
      link.ttl = std::min(link.ttl, ttl);
    }
  }
  return true;
}

}  // namespace

DnsQueryStatus parse_dns_query(std::span<const std::uint8_t> message, DnsQuery& query) noexcept {
  ByteReader reader(message);
  query = {};
  const Header header(reader);
  if (!reader.good() || (header.flags & kFlagResponse) != 0) return DnsQueryStatus::drop;
  query.id = header.id;
  query.recursion_desired = (header.flags & kFlagRecursionDesired) != 0;
  if ((header.flags & kOpcodeMask) != 0) return DnsQueryStatus::not_implemented;
  if (header.questions != 1 || header.answers != 0 || header.authorities != 0 ||
      header.additionals > kQueryRecordsMax) {
    return DnsQueryStatus::format_error;
  }
  WireName name;
  if (!read_name(message, reader, Compression::denied, name)) return DnsQueryStatus::format_error;
  query.type = reader.u16();
  query.query_class = reader.u16();
  if (!reader.good()) return DnsQueryStatus::format_error;
  query.question = message.subspan(kHeaderSize, reader.position() - kHeaderSize);
  query.name = host_name_of(name);
  return read_edns(message, reader, header.additionals, query);
}

void append_dns_answer(std::string& out, const DnsQuery& query, const DnsReply& reply,
                       std::size_t size_max) {
  const bool v6 = query.type == kDnsTypeAaaa;
  const std::size_t address_size = v6 ? 16 : 4;
  const bool asks_address = v6 || query.type == kDnsTypeA;
  std::size_t count = 0;
  if (asks_address && reply.rcode == DnsRcode::no_error) {
    count = static_cast<std::size_t>(
        std::ranges::count(reply.addresses, v6, [](const IpAddress& a) { return a.is_v6; }));
  }
  const std::size_t size = kHeaderSize + query.question.size() + count * (12 + address_size) +
                           (query.has_edns ? kOptSize : 0);
  const bool truncated = size > size_max;
  if (truncated) count = 0;
  const auto error =
      query.has_edns && !truncated ? fitting(reply.error, size_max - size) : std::nullopt;

  const auto code = static_cast<unsigned>(reply.rcode);
  append_u16(out, query.id);
  append_u16(out, kFlagResponse | kFlagRecursionAvailable | (truncated ? kFlagTruncated : 0u) |
                      (query.recursion_desired ? kFlagRecursionDesired : 0u) | (code & 0xf));
  append_u16(out, query.question.empty() ? 0 : 1);
  append_u16(out, static_cast<std::uint32_t>(count));
  append_u16(out, 0);
  append_u16(out, query.has_edns ? 1 : 0);
  append_bytes(out, query.question);
  for (const IpAddress& address : reply.addresses) {
    if (count == 0) break;
    if (address.is_v6 != v6) continue;
    append_u16(out, 0xc000 | kHeaderSize);  // points to the question's name
    append_u16(out, query.type);
    append_u16(out, kClassInternet);
    append_u32(out, reply.ttl_s);
    append_u16(out, static_cast<std::uint32_t>(address_size));
    append_bytes(out, address.raw());
  }
  if (!query.has_edns) return;
  // RFC 3225: the answer repeats DO, though nothing here is signed.
  append_opt(out, code >> 4, query.dnssec_ok ? kEdnsDnssecOk : 0,
             error ? kExtendedErrorSize + error->text.size() : 0);
  if (error) append_extended_error(out, *error);
}

void append_dns_query(std::string& out, std::uint16_t id, const HostName& name,
                      std::uint16_t type) {
  CHECK(!name.empty());
  append_u16(out, id);
  append_u16(out, kFlagRecursionDesired);
  append_u16(out, 1);
  append_u32(out, 0);
  append_u16(out, 1);
  for (std::string_view rest = name.view(); !rest.empty(); rest = parent_name(rest)) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    out.push_back(static_cast<char>(label.size()));
    out.append(label);
  }
  out.push_back('\0');
  append_u16(out, type);
  append_u16(out, kClassInternet);
  append_opt(out, 0, 0, 0);
}

DnsAnswerStatus parse_dns_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                                 const HostName& name, std::uint16_t type,
                                 DnsAnswer& answer) noexcept {
  CHECK(type == kDnsTypeA || type == kDnsTypeAaaa);
  ByteReader reader(message);
  answer.address_count = 0;
  const Header header(reader);
  WireName owner;
  if (!reader.good() || header.id != id || (header.flags & kFlagResponse) == 0 ||
      (header.flags & kOpcodeMask) != 0 || header.questions != 1 ||
      !read_name(message, reader, Compression::denied, owner) || reader.u16() != type ||
      reader.u16() != kClassInternet || !reader.good() || !(host_name_of(owner) == name)) {
    return DnsAnswerStatus::mismatch;
  }
  answer.rcode = static_cast<DnsRcode>(header.flags & 0xf);
  answer.truncated = (header.flags & kFlagTruncated) != 0;
  answer.ttl_s = DnsAnswer::kTtlFloorS;
  if (answer.truncated || answer.rcode != DnsRcode::no_error) return DnsAnswerStatus::answer;
  if (header.answers > kAnswerRecordsMax) return DnsAnswerStatus::malformed;

  std::uint32_t ttl = std::numeric_limits<std::uint32_t>::max();
  for (int links = 0; links < kChainLinksMax; ++links) {
    Link link;
    if (!read_link(message, reader, header.answers, owner, type, link, answer)) break;
    // An alias must not have other data (RFC 1034, section 3.6.2).
    if (link.is_alias && answer.address_count != 0) break;
    ttl = std::min(ttl, link.ttl);
    if (!link.is_alias) {
      answer.ttl_s = std::clamp(ttl, DnsAnswer::kTtlFloorS, DnsAnswer::kTtlCeilingS);
      if (ttl == std::numeric_limits<std::uint32_t>::max()) answer.ttl_s = DnsAnswer::kTtlFloorS;
      return DnsAnswerStatus::answer;
    }
    owner = link.target;
  }
  answer.address_count = 0;
  return DnsAnswerStatus::malformed;
}

}  // namespace picortex
