#include "storage/sqlite/wal_write_coalescer.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

namespace {

constexpr std::size_t kPageSize = 4096;
constexpr std::int64_t kFrameSize = 24 + kPageSize;
constexpr std::int64_t kLogHeaderSize = 32;

std::int64_t offset_of(int frame) { return kLogHeaderSize + frame * kFrameSize; }

struct GathererFixture {
  bool take_header(int frame, bool is_commit = false) {
    std::string header(24, 'h');
    header.replace(4, 4, is_commit ? std::string("\0\0\1\0", 4) : std::string(4, '\0'));
    return gatherer.take(header.data(), header.size(), offset_of(frame));
  }
  bool take_page(int frame) {
    const std::string page(kPageSize, static_cast<char>('a' + frame));
    return gatherer.take(page.data(), page.size(), offset_of(frame) + 24);
  }
  bool take_frame(int frame, bool is_commit = false) {
    return take_header(frame, is_commit) && take_page(frame);
  }

  WalWriteCoalescer gatherer;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(frame_gatherer, GathererFixture)

BOOST_AUTO_TEST_CASE(frames_gather_until_the_one_that_commits) {
  BOOST_TEST(take_frame(7));
  BOOST_TEST(take_frame(8));
  BOOST_TEST(!gatherer.is_due());
  BOOST_TEST(take_header(9, true));
  BOOST_TEST(!gatherer.is_due());
  BOOST_TEST(take_page(9));
  BOOST_TEST(gatherer.is_due());
  BOOST_TEST(gatherer.offset() == offset_of(7));
  BOOST_REQUIRE(gatherer.bytes().size() == 3 * kFrameSize);
  BOOST_TEST(gatherer.bytes()[kFrameSize] == 'h');
  BOOST_TEST(gatherer.bytes().back() == 'a' + 9);
}

BOOST_AUTO_TEST_CASE(it_is_due_before_a_frame_would_not_fit) {
  int frames = 0;
  while (!gatherer.is_due()) {
    BOOST_REQUIRE(take_frame(frames));
    ++frames;
  }
  BOOST_TEST(frames == WalWriteCoalescer::kSizeMax / kFrameSize);
  gatherer.clear();
  BOOST_TEST(take_frame(frames));
  BOOST_TEST(gatherer.offset() == offset_of(frames));
}

BOOST_AUTO_TEST_CASE(the_logs_header_is_not_taken_and_the_frame_after_it_is) {
  const std::string header(kLogHeaderSize, 'l');
  BOOST_TEST(!gatherer.take(header.data(), header.size(), 0));
  BOOST_TEST(take_frame(0, true));
  BOOST_TEST(gatherer.is_due());
}

BOOST_AUTO_TEST_CASE(what_lies_before_something_written_is_not_taken) {
  BOOST_TEST(take_frame(0));
  BOOST_TEST(take_frame(1));
  gatherer.clear();
  BOOST_TEST(!take_page(0));
  BOOST_TEST(!take_header(0, true));
  BOOST_TEST(take_frame(2, true));
}

BOOST_AUTO_TEST_CASE(nothing_is_taken_across_a_hole) {
  BOOST_TEST(take_frame(0));
  BOOST_TEST(!take_header(2));
  gatherer.clear();
  BOOST_TEST(!take_page(2));
  BOOST_TEST(take_frame(3));
}

BOOST_AUTO_TEST_CASE(a_page_larger_than_the_room_is_not_taken) {
  const std::string page(WalWriteCoalescer::kSizeMax, 'p');
  BOOST_TEST(take_header(0));
  BOOST_TEST(!gatherer.take(page.data(), page.size(), offset_of(0) + 24));
  BOOST_TEST(gatherer.bytes().size() == 24);
}

BOOST_AUTO_TEST_CASE(a_transaction_knows_nothing_of_the_one_before) {
  BOOST_TEST(take_frame(5));
  gatherer.reset();
  BOOST_TEST(gatherer.is_empty());
  BOOST_TEST(take_frame(2, true));
  BOOST_TEST(gatherer.offset() == offset_of(2));
}

BOOST_AUTO_TEST_SUITE_END()
