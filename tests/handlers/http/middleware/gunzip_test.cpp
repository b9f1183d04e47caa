#include "handlers/http/middleware/gunzip.h"

#include <boost/test/unit_test.hpp>
#include <utility>

#include "tests/support/zlib_text.h"

using namespace picortex;

namespace {

std::string gzip(std::string text) { return test::deflated(std::move(text), test::kGzip); }

struct GunzipFixture {
  GunzipOutcome read(std::string_view compressed, std::size_t size_max = 1 << 20) {
    return gunzip(compressed, size_max, out);
  }

  std::string out = "what was there before";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(gunzip_text, GunzipFixture)

BOOST_AUTO_TEST_CASE(compressed_content_is_restored) {
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

BOOST_AUTO_TEST_CASE(members_follow_each_other_and_nothing_else_does) {
  BOOST_TEST(bool(read(gzip("a") + "x") == GunzipOutcome::broken));
  BOOST_TEST(bool(read(gzip("a") + gzip("b")) == GunzipOutcome::whole));
  BOOST_TEST(out == "ab");
}

BOOST_AUTO_TEST_CASE(other_formats_of_zlib_are_rejected) {
  BOOST_TEST(bool(read(test::deflated("text", test::kZlib)) == GunzipOutcome::broken));
  BOOST_TEST(bool(read(test::deflated("text", test::kRawDeflate)) == GunzipOutcome::broken));
}

BOOST_AUTO_TEST_SUITE_END()
