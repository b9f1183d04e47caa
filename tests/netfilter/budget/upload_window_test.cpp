#include "netfilter/budget/upload_window.h"

#include <boost/test/unit_test.hpp>

#include "base/time/durations.h"

BOOST_AUTO_TEST_SUITE(upload_window)

namespace {

using namespace picortex;

constexpr std::int64_t kSlotMs = kHourMs / UploadWindow::kSlotsPerWindow;

BOOST_AUTO_TEST_CASE(what_was_sent_counts_for_a_whole_window_and_at_most_a_slot_longer) {
  // At the beginning of a slot, in the midst of it, and at its end.
  for (const std::int64_t at : {std::int64_t{0}, kSlotMs / 2, kSlotMs - 1}) {
    UploadWindow window;
    const std::int64_t sent_ms = 1000 * kHourMs + at;
    window.add(500, sent_ms, kHourMs);
    BOOST_TEST(window.sum(sent_ms, kHourMs) == 500);
    BOOST_TEST(window.sum(sent_ms + kHourMs, kHourMs) == 500);
    BOOST_TEST(window.sum(sent_ms + kHourMs + kSlotMs, kHourMs) == 0);
  }
}

BOOST_AUTO_TEST_CASE(no_stretch_as_long_as_the_window_has_more_than_the_sum_at_its_end) {
  UploadWindow window;
  std::vector<std::pair<std::int64_t, std::int64_t>> sent;
  std::int64_t now_ms = 500 * kHourMs + 17;
  for (int i = 0; i < 2000; ++i) {
    now_ms += (i * 7919) % 20'000;
    window.add(i % 100, now_ms, kHourMs);
    sent.emplace_back(now_ms, i % 100);
    std::int64_t exact = 0;
    std::int64_t with_a_slot = 0;
    for (const auto& [time_ms, bytes] : sent) {
      if (time_ms >= now_ms - kHourMs) exact += bytes;
      if (time_ms > now_ms - kHourMs - kSlotMs) with_a_slot += bytes;
    }
    const std::int64_t sum = window.sum(now_ms, kHourMs);
    BOOST_REQUIRE(sum >= exact);
    BOOST_REQUIRE(sum <= with_a_slot);
  }
  BOOST_TEST(window.slots().size() <= UploadWindow::kSlotsPerWindow + 2);
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_loses_nothing) {
  UploadWindow window;
  window.add(100, 10 * kHourMs, kHourMs);
  window.add(200, 5 * kHourMs, kHourMs);
  BOOST_TEST(window.sum(5 * kHourMs, kHourMs) == 300);
  BOOST_TEST(window.sum(10 * kHourMs, kHourMs) == 300);
}

BOOST_AUTO_TEST_CASE(another_length_keeps_what_was_counted) {
  UploadWindow window;
  window.add(100, 10 * kHourMs, 24 * kHourMs);
  window.add(50, 11 * kHourMs, kHourMs);
  BOOST_TEST(window.sum(11 * kHourMs, 24 * kHourMs) == 150);
  BOOST_TEST(window.sum(12 * kHourMs, kHourMs) == 50);
}

BOOST_AUTO_TEST_CASE(its_memory_is_bounded_and_drops_nothing_that_counts) {
  UploadWindow window;
  std::int64_t now_ms = 10 * kHourMs;
  for (int i = 0; i < 1000; ++i) window.add(1, now_ms += 2000, 60'000);
  BOOST_TEST(window.slots().size() == UploadWindow::kSlotsMax);
  BOOST_TEST(window.sum(now_ms, 24 * kHourMs) == 1000);
}

BOOST_AUTO_TEST_CASE(the_newest_slots_are_restored_however_many_there_are) {
  UploadWindow window;
  std::int64_t end_ms = 10 * kHourMs;
  for (int i = 0; i < 1000; ++i) {
    end_ms += 1000;
    for (int bytes = 1; bytes <= 3; ++bytes) window.restore(end_ms, bytes);
  }
  BOOST_TEST(window.slots().size() == UploadWindow::kSlotsMax);
  BOOST_TEST(window.sum(end_ms, 24 * kHourMs) == 3000);
  BOOST_TEST(window.sum(end_ms, 60'000) == 60 * 3);
}

BOOST_AUTO_TEST_CASE(a_slot_is_restored_as_was_said_last) {
  UploadWindow window;
  window.restore(2 * kHourMs, 100);
  window.restore(1 * kHourMs, 10);
  window.restore(2 * kHourMs, 300);
  window.restore(2 * kHourMs, 200);
  BOOST_TEST(window.sum(2 * kHourMs, 24 * kHourMs) == 210);
  BOOST_TEST(window.slots().front().end_ms == kHourMs);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
