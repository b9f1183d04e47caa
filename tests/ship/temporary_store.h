#pragma once

#include "../storage/store_fixture.h"
#include "storage/query/event_reader.h"

namespace picortex {

// A store with events, and a reader of it.
struct ShipFixture : StoreFixture {
  ShipFixture() { open(); }

  void put_many(int count, std::int64_t time_ms = kNow, std::string_view data = {}) {
    for (int i = 0; i < count; ++i) {
      Event made = event("linq.inbound", time_ms);
      made.data = data;
      put(made);
    }
  }
  std::unique_ptr<EventReader> events() const { return get(EventReader::open(directory)); }
};

}  // namespace picortex
