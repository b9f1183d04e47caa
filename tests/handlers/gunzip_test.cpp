#include "handlers/gunzip.h"

#include <zlib.h>

#include <boost/test/unit_test.hpp>

using namespace picortex;

namespace {

std::string gzip(std::string text, int window_bits = 15 + 16) {
  z_stream stream{};
  BOOST_REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  BOOST_REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Fixture {
  GunzipOutcome read(std::string_view compressed, std::size_t size_max = 1 << 20) {
    return gunzip(compressed, size_max, out);
  }

  std::string out = "what was there before";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(gunzip_text, Fixture)

BOOST_AUTO_TEST_CASE(what_was_compressed_comes_back) {
  for (const std::size_t size : {0, 1, 65535, 65536, 65537, 131072, 1 << 20}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * i % 251);
    BOOST_TEST(bool(read(gzip(text)) == GunzipOutcome::whole), size);
    BOOST_TEST((out == text), size);
  }
}

BOOST_AUTO_TEST_CASE(the_limit_is_a_size_that_is_allowed) {
  for (const std::size_t size : {0, 1, 100, 65535, 65536, 65537, 200'000}) {
    const std::string compressed = gzip(std::string(size, 'x'));
    BOOST_TEST(bool(read(compressed, size) == GunzipOutcome::whole), size);
    BOOST_TEST(out.size() == size);
    if (size == 0) continue;
    BOOST_TEST(bool(read(compressed, size - 1) == GunzipOutcome::too_large), size);
  }
}

BOOST_AUTO_TEST_CASE(a_bomb_takes_no_more_than_the_limit) {
  const std::string bomb = gzip(std::string(64 << 20, '\0'));
  BOOST_TEST(bomb.size() < 100'000u);
  BOOST_TEST(bool(read(bomb, 1 << 20) == GunzipOutcome::too_large));
  BOOST_TEST(out.capacity() <= 2u << 20);
}

BOOST_AUTO_TEST_CASE(what_is_cut_short_or_damaged_is_broken) {
  const std::string text(70'000, 'x');
  const std::string compressed = gzip(text);
  for (std::size_t size = 0; size < compressed.size(); ++size) {
    BOOST_TEST(bool(read(compressed.substr(0, size)) == GunzipOutcome::broken), size);
  }
  std::string damaged = compressed;
  damaged[damaged.size() - 5] ^= 1;  // of the checksum
  BOOST_TEST(bool(read(damaged) == GunzipOutcome::broken));
  BOOST_TEST(bool(read("{}\n") == GunzipOutcome::broken));
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_end_are_refused) {
  BOOST_TEST(bool(read(gzip("a") + "x") == GunzipOutcome::broken));
  BOOST_TEST(bool(read(gzip("a") + gzip("b")) == GunzipOutcome::broken));
}

BOOST_AUTO_TEST_CASE(other_formats_of_zlib_are_refused) {
  BOOST_TEST(bool(read(gzip("text", 15)) == GunzipOutcome::broken));
  BOOST_TEST(bool(read(gzip("text", -15)) == GunzipOutcome::broken));
}

BOOST_AUTO_TEST_SUITE_END()
