#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/log.h"
#include "reactor/worker.h"
#include "storage/query/turn_reader.h"

namespace picortex {

// A question about turns, embedded in the object that asks it and keeps it until `on_answer` is
// called.
struct TurnQuestion {
  explicit TurnQuestion(Callback<> callback) noexcept : on_answer(callback) {}

  TurnFilter filter;
  StoreResult<std::vector<Turn>> turns;  // the answer
  Callback<> on_answer;
};

// Reads turns on a Worker of its own, one question after the other, since a read may wait for the
// disk.
class TurnLookup {
 public:
  static constexpr std::size_t kWaitingMax = 24;

  // `directory` has the database. References passed in must outlive this object.
  TurnLookup(Log& log, const EventWriter& writer, Worker& worker, std::string directory);

  // Whether no more may be asked now.
  bool is_used_up() const noexcept;
  // Calls back in a later iteration.
  void ask(TurnQuestion& question);
  bool is_idle() const noexcept { return !worker_.is_busy(); }

 private:
  void start_next();
  void work() noexcept;
  void on_done() noexcept;

  Log& log_;
  const EventWriter& writer_;
  Worker& worker_;
  const std::string directory_;
  std::deque<TurnQuestion*> waiting_;  // the first is the worker's while it is busy
  std::uint64_t writer_faults_ = 0;    // as of the last job

  // The thread's while the worker is busy.
  std::unique_ptr<TurnReader> reader_;
  std::uint64_t reader_faults_ = 0;  // when reader_ was opened
};

}  // namespace picortex
