#pragma once

#include "base/callback.h"
#include "base/check.h"
#include "base/time/clock.h"

namespace picortex {

class DeadlineList;

// A moment by which something must have happened, bound to a member function of its owner. It is in
// at most one list; starting it again moves it. Costs no kernel timer and no allocation.
class Deadline {
 public:
  template <auto Method, class Owner>
  static Deadline to(Owner& owner) noexcept {
    return Deadline(Callback<>::to<Method>(owner));
  }

  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { stop(); }

  bool is_running() const noexcept { return list_ != nullptr; }
  bool is_in(const DeadlineList& list) const noexcept { return list_ == &list; }
  void stop() noexcept;

 private:
  friend class DeadlineList;

  explicit Deadline(Callback<> on_expiry) noexcept : on_expiry_(on_expiry) {}

  Callback<> on_expiry_;
  DeadlineList* list_ = nullptr;
  Deadline* previous_ = nullptr;
  Deadline* next_ = nullptr;
  Instant at_{};
};

// All running deadlines of one length. Since they have the same length, a new one is always the
// last to expire: a list in the order of starting is sorted, and everything is O(1).
class DeadlineList {
 public:
  explicit DeadlineList(Nanoseconds length) noexcept : length_(length) {}
  DeadlineList(const DeadlineList&) = delete;
  DeadlineList& operator=(const DeadlineList&) = delete;
  ~DeadlineList() { CHECK(first_ == nullptr); }

  Nanoseconds length() const noexcept { return length_; }
  bool is_empty() const noexcept { return first_ == nullptr; }

  // The next moment at which expire() has work; Instant::max() if nothing runs.
  Instant next() const noexcept { return first_ == nullptr ? Instant::max() : first_->at_; }

  // When the deadline that expires next was started; the list must not be empty.
  Instant first_start() const noexcept { return first_->at_ - length_; }

  void start(Deadline& deadline, Instant now) noexcept {
    deadline.stop();
    deadline.at_ = now + length_;
    deadline.list_ = this;
    deadline.previous_ = last_;
    (last_ == nullptr ? first_ : last_->next_) = &deadline;
    last_ = &deadline;
  }

  // Stops every deadline that has passed and calls its handler, which may start it again.
  void expire(Instant now) noexcept {
    while (first_ != nullptr && first_->at_ <= now) expire_first();
  }

  // Expires the next deadline early; returns false if there is none.
  bool expire_first() noexcept {
    if (first_ == nullptr) return false;
    Deadline& due = *first_;
    due.stop();
    due.on_expiry_();
    return true;
  }

 private:
  friend class Deadline;

  Nanoseconds length_;
  Deadline* first_ = nullptr;
  Deadline* last_ = nullptr;
};

inline void Deadline::stop() noexcept {
  if (list_ == nullptr) return;
  (previous_ == nullptr ? list_->first_ : previous_->next_) = next_;
  (next_ == nullptr ? list_->last_ : next_->previous_) = previous_;
  list_ = nullptr;
  previous_ = next_ = nullptr;
}

}  // namespace picortex
