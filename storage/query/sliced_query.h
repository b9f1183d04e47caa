#pragma once

#include <optional>

#include "base/result.h"
#include "storage/query/query.h"

namespace picortex {

// A question that is answered a slice at a time, so that many can share one connection and one
// thread, and any can be given up in between. Nothing is held between slices; the reader may be
// another one each time, of the same database.
class SlicedQuery {
 public:
  virtual ~SlicedQuery() = default;

  // Goes on for about as long as the budget says. After a fault the query is to be destroyed.
  virtual StoreResult<void> run(EventReader& reader, const QueryBudget& budget) = 0;
  virtual bool is_done() const noexcept = 0;
  // Once it is done: why there is no answer, though the database can be read: it would be too
  // large. A sentence that says what to do.
  virtual std::optional<Error> error() const { return std::nullopt; }
};

}  // namespace picortex
