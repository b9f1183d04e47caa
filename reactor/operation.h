#pragma once

#include <cstdint>

#include "base/callback.h"
#include "base/check.h"

namespace picortex {

// The kernel's result of an operation. `result` is the count or descriptor, or a negative errno
// (io_uring_enter(2)). `more`: a multishot operation continues. `buffer`: the provided buffer with
// the data, kNoBuffer if there is none.
struct Completion {
  static constexpr std::int32_t kNoBuffer = -1;

  std::int32_t result;
  bool more;
  std::int32_t buffer;
};

// One request that the kernel may be holding. It is embedded in its owner and bound to one of the
// owner's member functions, so that a completion costs one indirect call and no allocation.
//
// 1. The request's user_data is the Operation's address; 0 means that the completion is ignored.
// 2. In flight from its submission until the completion without `more`. The flag falls before the
//    handler runs, so that the handler may start the same operation again.
// 3. The owner may be destroyed only when its operations are idle: the destructor checks it in every build.
class Operation {
 public:
  template <auto Method, class Owner>
  static Operation to(Owner& owner) noexcept {
    return Operation(Handler::to<Method>(owner));
  }

  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() { CHECK(!in_flight_); }

  bool in_flight() const noexcept { return in_flight_; }

  // For the ring: the request is about to be submitted.
  void begin() noexcept {
    CHECK(!in_flight_);
    in_flight_ = true;
  }

  // For the ring: a completion has arrived.
  void deliver(const Completion& completion) noexcept {
    CHECK(in_flight_);
    in_flight_ = completion.more;
    handler_(completion);
  }

 private:
  using Handler = Callback<const Completion&>;

  explicit Operation(Handler handler) noexcept : handler_(handler) {}

  Handler handler_;
  bool in_flight_ = false;
};

}  // namespace picortex
