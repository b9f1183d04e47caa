#include "netfilter/wire/tcp_reassembler.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(stream)

using enum picortex::TcpReassembler::Added;

namespace {

std::string held(const TcpReassembler& stream) {
  const auto bytes = stream.contiguous();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(puts_segments_in_order_across_the_wrap_of_sequence_numbers) {
  for (const std::uint32_t base : {0u, 1000u, 0x7ffffffeu, 0xfffffffcu}) {
    TcpReassembler stream(base);
    BOOST_TEST((stream.add(base + 8, bytes_of("89")) == ok));
    BOOST_TEST((stream.add(base + 4, bytes_of("4567")) == ok));
    BOOST_TEST(held(stream) == "");
    BOOST_TEST((stream.add(base, bytes_of("0123")) == ok));
    BOOST_TEST(held(stream) == "0123456789");
  }
}

BOOST_AUTO_TEST_CASE(takes_duplicates_that_say_the_same) {
  TcpReassembler stream(100);
  BOOST_TEST((stream.add(102, bytes_of("cde")) == ok));
  BOOST_TEST((stream.add(106, bytes_of("g")) == ok));
  BOOST_TEST((stream.add(100, bytes_of("abcdefgh")) == ok));
  BOOST_TEST((stream.add(103, bytes_of("de")) == ok));
  BOOST_TEST((stream.add(98, bytes_of("..ab")) == ok));
  BOOST_TEST((stream.add(90, bytes_of("..")) == ok));
  BOOST_TEST(held(stream) == "abcdefgh");
}

BOOST_AUTO_TEST_CASE(denies_two_versions_of_the_same_bytes) {
  for (const std::uint32_t at : {100u, 101u, 103u}) {
    TcpReassembler stream(100);
    BOOST_TEST((stream.add(100, bytes_of("abcd")) == ok));
    BOOST_TEST((stream.add(at, bytes_of("XY")) == conflict));
  }
  TcpReassembler ahead(100);
  BOOST_TEST((ahead.add(104, bytes_of("efgh")) == ok));
  BOOST_TEST((ahead.add(100, bytes_of("abcdeX")) == conflict));
}

BOOST_AUTO_TEST_CASE(holds_64_kib_and_64_holes) {
  const std::string most(TcpReassembler::kStreamSizeMax, 'x');
  TcpReassembler full(0);
  BOOST_TEST((full.add(0, bytes_of(most)) == ok));
  BOOST_TEST((full.add(TcpReassembler::kStreamSizeMax, bytes_of("x")) == too_long));
  TcpReassembler far(0);
  BOOST_TEST((far.add(TcpReassembler::kStreamSizeMax - 1, bytes_of("xx")) == too_long));
  BOOST_TEST((far.add(0x7fffffff, bytes_of("x")) == too_long));
  TcpReassembler holes(0);
  for (std::uint32_t i = 0; i <= TcpReassembler::kGapsMax; ++i) {
    BOOST_TEST((holes.add(2 * i + 1, bytes_of("x")) == ok));
  }
  BOOST_TEST((holes.add(4000, bytes_of("x")) == too_many_gaps));
}

BOOST_AUTO_TEST_CASE(expires_what_was_consumed) {
  TcpReassembler stream(0xfffffffe);
  BOOST_TEST((stream.add(0xfffffffe, bytes_of("abcdef")) == ok));
  BOOST_TEST((stream.add(6, bytes_of("ij")) == ok));
  stream.consume(2);
  BOOST_TEST(held(stream) == "cdef");
  stream.consume(4);
  BOOST_TEST(held(stream) == "");
  BOOST_TEST(!stream.empty());
  BOOST_TEST((stream.add(2, bytes_of("efgh")) == ok));
  BOOST_TEST(held(stream) == "ghij");
  stream.consume(4);
  BOOST_TEST(stream.empty());
  BOOST_TEST(stream.memory_size() == 0u);
  stream.skip(5);
  BOOST_TEST(stream.base() == 13u);
}

BOOST_AUTO_TEST_SUITE_END()
