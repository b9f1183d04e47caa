#include "handlers/query/query_runner.h"

#include <algorithm>
#include <utility>

namespace picortex {

QueryRunner::QueryRunner(Reactor& reactor, Log& log, const EventWriter& writer, Worker& worker,
                         std::string directory)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      worker_(worker),
      directory_(std::move(directory)) {
  reactor_.add(IterationHook::to<&QueryRunner::on_iteration_end>(*this));
  reactor_.add(pauses_);
}

void QueryRunner::start(RunningQuery& running, EventFilter filter,
                        std::optional<std::int64_t> after, std::size_t rows_max) {
  start(running,
        std::make_unique<QueryWork>(QueryWork{
            .filter = std::move(filter), .after = after, .budget = {.rows_max = rows_max}}));
}

void QueryRunner::start_for_event(RunningQuery& running, const Uuid& event_id,
                                  EventFilter (*filter_of)(const Uuid&), std::size_t rows_max) {
  start(running, std::make_unique<QueryWork>(QueryWork{.filter = {},
                                                       .after = std::nullopt,
                                                       .budget = {.rows_max = rows_max},
                                                       .event_id = event_id,
                                                       .filter_of = filter_of}));
}

void QueryRunner::start(RunningQuery& running, std::unique_ptr<SlicedQuery> task,
                        const QueryBudget& budget) {
  start(running,
        std::make_unique<QueryWork>(QueryWork{
            .filter = {}, .after = std::nullopt, .budget = budget, .task = std::move(task)}));
}

void QueryRunner::start(RunningQuery& running, std::unique_ptr<QueryWork> work) {
  CHECK(running.is_idle());
  running.work_ = std::move(work);
  running.state_ = RunningQuery::State::paused;
  resume(running);
}

void QueryRunner::pause(RunningQuery& running) noexcept {
  using State = RunningQuery::State;
  if (running.state_ != State::waiting && running.state_ != State::running) return;
  running.state_ = State::paused;
  std::erase(waiting_, &running);
}

void QueryRunner::resume(RunningQuery& running) {
  if (running.state_ != RunningQuery::State::paused) return;
  running.state_ = RunningQuery::State::waiting;
  waiting_.push_back(&running);
  reactor_.turn_at_once();
}

void QueryRunner::end(RunningQuery& running) noexcept {
  std::erase(waiting_, &running);
  running.state_ = RunningQuery::State::idle;
  if (running_ == &running) {
    orphan_ = std::move(running.work_);
    running_ = nullptr;
  }
  running.work_.reset();
}

void QueryRunner::on_iteration_end() noexcept {
  if (waiting_.empty() || worker_.is_busy()) return;
  if (writer_.log_is_too_long()) return fail_all_waiting();
  if (pause_.is_running()) return;
  running_ = waiting_.front();
  waiting_.pop_front();
  running_->state_ = RunningQuery::State::running;
  slice_ = running_->work_.get();
  writer_faults_ = writer_.faults();
  worker_.run<&QueryRunner::work, &QueryRunner::on_slice_done>(*this);
}

void QueryRunner::work() noexcept {
  slice_result_ = run_slice();
  if (!slice_result_) reader_.reset();
}

void QueryRunner::on_slice_done() noexcept {
  if (!waiting_.empty() || running_ != nullptr) {
    if (writer_.has_events_waiting()) pauses_.start(pause_, reactor_.now());
  }
  orphan_.reset();
  RunningQuery* const ran = std::exchange(running_, nullptr);
  if (!slice_result_) {
    log_.line(Level::error, "db.query_failed").message(slice_result_.error().what);
    return ran != nullptr ? fail(*ran) : void();
  }
  if (ran == nullptr) return;
  if (ran->state_ == RunningQuery::State::running) {
    ran->state_ = RunningQuery::State::waiting;
    waiting_.push_back(ran);
  }
  ran->on_slice_();
}

void QueryRunner::fail(RunningQuery& running) {
  running.state_ = RunningQuery::State::failed;
  running.on_slice_();
}

// Handlers may start new queries, which fail in the next iteration. (LogWatch has reported why.)
void QueryRunner::fail_all_waiting() {
  for (std::size_t left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
    RunningQuery& failed = *waiting_.front();
    waiting_.pop_front();
    fail(failed);
  }
}

// --- On the worker's thread ---

StoreResult<void> QueryRunner::run_slice() {
  TRY(open_reader());
  QueryWork& work = *slice_;
  if (work.task != nullptr) return work.task->run(*reader_, work.budget);
  if (work.event_id) {
    if (auto found = find_request(); !found || work.has_no_event) return found;
  }
  if (work.query == nullptr || work.opening != opening_) {
    // With a new connection the query continues where it was.
    if (work.query != nullptr && work.query->reached()) work.after = work.query->reached();
    work.query = std::make_unique<EventQuery>(*reader_, work.filter, work.after);
    work.opening = opening_;
  }
  return work.query->run(work.rows, work.budget);
}

// Finds the request of the event with the ID: a few seeks.
StoreResult<void> QueryRunner::find_request() {
  QueryWork& work = *slice_;
  const auto key = TRY(reader_->find(*work.event_id));
  EventRow row;
  const auto found = TRY(key ? reader_->read(*key, row) : StoreResult<bool>(false));
  work.has_no_event = !found;
  if (!found) return {};
  work.filter = work.filter_of(row.request_id);
  work.event_id.reset();
  return {};
}

StoreResult<void> QueryRunner::open_reader() {
  if (reader_ != nullptr && reader_faults_ == writer_faults_) return {};
  reader_.reset();
  reader_ = TRY(EventReader::open(directory_));
  reader_faults_ = writer_faults_;
  ++opening_;
  return {};
}

}  // namespace picortex
