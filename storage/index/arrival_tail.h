#pragma once

#include <cstdint>
#include <vector>

#include "storage/sqlite/database.h"

namespace picortex {

struct ArrivedKey {
  std::int64_t arrival;
  std::int64_t key;
};

// Returns the keys of the events that have arrived after that number, in order of arrival. The event
// may be gone, and its key another's since: its row says under which number it arrived.
StoreResult<std::vector<ArrivedKey>> keys_arrived_after(Database& database, std::int64_t arrival);

}  // namespace picortex
