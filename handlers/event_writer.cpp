#include "handlers/event_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace picortex {
namespace {

// About a millisecond's work; a larger transaction goes on in the next turn.
constexpr std::size_t kRowsPerTurn = 256;
// A transaction takes no further submission beyond it.
constexpr std::size_t kRowsPerCommit = 1024;
// Events that may go in a turn: these beside those that come, so that more go than come, or these
// where none come; and the pause between two transactions that only forget.
constexpr std::size_t kForgottenBeside = 16;
constexpr std::size_t kForgottenAlone = 128;
constexpr std::chrono::milliseconds kForgetPause{25};
constexpr std::chrono::seconds kTick{1};
constexpr unsigned kTicksPerMetrics = 5;
constexpr unsigned kTicksPerTelling = 3600;
constexpr std::chrono::milliseconds kBusyRetryDelay{10};
constexpr std::chrono::seconds kBusyMax{5};

}  // namespace

EventWriter::EventWriter(Reactor& reactor, Log& log, EventFeed& feed, std::string directory,
                         Durability durability)
    : reactor_(reactor),
      log_(log),
      feed_(feed),
      directory_(std::move(directory)),
      durability_(durability),
      ticks_(kTick),
      busy_retries_(kBusyRetryDelay),
      slices_(kForgetPause),
      disk_(log, directory_) {
  reactor_.add(ticks_);
  reactor_.add(busy_retries_);
  reactor_.add(slices_);
  reactor_.add(TurnHook::to<&EventWriter::on_turn_end>(*this));
  ticks_.start(tick_, reactor_.now());
}

EventWriter::~EventWriter() = default;

// Runs `work`, which holds the loop up, and remembers for how long it did.
template <class Work>
void EventWriter::hold(Work work) {
  const Instant begin = std::chrono::steady_clock::now();
  work();
  const Nanoseconds length = std::chrono::steady_clock::now() - begin;
  time_in_store_ += length;
  hold_of_turn_ += length;
}

void EventWriter::note_hold() noexcept {
  if (hold_of_turn_ == Nanoseconds{0}) return;
  longest_hold_ = std::max(longest_hold_, hold_of_turn_);
  holds_.add(hold_of_turn_);
  hold_of_turn_ = Nanoseconds{0};
}

void EventWriter::keep_within(const RetentionLimits& limits, std::uint64_t free_min) noexcept {
  limits_ = limits;
  if (store_ != nullptr) store_->keep_within(limits_);
  disk_.require(free_min);
}

void EventWriter::open() {
  auto opened = EventStore::open(directory_, reactor_.unix_ms());
  if (!opened) return on_fault(opened.error());
  store_ = std::move(*opened);
  store_->keep_within(limits_);
  stuck_ = false;
  busy_since_ = {};
  if (!fault_reported_.empty()) {
    fault_reported_.clear();
    log_recovery();
  }
}

void EventWriter::submit(Submission& submission, std::span<const Event> events) noexcept {
  CHECK(!submission.waiting_);
  submission.waiting_ = true;
  submission.events_ = events;
  events_waiting_ += events.size();
  waiting_.push(submission);
}

const Metrics& EventWriter::metrics() noexcept {
  // The windows do not roll within a transaction that spans turns; the last values stand in.
  if (store_ != nullptr && !in_transaction_) metrics_ = store_->metrics(reactor_.unix_ms());
  return metrics_;
}

MinuteCounts EventWriter::counts_of(std::int64_t minute) const noexcept {
  return store_ != nullptr ? store_->counts_of(minute) : MinuteCounts{};
}

bool EventWriter::is_idle() const noexcept {
  return waiting_.is_empty() && appended_.is_empty() && syncing_.is_empty() && !is_syncing();
}

void EventWriter::close() {
  CHECK(is_idle());
  tick_.stop();
  busy_retry_.stop();
  next_slice_.stop();
  tell_forgotten();
  if (store_ == nullptr) return;
  if (auto finished = store_->finish(reactor_.unix_ms()); !finished) on_fault(finished.error());
  store_.reset();
}

// --- A transaction, from rows to fsync ---

void EventWriter::on_turn_end() noexcept {
  if (store_ == nullptr && !waiting_.is_empty()) fail_all();
  if (may_write()) {
    // What this turn has answered leaves before SQLite takes the loop's time.
    reactor_.ring().submit();
    hold([this] {
      if (!in_transaction_) begin_batch();
      if (in_transaction_) write_rows();
    });
  }
  note_hold();
}

bool EventWriter::may_write() const noexcept {
  if (sync_.in_flight() || busy_retry_.is_running()) return false;
  const bool has_own_work = store_ != nullptr && (forget_due_ || metrics_due_);
  if (waiting_.is_empty() && !has_own_work) return false;
  return in_transaction_ || !store_->holds_commits();
}

void EventWriter::begin_batch() {
  if (auto begun = store_->begin(reactor_.unix_ms()); !begun) return on_fault(begun.error());
  busy_since_ = {};
  in_transaction_ = true;
  events_in_batch_ = next_event_ = repeats_in_batch_ = forgotten_in_batch_ = 0;
}

void EventWriter::write_rows() {
  const auto appended = append_rows();
  if (!appended) return on_fault(appended.error());
  if (auto kept = keep_house(*appended); !kept) return on_fault(kept.error());
  if (!waiting_.is_empty() && events_in_batch_ < kRowsPerCommit) return reactor_.turn_at_once();
  commit_batch();
}

// The rows of one turn; answers how many.
StoreResult<std::size_t> EventWriter::append_rows() {
  std::size_t rows = 0;
  while (!waiting_.is_empty() && events_in_batch_ < kRowsPerCommit) {
    const auto events = waiting_.first()->events();
    while (next_event_ < events.size()) {
      if (rows == kRowsPerTurn) return rows;
      ++rows;
      const auto stored = store_->append(events[next_event_]);
      if (!stored) return std::unexpected(stored.error());
      if (*stored) {
        feed_.append(events[next_event_], store_->last_place());
      } else {
        ++repeats_in_batch_;
      }
      ++next_event_;
    }
    events_in_batch_ += events.size();
    next_event_ = 0;
    appended_.push(waiting_.pop());
  }
  return rows;
}

// What the daemon itself has to do in the database, as part of the same transactions.
StoreResult<void> EventWriter::keep_house(std::size_t rows_beside) {
  if (std::exchange(metrics_due_, false)) {
    if (auto saved = store_->save_metrics(reactor_.unix_ms()); !saved) return saved;
  }
  return limits_ == RetentionLimits{} ? StoreResult<void>() : forget_some(rows_beside);
}

StoreResult<void> EventWriter::forget_some(std::size_t rows_beside) {
  const std::size_t rows_max = rows_beside == 0 ? kForgottenAlone : rows_beside + kForgottenBeside;
  const auto forgotten = store_->forget(reactor_.unix_ms(), rows_max);
  if (!forgotten) return std::unexpected(forgotten.error());
  forgotten_in_batch_ += *forgotten;
  forget_due_ = false;
  if (*forgotten == rows_max && !next_slice_.is_running()) {
    slices_.start(next_slice_, reactor_.now());
  }
  return {};
}

void EventWriter::commit_batch() {
  const auto committed = store_->commit();
  if (!committed) return on_fault(committed.error());
  if (!*committed) return sync(sync_, store_->wal_descriptor());
  in_transaction_ = false;
  ++commits_;
  events_ += events_in_batch_ - repeats_in_batch_;
  repeats_ += repeats_in_batch_;
  forgotten_ += forgotten_in_batch_;
  events_waiting_ -= events_in_batch_;
  std::swap(appended_, syncing_);
  const bool ends_now = durability_ == Durability::process;
  if (ends_now) end_synced();
  if (!ends_now || store_->wants_log_sync()) sync(sync_, store_->wal_descriptor());
  count_copied();
}

void EventWriter::sync(Operation& operation, int file) {
  if (!is_syncing()) syncing_since_ = reactor_.now();
  reactor_.ring().sync_data(operation, file);
}

void EventWriter::on_log_sync(const Completion& completion) noexcept {
  if (!is_synced(completion)) return;
  if (in_transaction_) {  // whose commit starts the log anew
    store_->log_header_synced();
    return hold([this] { commit_batch(); });
  }
  end_synced();
  hold([this] { copy_log(store_->log_synced()); });
}

void EventWriter::on_database_sync(const Completion& completion) noexcept {
  if (!is_synced(completion)) return;
  database_synced_ = true;
  if (!in_transaction_) hold([this] { count_copied(); });
}

// False: the fsync failed, or the store did while it was in flight.
bool EventWriter::is_synced(const Completion& completion) {
  if (store_ == nullptr) return false;
  if (completion.result >= 0) return true;
  on_fault(make_fault(FaultKind::io, directory_, std::strerror(-completion.result)));
  return false;
}

void EventWriter::end_synced() {
  feed_.publish();
  syncing_.end_all(StoreOutcome::stored);
}

// Not within a transaction, which a large batch leaves open for several turns.
void EventWriter::count_copied() {
  if (std::exchange(database_synced_, false)) copy_log(store_->database_synced());
}

// A step of the checkpoint is done, and may have led to the next.
void EventWriter::copy_log(const StoreResult<void>& copied) {
  if (!copied) return on_fault(copied.error());
  if (store_->wants_database_sync() && !database_sync_.in_flight()) {
    sync(database_sync_, store_->database_descriptor());
  }
}

// --- Time and trouble ---

void EventWriter::on_tick() noexcept {
  ticks_.start(tick_, reactor_.now());
  disk_.look();
  if (++ticks_since_told_ == kTicksPerTelling) tell_forgotten();
  if (in_transaction_) return;
  if (store_ != nullptr) hold([this] { look_for_expired(); });
  if (is_syncing()) return;
  if (store_ == nullptr) return open();
  if (++ticks_since_metrics_ < kTicksPerMetrics) return;
  ticks_since_metrics_ = 0;
  hold([this] { look_after_store(); });
}

void EventWriter::look_after_store() {
  if (stuck_) return look_for_lock();
  metrics_due_ = store_->wants_to_save_metrics(reactor_.unix_ms());
  if (auto verified = store_->verify(); !verified) on_fault(verified.error());
}

void EventWriter::look_for_expired() {
  const auto due = store_->wants_to_forget(reactor_.unix_ms());
  if (!due) return on_fault(due.error());
  forget_due_ = *due;
}

void EventWriter::on_next_slice() noexcept { forget_due_ = true; }

void EventWriter::tell_forgotten() {
  ticks_since_told_ = 0;
  if (forgotten_ == forgotten_told_) return;
  log_.line(Level::info, "db.retention")
      .number("events", static_cast<std::int64_t>(forgotten_ - forgotten_told_))
      .message("events beyond the age or the size that is kept have been deleted");
  forgotten_told_ = forgotten_;
}

void EventWriter::look_for_lock() {
  const auto begun = store_->begin(reactor_.unix_ms());
  store_->rollback();
  if (!begun) return on_fault(begun.error());
  busy_since_ = {};
  if (std::exchange(stuck_, false)) log_recovery();
}

void EventWriter::log_recovery() {
  log_.line(Level::info, "db.recovered").message("the database works again");
}

void EventWriter::on_fault(const Fault& fault) {
  if (store_ != nullptr && fault.kind == FaultKind::busy) return on_busy();
  ++faults_;
  if (fault_reported_ != fault.what) {
    fault_reported_ = fault.what;
    log_.line(Level::error, "db.degraded").message(fault.what);
  }
  fail_all();
  database_synced_ = false;
  checkpoints_ += store_ != nullptr ? store_->checkpoints() : 0;
  store_.reset();
}

// Another connection writes. That passes, usually at once.
void EventWriter::on_busy() {
  if (in_transaction_) store_->rollback();
  feed_.discard();
  in_transaction_ = false;
  next_event_ = 0;
  while (!appended_.is_empty()) waiting_.push(appended_.pop());
  count_copied();
  if (busy_since_ == Instant{}) busy_since_ = reactor_.now();
  if (reactor_.now() - busy_since_ < kBusyMax) {
    busy_retries_.start(busy_retry_, reactor_.now());
    return;
  }
  if (!stuck_) {
    stuck_ = true;
    log_.line(Level::error, "db.degraded")
        .message(
            "another process has held the database's write lock for more than 5 seconds; end it");
  }
  fail_all();
}

void EventWriter::on_busy_retry() noexcept {
  // Where something waits, the turn's end tries again.
  if (waiting_.is_empty() && store_ != nullptr) look_for_lock();
}

void EventWriter::fail_all() {
  if (in_transaction_) store_->rollback();
  feed_.discard();
  in_transaction_ = false;
  events_waiting_ = 0;
  next_event_ = 0;
  SubmissionQueue failed;
  for (SubmissionQueue* queue : {&syncing_, &appended_, &waiting_}) {
    while (!queue->is_empty()) failed.push(queue->pop());
  }
  failed.end_all(StoreOutcome::unavailable);
}

WriterFigures EventWriter::figures() const noexcept {
  return {.commits = commits_,
          .events = events_,
          .repeats = repeats_,
          .checkpoints = checkpoints_ + (store_ != nullptr ? store_->checkpoints() : 0),
          .faults = faults_,
          .forgotten = forgotten_,
          .size = store_ != nullptr ? store_->size() : 0,
          .events_waiting = events_waiting_,
          .time_in_store = time_in_store_,
          .longest_hold = longest_hold_,
          .hold_p50 = holds_.quantile(500),
          .hold_p99 = holds_.quantile(990),
          .hold_p999 = holds_.quantile(999),
          .wal_frames = store_ != nullptr ? store_->wal().frames : 0};
}

}  // namespace picortex
