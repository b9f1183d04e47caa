#pragma once

#include <type_traits>

#include "storage/event.h"

namespace picortex {

// A member function of its owner that hears of each event that came with the token and was
// accepted, before it is stored. The event's texts last for the call.
class EventListener {
 public:
  template <auto Method, class Owner>
  static EventListener to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_v<decltype(Method), Owner&, const Event&>);
    return EventListener(&owner, [](void* bound, const Event& event) noexcept {
      (static_cast<Owner*>(bound)->*Method)(event);
    });
  }

  void hear(const Event& event) const noexcept { handler_(owner_, event); }

 private:
  using Handler = void (*)(void*, const Event&) noexcept;
  EventListener(void* owner, Handler handler) noexcept : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
};

}  // namespace picortex
