#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/log.h"
#include "reactor/reactor.h"
#include "reactor/worker.h"
#include "storage/query/query.h"
#include "storage/query/sliced_query.h"

namespace picortex {

// What a query needs on the worker's thread. Owned by its RunningQuery, by the thread during a
// slice, and by the runner if the query is ended meanwhile.
struct QueryWork {
  EventFilter filter;
  std::optional<std::int64_t> after;
  QueryBudget budget;
  // For the request of an event: that event, and a function that makes a filter of the request.
  std::optional<Uuid> event_id = {};
  EventFilter (*filter_of)(const Uuid& request_id) = nullptr;
  bool has_no_event = false;  // no event has that ID
  std::uint64_t opening = 0;  // the opening of the reader that `query` uses
  std::unique_ptr<EventQuery> query = {};
  std::unique_ptr<SlicedQuery> task = {};  // in place of all that: another kind of question
  std::vector<EventRow> rows = {};
};

// A query on its way. Lives inside its owner, whose callback runs after each slice: it takes what
// it wants of `rows`, and may pause or end the query; otherwise there will be another slice.
class RunningQuery {
 public:
  explicit RunningQuery(Callback<> on_slice) noexcept : on_slice_(on_slice) {}
  RunningQuery(const RunningQuery&) = delete;
  RunningQuery& operator=(const RunningQuery&) = delete;
  ~RunningQuery() { CHECK(state_ == State::idle); }

  bool is_idle() const noexcept { return state_ == State::idle; }
  // The database could not be read. There will be no further slice; the owner must end the query.
  bool has_failed() const noexcept { return state_ == State::failed; }
  // Rows found and not taken yet. Call this and the following only in the handler.
  std::vector<EventRow>& rows() noexcept { return work_->rows; }
  // True once all matching events were found.
  bool is_done() const noexcept { return work_->has_no_event || work_->query->is_done(); }
  // The question that start() was given as an object; its owner knows its kind.
  SlicedQuery& task() noexcept { return *work_->task; }
  // Where the next page goes on: everything up to here has been looked at.
  std::optional<std::int64_t> reached() const noexcept {
    const auto reached = work_->query->reached();
    return reached ? reached : work_->after;
  }
  const QueryCost& cost() const noexcept { return work_->query->cost(); }

 private:
  friend class QueryRunner;
  enum class State { idle, waiting, running, paused, failed };

  Callback<> on_slice_;
  State state_ = State::idle;
  std::unique_ptr<QueryWork> work_;
};

// Runs queries on a read-only connection and a Worker of its own, since reading may wait for the
// disk: one slice at a time, of about a millisecond, for each query in turn. The connection is
// opened by the first query, and again whenever the writer has met a fault, since the file may then
// be another one.
//
// While events wait to be stored, kPause passes after each slice, so that queries leave most of a
// CPU to storing. While a reader holds the log and it is too long, queries fail.
class QueryRunner {
 public:
  static constexpr std::chrono::milliseconds kPause{10};

  // `directory` holds the database. References passed in must outlive this object.
  QueryRunner(Reactor& reactor, Log& log, const EventWriter& writer, Worker& worker,
              std::string directory);

  // A slice ends once `rows_max` rows wait to be taken, or a megabyte more of their texts.
  void start(RunningQuery& running, EventFilter filter, std::optional<std::int64_t> after,
             std::size_t rows_max);
  // Does the same for the request that an event belongs to. Finds nothing if there is no such
  // event.
  void start_for_event(RunningQuery& running, const Uuid& event_id,
                       EventFilter (*filter_of)(const Uuid& request_id), std::size_t rows_max);
  // Another kind of question, in slices of that budget.
  void start(RunningQuery& running, std::unique_ptr<SlicedQuery> task, const QueryBudget& budget);
  void pause(RunningQuery& running) noexcept;
  void resume(RunningQuery& running);
  void end(RunningQuery& running) noexcept;

  // True if no slice is running.
  bool is_idle() const noexcept { return !worker_.is_busy(); }

 private:
  void on_iteration_end() noexcept;
  void on_pause_end() noexcept {}  // only needed for the iteration that it causes
  void start(RunningQuery& running, std::unique_ptr<QueryWork> work);
  void fail(RunningQuery& running);
  void fail_all_waiting();
  void work() noexcept;
  void on_slice_done() noexcept;
  StoreResult<void> run_slice();
  StoreResult<void> open_reader();
  StoreResult<void> find_request();

  Reactor& reactor_;
  Log& log_;
  const EventWriter& writer_;
  Worker& worker_;
  std::string directory_;
  // the query whose slice is running; null: it was ended meanwhile
  RunningQuery* running_ = nullptr;
  std::unique_ptr<QueryWork> orphan_;  // that query's work

  // Used by the thread while the worker is busy.
  std::unique_ptr<EventReader> reader_;
  std::uint64_t opening_ = 0;
  std::uint64_t reader_faults_ = 0;  // the writer's faults when reader_ was opened
  QueryWork* slice_ = nullptr;
  std::uint64_t writer_faults_ = 0;
  StoreResult<void> slice_result_;

  std::deque<RunningQuery*> waiting_;
  DeadlineList pauses_{kPause};
  Deadline pause_ = Deadline::to<&QueryRunner::on_pause_end>(*this);
};

}  // namespace picortex
