// A head read whole and read in pieces must come to the same result, host and ends.
#include "base/check.h"
#include "netfilter/http_host.h"
#include "tests/fuzz/split_points.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span stream(data + 1, size - 1);
  HttpHead whole_head;
  const HttpHeadStatus whole = HttpHeadReader().read(stream, whole_head);

  HttpHeadReader reader;
  HttpHead head;
  HttpHeadStatus status = HttpHeadStatus::need_more;
  fuzz::SplitPoints split(data[0]);
  std::size_t shown = 0;
  while (status == HttpHeadStatus::need_more && shown < stream.size()) {
    shown = split.next(shown, stream.size());
    status = reader.read(stream.first(shown), head);
  }
  CHECK(status == whole);
  CHECK(head.head_size <= shown);
  if (status == HttpHeadStatus::host) {
    CHECK(head.host == whole_head.host && head.port == whole_head.port);
    CHECK(head.head_size == whole_head.head_size && head.content_size == whole_head.content_size);
  }
  return 0;
}
