#include "handlers/http/middleware/content_coding.h"

#include <brotli/encode.h>
#include <zstd.h>

#include <boost/test/unit_test.hpp>
#include <utility>
#include <vector>

#include "tests/support/zlib_text.h"

using namespace picortex;

namespace {

constexpr std::size_t kSizeMax = 4 << 20;

std::string with_brotli(const std::string& text) {
  std::size_t size = BrotliEncoderMaxCompressedSize(text.size()) + 64;
  std::string out(size, '\0');
  BOOST_REQUIRE(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, text.size(),
                                      reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                                      reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_TRUE);
  out.resize(size);
  return out;
}

std::string with_zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  BOOST_REQUIRE(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

std::string compressed(ContentCoding coding, const std::string& text) {
  switch (coding) {
    case ContentCoding::gzip:
      return test::deflated(text, test::kGzip);
    case ContentCoding::deflate:
      return test::deflated(text, test::kZlib);
    case ContentCoding::brotli:
      return with_brotli(text);
    default:
      return with_zstd(text);
  }
}

constexpr ContentCoding kAll[] = {ContentCoding::gzip, ContentCoding::deflate,
                                  ContentCoding::brotli, ContentCoding::zstd};

// What does not compress well, so that the input is as long as the output.
std::string varied(std::size_t size) {
  std::string text;
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>(state >> 24);
  }
  return text;
}

struct ContentCodingFixture {
  GunzipOutcome read(ContentCoding coding, std::string_view text, std::size_t size_max = kSizeMax) {
    return decompress(coding, text, size_max, out);
  }

  std::string out = "what was there before";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(content_coding, ContentCodingFixture)

BOOST_AUTO_TEST_CASE(a_field_names_one_coding_in_any_case) {
  using enum ContentCoding;
  const std::pair<const char*, ContentCoding> fields[] = {
      {"", identity},           {"identity", identity}, {"gzip", gzip},
      {"X-GZip", gzip},         {"BR", brotli},         {"deflate", deflate},
      {"identity, br", brotli}, {" zstd ,", zstd},      {"gzip,identity", gzip}};
  for (const auto& [field, coding] : fields) {
    BOOST_TEST(bool(parse_content_coding(field) == coding), field);
  }
  for (const char* unknown : {"compress", "gzip, br", "gzip gzip", "*", "br;q=1", "gzi", "gzipp"}) {
    BOOST_TEST(!parse_content_coding(unknown).has_value(), unknown);
  }
}

BOOST_AUTO_TEST_CASE(compressed_content_is_restored) {
  for (const ContentCoding coding : kAll) {
    for (const std::size_t size : {0, 1, 100, 65535, 65536, 65537, 131072, 1 << 20}) {
      const std::string text = varied(size);
      BOOST_TEST(bool(read(coding, compressed(coding, text)) == GunzipOutcome::whole),
                 int(coding) << ' ' << size);
      BOOST_TEST((out == text));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_limit_is_a_size_that_is_allowed) {
  for (const ContentCoding coding : kAll) {
    for (const std::size_t size : {0, 1, 100, 65535, 65536, 65537, 200'000}) {
      const std::string text = compressed(coding, std::string(size, 'x'));
      BOOST_TEST(bool(read(coding, text, size) == GunzipOutcome::whole), int(coding)
                                                                             << ' ' << size);
      BOOST_TEST(out.size() == size);
      if (size == 0) continue;
      BOOST_TEST(bool(read(coding, text, size - 1) == GunzipOutcome::too_large), size);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_bomb_takes_no_more_than_the_limit) {
  for (const ContentCoding coding : kAll) {
    const std::string bomb = compressed(coding, std::string(64 << 20, '\0'));
    BOOST_TEST(bomb.size() < 100'000u);
    std::string().swap(out);
    BOOST_TEST(bool(read(coding, bomb, 1 << 20) == GunzipOutcome::too_large), int(coding));
    BOOST_TEST(out.capacity() <= 2u << 20);
  }
}

BOOST_AUTO_TEST_CASE(what_is_cut_short_or_damaged_is_broken) {
  for (const ContentCoding coding : kAll) {
    const std::string text = compressed(coding, varied(3000) + std::string(70'000, 'x'));
    for (std::size_t size = 0; size < text.size(); ++size) {
      BOOST_TEST(bool(read(coding, text.substr(0, size)) == GunzipOutcome::broken),
                 int(coding) << ' ' << size);
    }
    BOOST_TEST(bool(read(coding, text + "\x01") == GunzipOutcome::broken), int(coding));
    for (const char* none : {"{}\n", "hello, this is no such thing", "\xff\xff\xff\xff\xff"}) {
      BOOST_TEST(bool(read(coding, none) == GunzipOutcome::broken), int(coding) << none);
    }
  }
}

BOOST_AUTO_TEST_CASE(gzip_and_zstd_are_series) {
  for (const ContentCoding coding : {ContentCoding::gzip, ContentCoding::zstd}) {
    const auto one = [coding](const std::string& text) { return compressed(coding, text); };
    const std::string long_text = varied(65536);
    const std::pair<std::string, std::string> series[] = {
        {one("a") + one("b"), "ab"},
        {one("") + one("") + one("a") + one(""), "a"},
        {one(long_text) + one("b"), long_text + "b"},
        {one(long_text) + one(long_text), long_text + long_text}};
    for (const auto& [text, whole] : series) {
      BOOST_TEST(bool(read(coding, text) == GunzipOutcome::whole), int(coding));
      BOOST_TEST((out == whole));
      BOOST_TEST(bool(read(coding, text, whole.size()) == GunzipOutcome::whole));
      BOOST_TEST(bool(read(coding, text, whole.size() - 1) == GunzipOutcome::too_large));
      BOOST_TEST(bool(read(coding, std::string_view(text).substr(0, text.size() - 1)) ==
                      GunzipOutcome::broken));
    }
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += one("");
    BOOST_TEST(bool(read(coding, many) == GunzipOutcome::whole));
    BOOST_TEST(out.empty());
    const bool is_bounded = coding == ContentCoding::zstd;
    BOOST_TEST((read(coding, many + one("")) == GunzipOutcome::broken) == is_bounded);
  }
  // A frame of metadata, which zstd's decoders pass over.
  const std::string skippable("\x50\x2a\x4d\x18\x02\x00\x00\x00xx", 10);
  BOOST_TEST(bool(read(ContentCoding::zstd, skippable + with_zstd("a")) == GunzipOutcome::whole));
  BOOST_TEST(out == "a");
}

BOOST_AUTO_TEST_CASE(deflate_may_lack_its_wrapper) {
  for (const std::size_t size : {0, 10, 65536, 100'000}) {
    const std::string text = varied(size);
    BOOST_TEST(bool(read(ContentCoding::deflate, test::deflated(text, test::kRawDeflate)) ==
                    GunzipOutcome::whole));
    BOOST_TEST((out == text));
  }
}

BOOST_AUTO_TEST_CASE(a_window_beyond_8_mib_is_rejected) {
  const std::string text(32 << 20, 'x');
  std::string out_text(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 25);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  const std::size_t size =
      ZSTD_compress2(context, out_text.data(), out_text.size(), text.data(), text.size());
  ZSTD_freeCCtx(context);
  BOOST_REQUIRE(!ZSTD_isError(size));
  out_text.resize(size);
  BOOST_TEST(bool(read(ContentCoding::zstd, out_text) == GunzipOutcome::broken));
}

BOOST_AUTO_TEST_SUITE_END()
