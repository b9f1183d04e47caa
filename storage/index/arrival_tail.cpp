#include "storage/index/arrival_tail.h"

#include "storage/index/arrival_block.h"

namespace picortex {

StoreResult<std::vector<ArrivedKey>> keys_arrived_after(Database& database, std::int64_t arrival) {
  auto blocks =
      TRY(database.prepare("SELECT block, keys FROM arrival WHERE block >= ?1 ORDER BY block"));
  blocks.bind(1, arrival_block_of(arrival + 1));
  std::vector<ArrivedKey> arrived;
  std::vector<std::int64_t> keys;
  while (TRY(blocks.step())) {
    keys.clear();
    if (!ArrivalBlock::decode(blocks.text(1), keys)) {
      return std::unexpected(
          make_fault(FaultKind::corrupt, database.path(), "the order of arrival cannot be read"));
    }
    std::int64_t next = first_arrival_of(blocks.integer(0));
    for (const std::int64_t key : keys) {
      if (next > arrival) arrived.push_back({next, key});
      ++next;
    }
  }
  return arrived;
}

}  // namespace picortex
