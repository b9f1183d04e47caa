#pragma once

#include <string>

#include "base/callback.h"
#include "storage/chat_eraser.h"

namespace picortex {

// An order to delete a slice of what is stored of a chat. Lives inside its owner, who keeps it until
// the callback reports the end.
class Forgetting {
 public:
  explicit Forgetting(Callback<> on_end) noexcept : on_end_(on_end) {}
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;

  std::string chat_id;

  // Once it has ended: whether the store did it, durably, and how much that was.
  bool is_done() const noexcept { return is_done_; }
  const Erased& erased() const noexcept { return erased_; }

 private:
  friend class WriteOrders;

  Callback<> on_end_;
  bool is_done_ = false;
  Erased erased_;
};

}  // namespace picortex
