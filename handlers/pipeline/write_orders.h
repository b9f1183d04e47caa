#pragma once

#include <cstddef>
#include <deque>
#include <span>

#include "handlers/pipeline/forgetting.h"
#include "handlers/pipeline/store_job.h"
#include "handlers/pipeline/submission.h"

namespace picortex {

// What clients want from the next transactions, in the order of arrival: events to store, and chats
// to forget. Each order waits, is then the job's, and ends once; a job that could not get the write
// lock gives its orders back.
class WriteOrders {
 public:
  void submit(Submission& submission, std::span<const Event> events) noexcept;
  void forget(Forgetting& forgetting);

  // Whether any waits for a job.
  bool are_waiting() const noexcept { return !waiting_.is_empty() || !forgettings_.empty(); }
  // Of the submissions that wait or that the job has.
  std::size_t events() const noexcept { return events_; }

  // Gives the job whole submissions, up to a number of rows and of bytes, and one chat to forget.
  void give(StoreJob& job);
  // Takes back what the job has, to the front.
  void take_back(StoreJob& job);
  // Ends what the job has, which is durable now. Handlers may give new orders.
  void end_stored(StoreJob& job);
  // Ends all as unavailable, but those submissions that the running job may still read.
  void fail(StoreJob& job, bool job_is_running);

 private:
  static void end(Forgetting& forgetting, const Erased* erased);

  SubmissionQueue waiting_;
  std::deque<Forgetting*> forgettings_;
  Forgetting* forgetting_now_ = nullptr;  // the job's
  std::size_t events_ = 0;
  std::size_t events_in_job_ = 0;
};

}  // namespace picortex
