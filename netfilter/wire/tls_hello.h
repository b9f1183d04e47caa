#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "netfilter/wire/host_name.h"
#include "netfilter/wire/tls_name_scanner.h"

namespace picortex {

// The largest ClientHello, and the most bytes of a connection that are searched for one.
inline constexpr std::size_t kTlsHelloSizeMax = 65'536;

enum class TlsHelloStatus : std::uint8_t {
  need_more,
  server_name,
  no_name,    // a complete hello without the extension
  not_tls,    // decided by the first bytes
  malformed,  // includes a name that is not a host's: an IP address, NUL, invalid characters
  too_long,
};

// The content of a ClientHello. If ECH is in use (or its grease, which looks the same), the name is
// the outer one: the host that is really meant stays hidden from the fence. In TLS 1.3 the server
// may ask for a second hello (HelloRetryRequest) and use the name in that one; early data may be
// sent between the two.
struct TlsHello {
  HostName server_name;
  bool has_encrypted_hello = false;
  bool has_early_data = false;
};

// Finds the server name (RFC 6066) in the first bytes of a TLS connection: records (RFC 8446,
// section 5.1) that together contain one ClientHello and nothing else. The connection's owner keeps
// the bytes; the reader keeps only its position, so that a hello in many pieces is not read again
// for each.
//
//   record    = 22 version(2) size(2) fragment
//   fragments = 1 size(3) ClientHello
class TlsHelloReader {
 public:
  // `stream` has the connection's bytes from its first on; the bytes of earlier calls must still
  // precede the new ones. `scratch`, kTlsHelloSizeMax bytes, is used within the call only, to join
  // a hello of several records; one in a single record is read in place. Any result but need_more
  // is final.
  TlsHelloStatus read(std::span<const std::uint8_t> stream, std::span<std::uint8_t> scratch,
                      TlsHello& hello) noexcept;

  // The bytes of the records that were read completely: those of the hello, once it is known.
  std::size_t size() const noexcept { return next_record_; }

  // After need_more: the server name as far as it has arrived. The rest of the hello cannot change
  // it.
  const TlsNameScanner& begun_name() const noexcept { return scanner_; }

 private:
  void scan(std::span<const std::uint8_t> fragment) noexcept;
  void scan_last_of_record(std::span<const std::uint8_t> fragment) noexcept;

  std::size_t next_record_ = 0;  // offset of the first incomplete record
  std::size_t collected_ = 0;    // bytes of handshake in the records before it
  std::uint32_t header_ = 0;     // the handshake header's 4 bytes, as far as they have arrived
  TlsNameScanner scanner_;
  std::size_t scanned_ = 0;  // bytes of the fragment at next_record_ that it was fed
};

// The kind of a record that a client sends after its hello.
enum class TlsRecord : std::uint8_t {
  need_more,
  hello,   // a second one begins
  filler,  // change_cipher_spec or alert in clear
  data,    // no server takes it for the beginning of a hello, whatever it contains
  malformed,
};

struct TlsRecordHead {
  TlsRecord kind = TlsRecord::need_more;
  std::size_t size = 0;         // of the record, including its header
  std::size_t judged_size = 0;  // of the bytes that it was judged by; all of a filler
};

// Judges the record at the beginning of `stream`. Any handshake record that begins with a
// ClientHello is a hello, whatever its versions: servers find them elsewhere.
TlsRecordHead judge_tls_record(std::span<const std::uint8_t> stream) noexcept;

}  // namespace picortex
