#include "handlers/gunzip.h"

#include <zlib.h>

#include <algorithm>

#include "base/check.h"

namespace picortex {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, and a gzip header around it
constexpr std::size_t kFirstSize = 64 * 1024;

class Inflater {
 public:
  explicit Inflater(std::string_view compressed) {
    // zlib only reads there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream_.avail_in = static_cast<uInt>(compressed.size());
    CHECK(inflateInit2(&stream_, kGzipWindowBits) == Z_OK);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  // Fills `out` from `begin` to its end, as far as it goes; answers zlib's code.
  int fill(std::string& out, std::size_t begin) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
    stream_.avail_out = static_cast<uInt>(out.size() - begin);
    return inflate(&stream_, Z_NO_FLUSH);
  }

  std::size_t size() const noexcept { return stream_.total_out; }
  bool has_input() const noexcept { return stream_.avail_in > 0; }

 private:
  z_stream stream_{};
};

}  // namespace

GunzipOutcome gunzip(std::string_view compressed, std::size_t size_max, std::string& out) {
  CHECK(compressed.size() < kGzipSizeMax && size_max < kGzipSizeMax);
  Inflater inflater(compressed);
  // One byte more than is allowed tells what is too large.
  out.resize(std::min(kFirstSize, size_max + 1));
  while (true) {
    const int code = inflater.fill(out, inflater.size());
    if (inflater.size() > size_max) return GunzipOutcome::too_large;
    if (code == Z_STREAM_END) break;
    if (code != Z_OK || inflater.size() < out.size()) return GunzipOutcome::broken;
    out.resize(std::min(out.size() * 2, size_max + 1));
  }
  out.resize(inflater.size());
  return inflater.has_input() ? GunzipOutcome::broken : GunzipOutcome::whole;
}

}  // namespace picortex
