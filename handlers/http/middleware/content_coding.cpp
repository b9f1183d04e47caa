#include "handlers/http/middleware/content_coding.h"

#include <brotli/decode.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "base/text.h"

namespace picortex {
namespace {

constexpr std::size_t kFirstSize = 64 * 1024;
// 8 MiB: the window that RFC 8878 asks every decoder to support
constexpr int kZstdWindowLogMax = 23;
// Starting a frame takes a tenth of a microsecond, and as few as 9 bytes of input.
constexpr std::size_t kZstdFramesMax = 10'000;

using Named = std::pair<std::string_view, ContentCoding>;
constexpr std::array<Named, 6> kCodings{{{"identity", ContentCoding::identity},
                                         {"gzip", ContentCoding::gzip},
                                         {"x-gzip", ContentCoding::gzip},
                                         {"deflate", ContentCoding::deflate},
                                         {"br", ContentCoding::brotli},
                                         {"zstd", ContentCoding::zstd}}};

std::optional<ContentCoding> coding_named(std::string_view name) noexcept {
  const auto found = std::ranges::find_if(
      kCodings, [name](const Named& one) { return equals_ignoring_case(one.first, name); });
  return found == kCodings.end() ? std::nullopt : std::optional(found->second);
}

// Makes room after the `size` bytes that `out` holds, up to one byte beyond the limit.
void grow(std::string& out, std::size_t size, std::size_t size_max) {
  if (size == out.size()) out.resize(std::min(std::max(kFirstSize, size * 2), size_max + 1));
}

GunzipOutcome unbrotli(std::string_view compressed, std::size_t size_max, std::string& out) {
  const std::unique_ptr<BrotliDecoderState, decltype(&BrotliDecoderDestroyInstance)> decoder(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), &BrotliDecoderDestroyInstance);
  if (!decoder) return GunzipOutcome::broken;
  const auto* in = reinterpret_cast<const std::uint8_t*>(compressed.data());
  std::size_t in_size = compressed.size();
  std::size_t size = 0;
  out.clear();
  while (true) {
    grow(out, size, size_max);
    auto* to = reinterpret_cast<std::uint8_t*>(out.data()) + size;
    std::size_t room = out.size() - size;
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(decoder.get(), &in_size, &in, &room, &to, nullptr);
    size = out.size() - room;
    if (size > size_max) return GunzipOutcome::too_large;
    if (result == BROTLI_DECODER_RESULT_SUCCESS) break;
    // The input ended early, or is damaged.
    if (result != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) return GunzipOutcome::broken;
  }
  out.resize(size);
  return in_size == 0 ? GunzipOutcome::whole : GunzipOutcome::broken;
}

// A series of frames, as the zstd format allows; skippable ones contain nothing.
GunzipOutcome unzstd(std::string_view compressed, std::size_t size_max, std::string& out) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> decoder(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  if (!decoder || compressed.empty()) return GunzipOutcome::broken;
  CHECK(
      !ZSTD_isError(ZSTD_DCtx_setParameter(decoder.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax)));
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::size_t size = 0;
  std::size_t frames = 0;
  std::size_t wanted = 1;  // 0 exactly at the end of a frame
  out.clear();
  // At the end of a frame its last bytes may still wait for room; `wanted` is not 0 then.
  while (in.pos < in.size || wanted != 0) {
    grow(out, size, size_max);
    ZSTD_outBuffer to{out.data(), out.size(), size};
    const std::size_t in_before = in.pos;
    wanted = ZSTD_decompressStream(decoder.get(), &to, &in);
    if (ZSTD_isError(wanted)) return GunzipOutcome::broken;
    if (wanted == 0 && ++frames > kZstdFramesMax) return GunzipOutcome::broken;
    const bool has_moved = to.pos != size || in.pos != in_before;
    size = to.pos;
    if (size > size_max) return GunzipOutcome::too_large;
    if (!has_moved) return GunzipOutcome::broken;  // truncated
  }
  out.resize(size);
  return GunzipOutcome::whole;
}

}  // namespace

std::optional<ContentCoding> parse_content_coding(std::string_view field) noexcept {
  ContentCoding coding = ContentCoding::identity;
  while (!field.empty()) {
    const std::size_t size = std::min(field.find(','), field.size());
    const std::string_view name = trimmed(field.substr(0, size));
    field.remove_prefix(std::min(size + 1, field.size()));
    if (name.empty()) continue;
    const auto one = coding_named(name);
    if (!one) return std::nullopt;
    if (*one == ContentCoding::identity) continue;
    if (coding != ContentCoding::identity) return std::nullopt;
    coding = *one;
  }
  return coding;
}

GunzipOutcome decompress(ContentCoding coding, std::string_view compressed, std::size_t size_max,
                         std::string& out) {
  CHECK(compressed.size() < kGzipSizeMax && size_max < kGzipSizeMax);
  switch (coding) {
    case ContentCoding::gzip:
      return gunzip(compressed, size_max, out);
    case ContentCoding::deflate:
      return inflate_deflate(compressed, size_max, out);
    case ContentCoding::brotli:
      return unbrotli(compressed, size_max, out);
    case ContentCoding::zstd:
      return unzstd(compressed, size_max, out);
    case ContentCoding::identity:
      break;
  }
  CHECK(coding != ContentCoding::identity);
  return GunzipOutcome::broken;
}

}  // namespace picortex
