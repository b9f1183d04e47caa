// Compressed bodies of every coding: never more than the limit, in one piece.
#include <cstdint>

#include "base/check.h"
#include "handlers/http/middleware/content_coding.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kSizeMax = 100'000;
  static std::string out;
  for (const ContentCoding coding :
       {ContentCoding::gzip, ContentCoding::deflate, ContentCoding::brotli, ContentCoding::zstd}) {
    const auto outcome =
        decompress(coding, {reinterpret_cast<const char*>(data), size}, kSizeMax, out);
    CHECK(out.size() <= kSizeMax + 1);
    CHECK(outcome != GunzipOutcome::whole || out.size() <= kSizeMax);
  }
  return 0;
}
