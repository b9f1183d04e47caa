#include "ship/batch_freezer.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "ship/encode/json_encoders.h"
#include "temporary_store.h"

namespace picortex::shipping {
namespace {

ShipPosition after(const ShipPosition& position, const FrozenBatch& batch) {
  ShipPosition next = position;
  next.epoch = batch.epoch;
  next.place = batch.to;
  next.complete_ms = batch.complete_ms;
  return next;
}

BOOST_FIXTURE_TEST_SUITE(batch_freezer, ShipFixture)

BOOST_AUTO_TEST_CASE(batches_have_every_event_once_in_order_of_arrival) {
  put_many(25);
  NdjsonEncoder encoder("h");
  BatchFreezer freezer(encoder, {.records_max = 10});
  const auto reader = events();
  ShipPosition position;
  std::set<std::string> lines;
  for (const std::size_t size : {10u, 10u, 5u}) {
    const FrozenBatch batch = get(freezer.freeze(*reader, position, kNow + 5));
    BOOST_TEST(batch.size() == size);
    for (std::size_t i = 0; i < batch.size(); ++i) lines.emplace(batch.slice(i, i + 1));
    position = after(position, batch);
  }
  BOOST_TEST(lines.size() == 25);
  BOOST_TEST(freezer.is_complete());
  BOOST_TEST(position.complete_ms == kNow + 5);
  BOOST_TEST(get(freezer.freeze(*reader, position, kNow)).size() == 0);
}

BOOST_AUTO_TEST_CASE(the_same_place_gives_the_same_bytes) {
  put_many(7, kNow, R"({"a":1})");
  ClickHouseEncoder encoder("h");
  BatchFreezer freezer(encoder, {.records_max = 5});
  const auto reader = events();
  const FrozenBatch first = get(freezer.freeze(*reader, {}, kNow));
  put_many(3);
  const FrozenBatch second = get(freezer.freeze(*reader, {}, kNow));
  BOOST_TEST(first.records == second.records);
}

BOOST_AUTO_TEST_CASE(events_of_a_month_are_together) {
  put(event("august", kNow - 100 * kDay));
  put(event("november", kNow));
  put(event("august", kNow - 99 * kDay));
  put(event("november", kNow));
  ClickHouseEncoder encoder("h");
  BatchFreezer freezer(encoder, {.records_max = 100});
  const FrozenBatch batch = get(freezer.freeze(*events(), {}, kNow));
  BOOST_REQUIRE(batch.groups.size() == 2);
  BOOST_TEST(batch.groups[1] == 2);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string_view line = batch.slice(i, i + 1);
    BOOST_TEST((line.find(i < 2 ? "august" : "november") != std::string_view::npos));
  }
}

BOOST_AUTO_TEST_CASE(a_batch_is_bounded_in_bytes) {
  const std::string data = R"({"a":")" + std::string(900'000, 'x') + R"("})";
  put_many(12, kNow, data);
  NdjsonEncoder encoder("h");
  BatchFreezer freezer(encoder, {.bytes_max = 4'000'000});
  const FrozenBatch batch = get(freezer.freeze(*events(), {}, kNow));
  BOOST_TEST(batch.size() < 8);
  BOOST_TEST(batch.records.size() >= 4'000'000);
  BOOST_TEST(!freezer.is_complete());
}

BOOST_AUTO_TEST_CASE(another_order_of_arrival_is_shipped_from_its_beginning) {
  put_many(3);
  NdjsonEncoder encoder("h");
  BatchFreezer freezer(encoder, {.records_max = 10});
  const auto reader = events();
  ShipPosition position = after({}, get(freezer.freeze(*reader, {}, kNow)));
  BOOST_TEST(get(freezer.freeze(*reader, position, kNow)).size() == 0);
  position.epoch += 1;
  BOOST_TEST(get(freezer.freeze(*reader, position, kNow)).size() == 3);
}

BOOST_AUTO_TEST_CASE(events_that_were_deleted_on_the_way_are_counted) {
  put_many(300, kNow - 20 * kDay);
  NdjsonEncoder encoder("h");
  BatchFreezer freezer(encoder, {.records_max = 10});
  ShipPosition position = after({}, get(freezer.freeze(*events(), {}, kNow)));
  put_many(5);
  store->keep_within({.age_max_ms = 10 * kDay});
  while (get(store->wants_to_prune(kNow))) {
    get(store->begin(kNow));
    get(store->prune(kNow, 100));
    commit();
  }
  const FrozenBatch batch = get(freezer.freeze(*events(), position, kNow));
  BOOST_TEST(batch.gone == 290);
  BOOST_TEST(batch.size() == 5);
  // What went before the first batch of all was never to be shipped.
  BOOST_TEST(get(freezer.freeze(*events(), {}, kNow)).gone == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace picortex::shipping
