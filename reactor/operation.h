#pragma once

#include <cstdint>
#include <type_traits>

#include "base/check.h"

namespace picortex {

// What the kernel said of an operation. `result` is the count or descriptor, or a negative errno
// (io_uring_enter(2)). `more`: a multishot operation goes on. `buffer`: the provided buffer that
// holds the data, kNoBuffer when there is none.
struct Completion {
  static constexpr std::int32_t kNoBuffer = -1;

  std::int32_t result;
  bool more;
  std::int32_t buffer;
};

// One request that the kernel may be holding. It lives inside its owner and is bound to one of the
// owner's member functions, so that a completion costs one indirect call and no allocation.
//
// 1. The request's user_data is the Operation's address; 0 means that nobody listens.
// 2. In flight from its submission until the completion without `more`. The flag falls before the
//    handler runs, so that the handler may start the same operation again.
// 3. The owner goes only when its operations are idle: the destructor checks it in every build.
class Operation {
 public:
  template <auto Method, class Owner>
  static Operation to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_v<decltype(Method), Owner&, const Completion&>,
                  "a handler takes a const Completion& and is noexcept");
    return Operation(&owner, [](void* bound, const Completion& completion) noexcept {
      (static_cast<Owner*>(bound)->*Method)(completion);
    });
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

  // For the ring: a completion has come.
  void deliver(const Completion& completion) noexcept {
    CHECK(in_flight_);
    in_flight_ = completion.more;
    handler_(owner_, completion);
  }

 private:
  using Handler = void (*)(void*, const Completion&) noexcept;

  Operation(void* owner, Handler handler) noexcept : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
  bool in_flight_ = false;
};

}  // namespace picortex
