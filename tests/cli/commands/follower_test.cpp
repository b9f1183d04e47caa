#include "cli/commands/follower.h"

#include <functional>

#include "storage/event_id.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

struct FollowerFixture : StoreFixture {
  FollowerFixture() { open(); }

  void put_at(std::int64_t time_ms) { put(event("live", time_ms)); }

  // Follows from the newest `count` events.
  void start(std::size_t count) {
    event_reader = get(EventReader::open(directory));
    const std::int64_t last = get(event_reader->last_arrival());
    before_rows();
    EventQuery query(*event_reader, {});
    std::vector<EventRow> shown;
    get(query.run(shown, {.rows_max = count, .time_max = std::chrono::seconds(60)}));
    follower.emplace(*event_reader, EventFilter(), last, shown);
  }

  // Milliseconds after kNow of all that is new.
  std::vector<std::int64_t> look() {
    std::vector<EventRow> rows;
    while (get(follower->look(rows, 3))) {
    }
    std::vector<std::int64_t> times;
    for (const EventRow& row : rows) times.push_back(row.time_ms - kNow);
    return times;
  }

  std::function<void()> before_rows = [] {};
  std::unique_ptr<EventReader> event_reader;
  std::optional<Follower> follower;
};

using Times = std::vector<std::int64_t>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(follower, FollowerFixture)

BOOST_AUTO_TEST_CASE(shown_events_are_not_new_and_arrivals_are_found_once) {
  for (const int ms : {-3000, -2000, -1000}) put_at(kNow + ms);
  start(1);
  BOOST_TEST(look().empty());
  put_at(kNow);
  put_at(kNow);
  BOOST_TEST((look() == Times{0, 0}));
  BOOST_TEST(look().empty());
  for (int i = 1; i <= 10; ++i) put_at(kNow + i);
  BOOST_TEST((look() == Times{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

BOOST_AUTO_TEST_CASE(late_events_are_found_however_late_they_are) {
  put_at(kNow - 100'000);
  start(10);
  put_at(kNow + 1000);
  BOOST_TEST((look() == Times{1000}));
  put_at(kNow - 60'000);
  put_at(kNow - 30 * kDay);
  BOOST_TEST((look() == Times{-60'000, -30 * kDay}));
}

BOOST_AUTO_TEST_CASE(what_comes_while_the_page_is_read_is_shown_once) {
  put_at(kNow);
  before_rows = [this] {
    put_at(kNow + 1);
    put_at(kNow - kDay);  // beyond the page
  };
  start(2);
  BOOST_TEST((look() == Times{-kDay}));
}

BOOST_AUTO_TEST_CASE(an_event_of_the_future_hides_none_of_the_present) {
  start(10);
  put_at(kNow + kDay);
  BOOST_TEST((look() == Times{kDay}));
  put_at(kNow);
  BOOST_TEST((look() == Times{0}));
}

BOOST_AUTO_TEST_CASE(a_flood_is_followed_to_its_end) {
  start(10);
  for (int round = 0; round < 3; ++round) {
    get(store->begin(kNow));
    for (int i = 0; i < 3000; ++i) get(store->append(event("live", kNow)));
    get(store->commit());
    std::vector<EventRow> rows;
    while (get(follower->look(rows, 1000))) {
    }
    BOOST_TEST(rows.size() == 3000u);
  }
  put_at(kNow);
  BOOST_TEST((look() == Times{0}));
}

BOOST_AUTO_TEST_SUITE_END()
