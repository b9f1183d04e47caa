#include "handlers/http/middleware/gunzip.h"

#include <zlib.h>

#include <algorithm>

#include "base/check.h"

namespace picortex {
namespace {

// The largest window, plus the kind of wrapper around the data.
constexpr int kZlibWindowBits = 15;
constexpr int kRawWindowBits = -15;
constexpr int kGzipWindowBits = 15 + 16;
constexpr std::size_t kInflatedSizeFirst = 64 * 1024;

class Inflater {
 public:
  Inflater(std::string_view compressed, int window_bits) {
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream_.avail_in = static_cast<uInt>(compressed.size());
    CHECK(inflateInit2(&stream_, window_bits) == Z_OK);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  // Fills `out` from size() to its end, as far as the input allows. Returns zlib's code.
  int fill(std::string& out) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + size_);
    stream_.avail_out = static_cast<uInt>(out.size() - size_);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    size_ = out.size() - stream_.avail_out;
    return code;
  }

  // Continues with the next member, whose output is appended.
  void begin_next_member() { CHECK(inflateReset(&stream_) == Z_OK); }

  std::size_t size() const noexcept { return size_; }
  bool has_input() const noexcept { return stream_.avail_in > 0; }

 private:
  z_stream stream_{};
  std::size_t size_ = 0;  // of all members' output so far
};

GunzipOutcome inflate_all(Inflater& inflater, bool takes_members, std::size_t size_max,
                          std::string& out) {
  // One byte more than allowed: filling it shows that the content is too large.
  out.resize(std::min(kInflatedSizeFirst, size_max + 1));
  while (true) {
    const int code = inflater.fill(out);
    if (inflater.size() > size_max) return GunzipOutcome::too_large;
    if (code == Z_STREAM_END) {
      if (!inflater.has_input()) break;
      if (!takes_members) return GunzipOutcome::broken;
      // Each member takes at least 18 bytes of the input, so this ends.
      inflater.begin_next_member();
      continue;
    }
    // Z_BUF_ERROR: the previous member filled `out` exactly.
    const bool is_full = inflater.size() == out.size();
    if ((code != Z_OK && code != Z_BUF_ERROR) || !is_full) return GunzipOutcome::broken;
    out.resize(std::min(out.size() * 2, size_max + 1));
  }
  out.resize(inflater.size());
  return GunzipOutcome::whole;
}

// Recognizes the two bytes that begin a zlib stream: its method, and a check of both (RFC 1950,
// section 2.2).
bool has_zlib_header(std::string_view text) {
  if (text.size() < 2) return false;
  const unsigned first = static_cast<unsigned char>(text[0]);
  const unsigned second = static_cast<unsigned char>(text[1]);
  return (first & 0x0f) == 8 && (first * 256 + second) % 31 == 0;
}

}  // namespace

GunzipOutcome gunzip(std::string_view compressed, std::size_t size_max, std::string& out) {
  CHECK(compressed.size() < kGzipSizeMax && size_max < kGzipSizeMax);
  Inflater inflater(compressed, kGzipWindowBits);
  return inflate_all(inflater, true, size_max, out);
}

GunzipOutcome inflate_deflate(std::string_view compressed, std::size_t size_max, std::string& out) {
  CHECK(compressed.size() < kGzipSizeMax && size_max < kGzipSizeMax);
  Inflater inflater(compressed, has_zlib_header(compressed) ? kZlibWindowBits : kRawWindowBits);
  return inflate_all(inflater, false, size_max, out);
}

}  // namespace picortex
