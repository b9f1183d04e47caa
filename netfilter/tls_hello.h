#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "netfilter/host_name.h"

namespace picortex {

// The largest ClientHello, and the most bytes of a connection that are looked at for one.
inline constexpr std::size_t kTlsHelloSizeMax = 65'536;

enum class TlsHelloStatus : std::uint8_t {
  need_more,
  server_name,
  no_name,    // a whole hello without the extension
  not_tls,    // decided by the first bytes
  malformed,  // among them a name that is no host's: an IP address, NUL, bad characters
  too_long,
};

// What a ClientHello tells. When ECH is in use (or its grease, which looks the same), the name is
// the outer one: the host that is really meant stays hidden from the fence. Of TLS 1.3 the server
// may ask for a second hello (HelloRetryRequest) and go by the name in that one; early data may
// stand between the two.
struct TlsHello {
  HostName server_name;
  bool has_encrypted_hello = false;
  bool has_early_data = false;
  bool may_be_repeated = false;
};

// Finds the server name (RFC 6066) in the first bytes of a TLS connection: records (RFC 8446,
// section 5.1) that together hold one ClientHello and nothing else. The connection's owner keeps
// the bytes; the reader keeps only how far it came, so that a hello in many pieces is not read
// again for each.
//
//   record    = 22 version(2) size(2) fragment
//   fragments = 1 size(3) ClientHello
class TlsHelloReader {
 public:
  // `stream`: the connection's bytes from its first on; what an earlier call saw must still stand
  // before what came since. `scratch`, kTlsHelloSizeMax bytes, is used within the call alone, to
  // put together a hello of several records; one in a single record is read where it lies. Any
  // result but need_more is final.
  TlsHelloStatus read(std::span<const std::uint8_t> stream, std::span<std::uint8_t> scratch,
                      TlsHello& hello) noexcept;

  // The bytes of the records that were read whole: of the hello's, once it is known.
  std::size_t size() const noexcept { return next_record_; }

 private:
  std::size_t next_record_ = 0;  // offset of the first record that is not whole yet
  std::size_t collected_ = 0;    // bytes of handshake in the records before it
  std::uint32_t header_ = 0;     // the handshake header's 4 bytes, as far as they came
};

// What the record is that a client sends behind its hello.
enum class TlsRecord : std::uint8_t {
  need_more,
  hello,   // a second one begins
  filler,  // change_cipher_spec or alert in clear, which settle nothing
  answer,  // only the server's hello can have led to it
  malformed,
};

// Judges the record that begins `stream`; `size` is that of a filler, its header included.
TlsRecord judge_tls_record(std::span<const std::uint8_t> stream, std::size_t& size) noexcept;

}  // namespace picortex
