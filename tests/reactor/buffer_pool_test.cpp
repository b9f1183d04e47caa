#include "reactor/buffer_pool.h"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/forked_abort.h"
#include "tests/support/scripted_loop.h"

using namespace picortex;
using test::Request;

namespace {

constexpr int kSocket = 1000;
constexpr std::uint32_t kBufferSize = 16;

struct PoolFixture : test::ScriptedLoop {
  ~PoolFixture() {
    if (!operation.in_flight()) return;
    script.complete(Request::Kind::receive, kSocket, 0);
    reactor->iterate();
  }

  BufferPool pool_of(std::uint32_t count) {
    auto made = BufferPool::create(reactor->ring(), count, kBufferSize);
    BOOST_REQUIRE(made.has_value());
    return std::move(*made);
  }

  void on_receive(const Completion& completion) noexcept {
    if (completion.result < 0) {
      errors.push_back(completion.result);
    } else if (pool != nullptr) {
      const BufferLease lease(*pool, completion);
      text.append(lease.bytes().data(), lease.bytes().size());
    }
  }

  BufferPool* pool = nullptr;
  std::string text;
  std::vector<int> errors;
  Operation operation = Operation::to<&PoolFixture::on_receive>(*this);
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(buffer_pool, PoolFixture)

BOOST_AUTO_TEST_CASE(gives_few_buffers_at_first_and_twice_as_many_each_time) {
  BufferPool made = pool_of(256);
  BOOST_TEST(made.count_in_use() == 64u);
  made.grow();
  BOOST_TEST(made.count_in_use() == 128u);
  made.recycle(64);
  made.grow();
  made.recycle(255);
  made.grow();
  BOOST_TEST(made.count_in_use() == 256u);
}

BOOST_AUTO_TEST_CASE(a_shortage_that_many_operations_report_of_makes_it_grow_once) {
  BufferPool made = pool_of(512);
  for (int i = 0; i < 40; ++i) made.grow();
  BOOST_TEST(made.count_in_use() == 128u);
  made.recycle(63);
  made.grow();
  BOOST_TEST(made.count_in_use() == 128u);
  made.recycle(64);
  made.grow();
  BOOST_TEST(made.count_in_use() == 256u);
}

BOOST_AUTO_TEST_CASE(a_small_pool_gives_all_at_once) {
  BOOST_TEST(pool_of(4).count_in_use() == 4u);
}

BOOST_AUTO_TEST_CASE(what_is_received_is_read_whole_and_in_order) {
  BufferPool made = pool_of(4);
  pool = &made;
  reactor->ring().receive_multishot(operation, kSocket, made);
  BOOST_TEST(script.receive(kSocket, "the quick brown fox jumps over the lazy dog"));
  reactor->iterate();
  BOOST_TEST(text == "the quick brown fox jumps over the lazy dog");
}

BOOST_AUTO_TEST_CASE(leases_give_their_buffers_back_for_ever) {
  BufferPool made = pool_of(2);
  pool = &made;
  reactor->ring().receive_multishot(operation, kSocket, made);
  // Beyond 65536: the ring's tail is 16 bits wide and wraps.
  for (int round = 0; round < 70'000; ++round) {
    text.clear();
    BOOST_REQUIRE(script.receive(kSocket, std::to_string(round)));
    reactor->iterate();
    BOOST_REQUIRE(text == std::to_string(round));
  }
}

BOOST_AUTO_TEST_CASE(an_exhausted_pool_says_so_until_it_grows) {
  BufferPool made = pool_of(128);
  reactor->ring().receive_multishot(operation, kSocket, made);
  // These 64 are never given back.
  BOOST_TEST(script.receive(kSocket, std::string(64 * kBufferSize, 'x')));
  BOOST_TEST(!script.receive(kSocket, "y"));
  reactor->iterate();
  BOOST_TEST(errors == (std::vector{-ENOBUFS}), boost::test_tools::per_element());
  made.grow();
  pool = &made;
  reactor->ring().receive_multishot(operation, kSocket, made);
  BOOST_TEST(script.receive(kSocket, "y"));
  reactor->iterate();
  BOOST_TEST(text == "y");
}

BOOST_AUTO_TEST_CASE(each_pool_of_a_ring_has_a_group_of_its_own) {
  BufferPool first = pool_of(2);
  std::optional<BufferPool> second = pool_of(2);
  BufferPool third = pool_of(2);
  BOOST_TEST(first.group() != second->group());
  BOOST_TEST(first.group() != third.group());
  BOOST_TEST(second->group() != third.group());
  // The number of one that has gone is given again.
  const std::uint16_t freed = second->group();
  second.reset();
  BOOST_TEST(pool_of(2).group() == freed);
}

BOOST_AUTO_TEST_CASE(a_lease_without_a_buffer_is_empty) {
  BufferPool made = pool_of(2);
  const BufferLease lease(made, {.result = 0, .more = false, .buffer = Completion::kNoBuffer});
  BOOST_TEST(lease.bytes().empty());
}

BOOST_AUTO_TEST_CASE(giving_back_a_buffer_that_was_never_given_aborts) {
  BufferPool made = pool_of(2);
  BOOST_TEST(test::aborts([&] { made.recycle(2); }));
  BOOST_TEST(test::aborts([&] { made.recycle(-1); }));
}

BOOST_AUTO_TEST_SUITE_END()
