#pragma once

#include <optional>
#include <span>

#include "base/callback.h"
#include "base/check.h"
#include "storage/event.h"

namespace picortex {

// The result of a submission.
enum class StoreOutcome {
  stored,  // all of its events are in the database, durable as promised
  // no event is sure to be stored: the store has failed or is down; trying again is safe
  unavailable,
  // for events with an id
};

// Events that wait to be stored together, all or none. Lives inside its owner, who keeps it and the
// events until the callback reports the outcome.
class Submission {
 public:
  explicit Submission(Callback<StoreOutcome> on_outcome) noexcept : on_outcome_(on_outcome) {}
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;
  ~Submission() { CHECK(!waiting_); }

  std::span<const Event> events() const noexcept { return events_; }
  // The request ID under which the last of the duplicates is stored; none if all events were new.
  // Valid once they are stored.
  const std::optional<Uuid>& duplicate_of() const noexcept { return duplicate_of_; }
  // How many of its events were duplicates. Valid once it is stored.
  std::size_t duplicates() const noexcept { return duplicates_; }

 private:
  friend class EventWriter;
  friend class SubmissionQueue;
  friend class WriteOrders;

  Callback<StoreOutcome> on_outcome_;
  std::span<const Event> events_;
  std::optional<Uuid> duplicate_of_;
  std::size_t duplicates_ = 0;
  Submission* next_ = nullptr;
  bool waiting_ = false;  // true from submit() until on_outcome_ is called
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

  // Calls `function` with each, in order.
  template <class Function>
  void for_each(Function function) const {
    for (Submission* each = first_; each != nullptr; each = each->next_) function(*each);
  }

  // Appends all of `others`, which is then empty.
  void take_all(SubmissionQueue& others) noexcept {
    while (!others.is_empty()) push(others.pop());
  }

  Submission& pop() noexcept {
    Submission& popped = *first_;
    first_ = popped.next_;
    return popped;
  }

  // Ends all submissions present at the call; handlers may push new ones.
  void end_all(StoreOutcome outcome) noexcept {
    Submission* next = first_;
    first_ = nullptr;
    while (next != nullptr) {
      Submission& ended = *next;
      next = ended.next_;
      ended.waiting_ = false;
      ended.on_outcome_(outcome);
    }
  }

 private:
  Submission* first_ = nullptr;
  Submission* last_ = nullptr;
};

}  // namespace picortex
