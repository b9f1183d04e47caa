// A hello read whole and read in pieces must come to the same result and name.
#include <vector>

#include "base/check.h"
#include "netfilter/wire/tls_hello.h"
#include "tests/fuzz/split_points.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static std::vector<std::uint8_t> scratch(kTlsHelloSizeMax);
  const std::span stream(data + 1, size - 1);
  TlsHello whole;
  const TlsHelloStatus status = TlsHelloReader().read(stream, scratch, whole);

  TlsHelloReader reader;
  TlsHello hello;
  const auto read = [&](auto shown) { return reader.read(shown, scratch, hello); };
  CHECK(fuzz::read_in_pieces(data[0], stream, TlsHelloStatus::need_more, read) == status);
  CHECK(hello.server_name == whole.server_name);
  CHECK(hello.has_encrypted_hello == whole.has_encrypted_hello);
  if (status == TlsHelloStatus::server_name) {
    const auto again = HostName::parse(hello.server_name.view());
    CHECK(again && *again == hello.server_name);
  }
  return 0;
}
