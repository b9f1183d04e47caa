#include "handlers/pipeline/write_orders.h"

#include <utility>

namespace picortex {
namespace {

// A transaction takes no further submission beyond either limit.
constexpr std::size_t kRowsPerCommit = 1024;
constexpr std::size_t kBytesPerCommit = std::size_t{4} << 20;

std::size_t size_of(std::span<const Event> events) noexcept {
  std::size_t size = 0;
  for (const Event& event : events) size += event.msg.size() + event.data.size();
  return size;
}

}  // namespace

void WriteOrders::submit(Submission& submission, std::span<const Event> events) noexcept {
  CHECK(!submission.waiting_);
  submission.waiting_ = true;
  submission.duplicate_of_.reset();
  submission.duplicates_ = 0;
  submission.events_ = events;
  events_ += events.size();
  waiting_.push(submission);
}

void WriteOrders::forget(Forgetting& forgetting) {
  forgetting.is_done_ = false;
  forgetting.erased_ = {};
  forgettings_.push_back(&forgetting);
}

void WriteOrders::give(StoreJob& job) {
  events_in_job_ = 0;
  std::size_t bytes = 0;
  while (!waiting_.is_empty() && events_in_job_ < kRowsPerCommit && bytes < kBytesPerCommit) {
    Submission& taken = waiting_.pop();
    events_in_job_ += taken.events().size();
    bytes += size_of(taken.events());
    job.submissions.push(taken);
  }
  forgetting_now_ = forgettings_.empty() ? nullptr : forgettings_.front();
  if (forgetting_now_ != nullptr) forgettings_.pop_front();
  job.order.forgotten_chat = forgetting_now_ == nullptr ? "" : forgetting_now_->chat_id;
}

void WriteOrders::take_back(StoreJob& job) {
  if (forgetting_now_ != nullptr) forgettings_.push_front(std::exchange(forgetting_now_, nullptr));
  SubmissionQueue again;
  again.take_all(job.submissions);
  again.take_all(waiting_);
  std::swap(again, waiting_);
}

void WriteOrders::end_stored(StoreJob& job) {
  events_ -= std::exchange(events_in_job_, 0);
  // Swapped out first: a handler may submit again, and the queue belongs to the next job then.
  SubmissionQueue stored;
  std::swap(stored, job.submissions);
  stored.end_all(StoreOutcome::stored);
  Forgetting* done = std::exchange(forgetting_now_, nullptr);
  if (done != nullptr) end(*done, &job.result().erased);
}

void WriteOrders::fail(StoreJob& job, bool job_is_running) {
  SubmissionQueue failed;
  if (!job_is_running || job.release_events()) failed.take_all(job.submissions);
  failed.take_all(waiting_);
  events_ = 0;
  failed.end_all(StoreOutcome::unavailable);
  // The thread has a copy of the order.
  std::deque<Forgetting*> given_up;
  given_up.swap(forgettings_);
  if (forgetting_now_ != nullptr) given_up.push_front(std::exchange(forgetting_now_, nullptr));
  for (Forgetting* each : given_up) end(*each, nullptr);
}

// Without what was deleted: the store could not do it.
void WriteOrders::end(Forgetting& forgetting, const Erased* erased) {
  forgetting.is_done_ = erased != nullptr;
  if (erased != nullptr) forgetting.erased_ = *erased;
  forgetting.on_end_();
}

}  // namespace picortex
