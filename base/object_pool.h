#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/check.h"

namespace picortex {

// Objects that are lent out and given back. Each is made when it is needed first, keeps its address
// and its memory, and lives as long as the pool. The one given back last is lent first, since its
// memory is most likely in the cache. Giving back allocates nothing.
template <class Object>
class ObjectPool {
 public:
  // `lent_max`: how many may be out at once.
  explicit ObjectPool(std::size_t lent_max = SIZE_MAX) : lent_max_(lent_max) {}

  std::size_t lent() const noexcept { return objects_.size() - free_.size(); }
  bool is_used_up() const noexcept { return lent() == lent_max_; }

  // Must not be called while the pool is used up. A new object is made from `arguments`.
  template <class... Arguments>
  Object& lend(Arguments&&... arguments) {
    CHECK(!is_used_up());
    if (free_.empty()) {
      Object& made = objects_.emplace_back(arguments...);
      free_.reserve(objects_.size());
      return made;
    }
    Object& object = *free_.back();
    free_.pop_back();
    return object;
  }
  void give_back(Object& object) noexcept { free_.push_back(&object); }

  // Calls `function` with each object, whether it is lent or not. `function` may lend and give
  // back.
  template <class Function>
  void for_each(Function function) {
    for (std::size_t i = 0; i < objects_.size(); ++i) function(objects_[i]);
  }

 private:
  std::size_t lent_max_;
  std::deque<Object> objects_;
  std::vector<Object*> free_;
};

}  // namespace picortex
