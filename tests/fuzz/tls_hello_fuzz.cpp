// A hello read whole and read in pieces must come to the same result and name.
#include <vector>

#include "base/check.h"
#include "netfilter/tls_hello.h"
#include "tests/fuzz/split_points.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static std::vector<std::uint8_t> scratch(kTlsHelloSizeMax);
  const std::span stream(data + 1, size - 1);
  TlsHello whole_hello;
  const TlsHelloStatus whole = TlsHelloReader().read(stream, scratch, whole_hello);

  TlsHelloReader reader;
  TlsHello hello;
  TlsHelloStatus status = TlsHelloStatus::need_more;
  fuzz::SplitPoints split(data[0]);
  std::size_t shown = 0;
  while (status == TlsHelloStatus::need_more && shown < stream.size()) {
    shown = split.next(shown, stream.size());
    status = reader.read(stream.first(shown), scratch, hello);
  }
  CHECK(status == whole);
  CHECK(hello.server_name == whole_hello.server_name);
  CHECK(hello.has_encrypted_hello == whole_hello.has_encrypted_hello);
  if (whole == TlsHelloStatus::server_name) {
    const auto again = HostName::parse(hello.server_name.view());
    CHECK(again && *again == hello.server_name);
  }
  return 0;
}
