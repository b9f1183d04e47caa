#pragma once

#include <span>
#include <type_traits>

#include "base/check.h"
#include "storage/event.h"

namespace picortex {

// How a submission ended.
enum class StoreOutcome {
  stored,       // all of its events are in the database, and durable as promised
  unavailable,  // none can be counted on: the store has failed or is down; trying again is safe
                // for events with an id
};

// Events that wait to be stored together, all or none, and the member function of their owner that
// hears how it went. It lives inside its owner, who keeps it and the events until then.
class Submission {
 public:
  template <auto Method, class Owner>
  static Submission to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_v<decltype(Method), Owner&, StoreOutcome>);
    return Submission(&owner, [](void* bound, StoreOutcome outcome) noexcept {
      (static_cast<Owner*>(bound)->*Method)(outcome);
    });
  }

  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;
  ~Submission() { CHECK(!waiting_); }

  std::span<const Event> events() const noexcept { return events_; }

 private:
  friend class EventWriter;
  friend class SubmissionQueue;
  using Handler = void (*)(void*, StoreOutcome) noexcept;

  Submission(void* owner, Handler handler) noexcept : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
  std::span<const Event> events_;
  Submission* next_ = nullptr;
  bool waiting_ = false;  // true from submit() until the handler is called
};

// Submissions in the order of their arrival.
class SubmissionQueue {
 public:
  bool is_empty() const noexcept { return first_ == nullptr; }
  Submission* first() const noexcept { return first_; }

  void push(Submission& submission) noexcept {
    submission.next_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_) = &submission;
    last_ = &submission;
  }

  Submission& pop() noexcept {
    Submission& popped = *first_;
    first_ = popped.next_;
    return popped;
  }

  // Ends all that were there when it was called; handlers may push new ones.
  void end_all(StoreOutcome outcome) noexcept {
    Submission* next = first_;
    first_ = nullptr;
    while (next != nullptr) {
      Submission& ended = *next;
      next = ended.next_;
      ended.waiting_ = false;
      ended.handler_(ended.owner_, outcome);
    }
  }

 private:
  Submission* first_ = nullptr;
  Submission* last_ = nullptr;
};

}  // namespace picortex
