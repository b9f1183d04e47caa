#include "netfilter/wire/tls_hello.h"

#include <algorithm>

#include "base/check.h"
#include "netfilter/wire/byte_reader.h"
#include "netfilter/wire/tls_protocol.h"

namespace picortex {
namespace {

constexpr std::uint8_t kRecordChangeCipherSpec = 20;
constexpr std::uint8_t kRecordAlert = 21;
constexpr std::uint8_t kRecordHandshake = 22;
constexpr std::uint8_t kRecordData = 23;
constexpr std::uint8_t kRecordHeartbeat = 24;
constexpr std::size_t kRecordHeaderSize = 5;
constexpr std::size_t kFragmentSizeMax = 1 << 14;
constexpr std::size_t kCipherSizeMax = kFragmentSizeMax + 2048;  // RFC 5246, section 6.2.3
constexpr std::uint8_t kHelloRequest = 0;
constexpr std::size_t kHandshakeHeaderSize = 4;
constexpr std::uint16_t kExtensionEarlyData = 42;
constexpr std::uint16_t kExtensionEncryptedHello = 0xfe0d;  // RFC 9849
constexpr std::uint8_t kNameTypeHost = 0;

// ServerNameList: exactly one host name. Other types were never defined; a list of two would let
// the server choose a different one than the fence.
bool read_server_name(std::span<const std::uint8_t> data, HostName& name) noexcept {
  ByteReader list(data);
  if (list.u16() != list.left() || list.u8() != kNameTypeHost) return false;
  const std::uint16_t size = list.u16();
  const auto bytes = list.take(size);
  if (!list.exhausted()) return false;
  const auto parsed = HostName::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (parsed) name = *parsed;
  return parsed.has_value();
}

// `body` is a ClientHello (RFC 8446, section 4.1.2) without its handshake header.
TlsHelloStatus read_client_hello(std::span<const std::uint8_t> body, TlsHello& hello) noexcept {
  ByteReader reader(body);
  hello = {};
  if (reader.u8() != kTlsMajorVersion) return TlsHelloStatus::malformed;
  reader.u8();
  reader.take(32);  // random
  const std::uint8_t session_size = reader.u8();
  reader.take(session_size);
  const std::uint16_t ciphers_size = reader.u16();
  reader.take(ciphers_size);
  const std::uint8_t compressions_size = reader.u8();
  reader.take(compressions_size);
  if (!reader.good() || session_size > 32 || ciphers_size == 0 || ciphers_size % 2 != 0 ||
      compressions_size == 0) {
    return TlsHelloStatus::malformed;
  }
  if (reader.left() == 0) return TlsHelloStatus::no_name;  // TLS 1.2 knew hellos without extensions
  if (reader.u16() != reader.left()) return TlsHelloStatus::malformed;

  bool has_name = false;
  while (reader.left() != 0) {
    const std::uint16_t type = reader.u16();
    const std::uint16_t size = reader.u16();
    const auto data = reader.take(size);
    if (!reader.good()) return TlsHelloStatus::malformed;
    if (type == kExtensionEncryptedHello) hello.has_encrypted_hello = true;
    if (type == kExtensionEarlyData) hello.has_early_data = true;
    if (type != kTlsExtensionServerName) continue;
    if (has_name || !read_server_name(data, hello.server_name)) return TlsHelloStatus::malformed;
    has_name = true;
  }
  if (!reader.good()) return TlsHelloStatus::malformed;
  return has_name ? TlsHelloStatus::server_name : TlsHelloStatus::no_name;
}

std::size_t fragment_size(std::span<const std::uint8_t> record) noexcept {
  return static_cast<std::size_t>(record[3] << 8 | record[4]);
}

// Judges the bytes of the record header as they arrive: what is not TLS must not be waited for.
TlsHelloStatus judge_record_header(std::span<const std::uint8_t> record, bool first) noexcept {
  const auto wrong = first ? TlsHelloStatus::not_tls : TlsHelloStatus::malformed;
  if (!record.empty() && record[0] != kRecordHandshake) return wrong;
  if (record.size() >= 2 && record[1] != kTlsMajorVersion) return wrong;
  if (record.size() >= kRecordHeaderSize &&
      (fragment_size(record) == 0 || fragment_size(record) > kFragmentSizeMax)) {
    return TlsHelloStatus::malformed;
  }
  return TlsHelloStatus::need_more;
}

// Joins the fragments of complete records, `size` bytes in all.
std::span<const std::uint8_t> join(std::span<const std::uint8_t> records, std::size_t size,
                                   std::span<std::uint8_t> scratch) noexcept {
  const std::size_t first_size = fragment_size(records);
  if (first_size == size) return records.subspan(kRecordHeaderSize, size);
  CHECK(size <= scratch.size());
  auto out = scratch.begin();
  while (!records.empty()) {
    const auto fragment = records.subspan(kRecordHeaderSize, fragment_size(records));
    out = std::copy(fragment.begin(), fragment.end(), out);
    records = records.subspan(kRecordHeaderSize + fragment.size());
  }
  return scratch.first(size);
}

}  // namespace

TlsHelloStatus TlsHelloReader::read(std::span<const std::uint8_t> stream,
                                    std::span<std::uint8_t> scratch, TlsHello& hello) noexcept {
  CHECK(next_record_ <= stream.size());
  while (true) {
    // Everything is measured by its position in the stream, so that all ways of splitting it agree.
    if (next_record_ + kRecordHeaderSize > kTlsHelloSizeMax) return TlsHelloStatus::too_long;
    const auto record = stream.subspan(next_record_);
    const auto judged = judge_record_header(record, next_record_ == 0);
    if (judged != TlsHelloStatus::need_more) return judged;
    if (record.size() < kRecordHeaderSize) return TlsHelloStatus::need_more;
    const std::size_t size = fragment_size(record);
    if (next_record_ + kRecordHeaderSize + size > kTlsHelloSizeMax) return TlsHelloStatus::too_long;
    if (record.size() < kRecordHeaderSize + size) {
      scan(record.subspan(kRecordHeaderSize));
      return TlsHelloStatus::need_more;
    }

    const auto fragment = record.subspan(kRecordHeaderSize, size);
    for (std::size_t i = 0; i < size && collected_ + i < kHandshakeHeaderSize; ++i) {
      header_ = header_ << 8 | fragment[i];
    }
    collected_ += size;
    next_record_ += kRecordHeaderSize + size;
    if (collected_ < kHandshakeHeaderSize) {
      scan_last_of_record(fragment);
      continue;
    }

    const std::size_t hello_size = kHandshakeHeaderSize + (header_ & 0xffffff);
    if (header_ >> 24 != kTlsClientHello) return TlsHelloStatus::malformed;
    if (hello_size > kTlsHelloSizeMax) return TlsHelloStatus::too_long;
    // Nothing may follow the hello in its record: the client has to wait for the server.
    if (collected_ > hello_size) return TlsHelloStatus::malformed;
    if (collected_ < hello_size) {
      scan_last_of_record(fragment);
      continue;
    }
    const auto whole = join(stream.first(next_record_), hello_size, scratch);
    return read_client_hello(whole.subspan(kHandshakeHeaderSize), hello);
  }
}

// Feeds the scanner what of a record's fragment it has not seen.
void TlsHelloReader::scan(std::span<const std::uint8_t> fragment) noexcept {
  scanner_.feed(fragment.subspan(scanned_));
  scanned_ = fragment.size();
}

void TlsHelloReader::scan_last_of_record(std::span<const std::uint8_t> fragment) noexcept {
  scan(fragment);
  scanned_ = 0;
}

TlsRecordHead judge_tls_record(std::span<const std::uint8_t> stream) noexcept {
  if (stream.size() < kRecordHeaderSize) return {};
  const std::uint8_t type = stream[0];
  const std::size_t fragment = fragment_size(stream);
  const std::size_t size = kRecordHeaderSize + fragment;
  if (stream[1] != kTlsMajorVersion || fragment == 0 || fragment > kCipherSizeMax) {
    return {.kind = TlsRecord::malformed};
  }
  if ((type == kRecordChangeCipherSpec || type == kRecordAlert) && fragment <= 2) {
    if (stream.size() < size) return {};
    return {.kind = TlsRecord::filler, .size = size, .judged_size = size};
  }
  const TlsRecordHead data{.kind = TlsRecord::data, .size = size, .judged_size = kRecordHeaderSize};
  if (type == kRecordAlert || type == kRecordData || type == kRecordHeartbeat) return data;
  if (type != kRecordHandshake) return {.kind = TlsRecord::malformed};
  if (stream.size() == kRecordHeaderSize) return {};
  const std::uint8_t message = stream[kRecordHeaderSize];
  if (message == kTlsClientHello) return {.kind = TlsRecord::hello};
  // Some parsers skip a HelloRequest, and read what follows it.
  if (message == kHelloRequest) return {.kind = TlsRecord::malformed};
  return {.kind = TlsRecord::data, .size = size, .judged_size = kRecordHeaderSize + 1};
}

}  // namespace picortex
