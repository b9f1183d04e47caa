#include "handlers/query_runner.h"

#include <algorithm>
#include <utility>

namespace picortex {

QueryRunner::QueryRunner(Reactor& reactor, Log& log, const EventWriter& writer,
                         std::string directory)
    : reactor_(reactor), log_(log), writer_(writer), directory_(std::move(directory)) {
  reactor_.add(TurnHook::to<&QueryRunner::on_turn_end>(*this));
  reactor_.add(pauses_);
}

void QueryRunner::start(RunningQuery& running, EventFilter filter,
                        std::optional<std::int64_t> after, std::size_t rows_max) {
  CHECK(running.is_idle());
  running.filter_ = std::move(filter);
  running.after_ = after;
  running.budget_ = {.rows_max = rows_max};
  running.state_ = RunningQuery::State::paused;
  resume(running);
}

void QueryRunner::pause(RunningQuery& running) noexcept {
  if (running.state_ != RunningQuery::State::waiting) return;
  running.state_ = RunningQuery::State::paused;
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
  running.query_.reset();
  std::vector<EventRow>().swap(running.rows_);
}

std::optional<Uuid> QueryRunner::request_of(const Uuid& event_id) {
  EventRow row;
  const auto key = reader_->find(event_id);
  if (!key || !*key) return std::nullopt;
  const auto found = reader_->read(**key, row);
  if (!found || !*found) return std::nullopt;
  return row.request_id;
}

void QueryRunner::on_turn_end() noexcept {
  if (waiting_.empty() || pause_.is_running()) return;
  RunningQuery& running = *waiting_.front();
  waiting_.pop_front();
  if (const auto done = run_slice(running); done) {
    waiting_.push_back(&running);
  } else {
    log_.line(Level::error, "db.query_failed").message(done.error().what);
    reader_.reset();
    running.state_ = RunningQuery::State::failed;
  }
  running.handler_(running.owner_);
  if (waiting_.empty()) return;
  if (writer_.has_events_waiting()) {
    pauses_.start(pause_, reactor_.now());
  } else {
    reactor_.turn_at_once();
  }
}

StoreResult<void> QueryRunner::run_slice(RunningQuery& running) {
  if (auto opened = open_reader(); !opened) return opened;
  if (running.query_ == nullptr || running.opening_ != opening_) {
    // With a new connection it goes on where it was.
    if (running.query_ != nullptr) running.after_ = running.reached();
    running.query_ = std::make_unique<EventQuery>(*reader_, running.filter_, running.after_);
    running.opening_ = opening_;
  }
  return running.query_->run(running.rows_, running.budget_);
}

StoreResult<void> QueryRunner::open_reader() {
  const std::uint64_t faults = writer_.figures().faults;
  if (reader_ != nullptr && faults == writer_faults_) return {};
  reader_.reset();
  auto opened = EventReader::open(directory_);
  if (!opened) return std::unexpected(std::move(opened.error()));
  reader_ = std::move(*opened);
  writer_faults_ = faults;
  ++opening_;
  return {};
}

}  // namespace picortex
