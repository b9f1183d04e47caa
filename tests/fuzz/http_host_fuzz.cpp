// A head read whole and read in pieces must come to the same result, host and ends.
#include "base/check.h"
#include "netfilter/wire/http_host.h"
#include "tests/fuzz/split_points.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span stream(data + 1, size - 1);
  HttpHead whole;
  const HttpHeadStatus status = HttpHeadReader().read(stream, whole);

  HttpHeadReader reader;
  HttpHead head;
  const auto read = [&](auto shown) { return reader.read(shown, head); };
  CHECK(fuzz::read_in_pieces(data[0], stream, HttpHeadStatus::need_more, read) == status);
  CHECK(whole.head_size <= stream.size());
  if (status == HttpHeadStatus::host) {
    CHECK(head.host == whole.host && head.port == whole.port);
    CHECK(head.head_size == whole.head_size && head.content_size == whole.content_size);
  }
  return 0;
}
