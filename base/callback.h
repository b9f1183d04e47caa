#pragma once

#include <memory>
#include <type_traits>

namespace picortex {

// A member function bound to the object that it is called on: two words, no allocation. The object
// must outlive every call. What the loop calls is noexcept (docs/internals/ARCHITECTURE.md), so
// only noexcept members can be bound. One that is default-constructed does nothing and returns a
// default value, so that an owner who has nothing to call needs no null check.
template <class Signature>
class BoundMember;

template <class Answer, class... Arguments>
class BoundMember<Answer(Arguments...)> {
 public:
  template <auto Method, class Owner>
  static BoundMember to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_r_v<Answer, decltype(Method), Owner&, Arguments...>);
    using Mutable = std::remove_const_t<Owner>;
    return BoundMember(
        const_cast<Mutable*>(std::addressof(owner)),
        [](void* bound, Arguments... arguments) noexcept -> Answer {
          return (static_cast<Owner*>(bound)->*Method)(static_cast<Arguments>(arguments)...);
        });
  }

  BoundMember() noexcept
      : BoundMember(nullptr, [](void*, Arguments...) noexcept -> Answer { return Answer(); }) {}

  Answer operator()(Arguments... arguments) const noexcept {
    return function_(owner_, static_cast<Arguments>(arguments)...);
  }

 private:
  using Function = Answer (*)(void*, Arguments...) noexcept;
  BoundMember(void* owner, Function function) noexcept : owner_(owner), function_(function) {}

  void* owner_;
  Function function_;
};

// The usual case: nothing is returned.
template <class... Arguments>
using Callback = BoundMember<void(Arguments...)>;

}  // namespace picortex
