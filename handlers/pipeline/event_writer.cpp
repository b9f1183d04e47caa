#include "handlers/pipeline/event_writer.h"

#include <algorithm>
#include <utility>

namespace picortex {
namespace {

// Pause between two transactions that only prune.
constexpr std::chrono::milliseconds kPrunePause{25};
// Between two slices of what is built, which take about 2 ms each.
constexpr std::chrono::milliseconds kBuildPause{30};
constexpr std::chrono::seconds kTick{1};
constexpr unsigned kTicksPerMetrics = 5;
constexpr unsigned kTicksPerReporting = 3600;
constexpr std::chrono::milliseconds kBusyRetryDelay{10};
constexpr std::chrono::seconds kBusyMax{5};
constexpr std::chrono::seconds kMinutesNotedEvery{1};
// How many events a look reads past all caches; and how many when a database that was found damaged
// is opened again.
constexpr int kEventsSampled = 16;
constexpr int kEventsSampledAgain = 500;

}  // namespace

EventWriter::EventWriter(Reactor& reactor, Log& log, EventFeed& feed, Worker& worker,
                         std::string directory, Durability durability)
    : reactor_(reactor),
      log_(log),
      feed_(feed),
      worker_(worker),
      job_(directory, durability),
      ticks_(reactor, kTick, Callback<>::to<&EventWriter::on_tick>(*this)),
      busy_retries_(kBusyRetryDelay),
      slices_(kPrunePause),
      builds_(kBuildPause),
      clock_(reactor, log),
      disk_(log, std::move(directory)),
      log_watch_(log) {
  reactor_.add(busy_retries_);
  reactor_.add(slices_);
  reactor_.add(builds_);
  reactor_.add(IterationHook::to<&EventWriter::on_iteration_end>(*this));
  ticks_.start();
}

EventWriter::~EventWriter() = default;

// Runs `work`, which blocks the loop, and adds its duration to the blocking time.
template <class Work>
void EventWriter::hold(Work work) {
  const Instant begin = reactor_.clock().now();
  work();
  blocking_time_ += reactor_.clock().now() - begin;
}

void EventWriter::note_blocking_time() noexcept {
  if (blocking_time_ == Nanoseconds{0}) return;
  stats_.longest_blocking = std::max(stats_.longest_blocking, blocking_time_);
  blocking_times_.add(blocking_time_);
  blocking_time_ = Nanoseconds{0};
}

void EventWriter::keep_within(const RetentionLimits& limits, std::uint64_t free_min) noexcept {
  limits_ = limits;
  log_watch_.limit(limits.size_max);
  disk_.require(free_min);
}

void EventWriter::open() {
  job_.order.kind = StoreJob::Kind::open;
  job_.order.now_ms = reactor_.unix_ms();
  job_.order.limits = limits_;
  job_.prepare();
  job_.run();
  read_result();
}

const Metrics& EventWriter::metrics() noexcept {
  if (!worker_.is_busy() && is_open_) metrics_ = job_.store()->metrics(reactor_.unix_ms());
  return metrics_;
}

MinuteCounts EventWriter::counts_of(std::int64_t minute) const noexcept {
  if (!is_open_) return {};
  if (!worker_.is_busy()) return job_.store()->counts_of(minute);
  const std::int64_t index = minute - minutes_begin_;
  const bool is_noted = index >= 0 && index < static_cast<std::int64_t>(minutes_.size());
  return is_noted ? minutes_[static_cast<std::size_t>(index)] : MinuteCounts{};
}

bool EventWriter::is_idle() const noexcept {
  return !orders_.are_waiting() && job_.submissions.is_empty() && !worker_.is_busy();
}

void EventWriter::close() {
  if (state_ != State::open) return;
  state_ = State::closing;
  ticks_.stop();
  busy_retry_.stop();
  next_slice_.stop();
  next_build_.stop();
  report_pruned();
  if (!worker_.is_busy()) start_next_job();
}

void EventWriter::abandon() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  ticks_.stop();
  busy_retry_.stop();
  next_slice_.stop();
  next_build_.stop();
  orders_.fail(job_, worker_.is_busy());
}

// --- Orders ---

void EventWriter::on_iteration_end() noexcept {
  // Without a store, waiting is of no use: clients should try again.
  if (orders_.are_waiting() && (!is_open_ || state_ == State::closed))
    orders_.fail(job_, worker_.is_busy());
  if (!worker_.is_busy()) hold([this] { start_next_job(); });
  note_blocking_time();
}

void EventWriter::start_next_job() {
  if (state_ == State::closed) return;
  if (!is_open_) {
    if (state_ == State::closing) {
      state_ = State::closed;
    } else if (std::exchange(open_due_, false)) {
      start(StoreJob::Kind::open);
    }
    return;
  }
  if (state_ == State::closing) {
    return orders_.are_waiting() ? order_write() : start(StoreJob::Kind::finish);
  }
  // A look comes first: it finds out whether the files are still in their place.
  if (std::exchange(look_due_, false)) return order_look();
  const bool writes = wants_to_write();
  // Copying and writing alternate under load, so that neither the log nor the queue grows without
  // bound.
  if (copy_due_ && !(writes && copied_last_)) {
    copied_last_ = true;
    return start(StoreJob::Kind::copy);
  }
  copied_last_ = false;
  if (writes) order_write();
}

bool EventWriter::wants_to_write() const noexcept {
  if (busy_retry_.is_running()) return false;
  return orders_.are_waiting() || prune_due_ || metrics_due_ || build_due_;
}

void EventWriter::order_write() {
  orders_.give(job_);
  job_.order.saves_metrics = std::exchange(metrics_due_, false);
  // Deleting makes the log longer, and frees no space while a reader holds the log.
  job_.order.prunes = limits_ != RetentionLimits{} && !log_is_full();
  job_.order.builds = std::exchange(build_due_, false) && !log_is_full();
  prune_due_ = false;
  start(StoreJob::Kind::write);
}

void EventWriter::order_look() {
  job_.order.looks_for_lock = stuck_;
  job_.order.events_sampled = ticks_since_metrics_ == 0 ? kEventsSampled : 0;
  start(StoreJob::Kind::look);
}

void EventWriter::start(StoreJob::Kind kind) {
  job_.order.kind = kind;
  job_.order.now_ms = reactor_.unix_ms();
  job_.order.limits = limits_;
  job_.order.deletion_ms = clock_.now_ms();
  job_.order.good_ms = clock_.good_ms();
  if (limits_.age_max_ms > 0) {
    job_.order.kept_before_ms = clock_.latest_ms() - limits_.age_max_ms;
    job_.order.kept_until_ms = clock_.latest_ms() + limits_.age_max_ms;
  }
  if (kind == StoreJob::Kind::open) {
    job_.order.events_sampled = was_corrupt_ ? kEventsSampledAgain : 0;
  }
  job_.order.consumers = consumers_;
  job_.prepare();
  job_since_ = reactor_.now();
  worker_.run<&EventWriter::work, &EventWriter::on_job_done>(*this);
}

// --- Results ---

void EventWriter::on_job_done() noexcept {
  if (state_ == State::closed) return orders_.fail(job_, worker_.is_busy());  // abandoned
  hold([this] { read_result(); });
}

void EventWriter::read_result() {
  const StoreJob::Result& result = job_.result();
  stats_.time_in_store += result.time;
  stats_.longest_job = std::max(stats_.longest_job, result.time);
  jobs_.add(result.time);
  stats_.wal_frames = result.log.frames;
  stats_.log_size = result.log_size;
  stats_.size = result.size_on_disk;
  stats_.size_used = result.size;
  stats_.checkpoints = checkpoints_ + result.checkpoints;
  metrics_ = result.metrics;
  oldest_by_size_ms_ = result.oldest_by_size_ms;
  if (result.next_arrival > 0) {
    arrival_epoch_ = result.arrival_epoch;
    last_arrival_ = result.next_arrival - 1;
  }
  log_watch_.note_size(result.log_size);
  if (result.fault) return on_fault(*result.fault);
  copy_due_ = result.wants_to_copy;
  if (result.wants_to_build && state_ == State::open && !build_due_ && !next_build_.is_running()) {
    builds_.start(next_build_, reactor_.now());
  }
  switch (job_.order.kind) {
    case StoreJob::Kind::open:
      return note_opened();
    case StoreJob::Kind::write:
      return note_written();
    case StoreJob::Kind::look:
      return note_looked();
    case StoreJob::Kind::copy:
      return;
    case StoreJob::Kind::finish:
      is_open_ = false;
      state_ = State::closed;
  }
}

void EventWriter::note_opened() {
  is_open_ = true;
  stuck_ = was_corrupt_ = false;
  busy_since_ = {};
  clock_.start(job_.store()->good_time_ms());
  feed_.follow(static_cast<std::uint64_t>(job_.store()->arrival_epoch()),
               static_cast<std::uint64_t>(job_.store()->next_arrival()));
  feed_.note_opened(job_.result().turns_so_far, job_.result().error_states);
  if (const std::string& path = job_.store()->log_set_aside(); !path.empty()) {
    log_.line(Level::warn, "db.log_set_aside")
        .text("path", path)
        .message("the database was replaced; the log of the one before was renamed, not merged");
  }
  note_minutes();
  if (fault_reported_.empty()) return;
  fault_reported_.clear();
  log_recovery();
}

void EventWriter::note_written() {
  const StoreJob::Result& result = job_.result();
  busy_since_ = {};
  ++stats_.commits;
  stats_.pruned += result.pruned;
  for (std::size_t i = 0; i < result.lapsed.size(); ++i) {
    if (result.lapsed[i] > 0) lapsed_[job_.order.consumers[i].name] += result.lapsed[i];
  }
  auto place = result.places.begin();
  auto duplicate = result.duplicates.begin();
  auto turn_request = result.turn_requests.begin();
  auto error_group = result.error_groups.begin();
  job_.submissions.for_each([&](Submission& submission) {
    for (const Event& event : submission.events()) {
      if (*place) {
        ++stats_.events;
        Event stored = event;
        if (event.turn != nullptr) stored.request_id = *turn_request++;
        if (event.level >= Level::error) stored.error_group = *error_group++;
        feed_.append(stored, **place);
      } else {
        ++stats_.duplicates;
        submission.duplicate_of_ = *duplicate++;
        ++submission.duplicates_;
      }
      ++place;
    }
  });
  // Published before the answers are sent: a client that has its answer finds the event in every
  // stream.
  feed_.publish();
  if (result.has_more_to_prune && !next_slice_.is_running()) {
    slices_.start(next_slice_, reactor_.now());
  }
  if (reactor_.now() - minutes_noted_ >= kMinutesNotedEvery) note_minutes();
  orders_.end_stored(job_);
}

void EventWriter::note_looked() {
  const StoreJob::Result& result = job_.result();
  prune_due_ = prune_due_ || result.has_more_to_prune;
  log_watch_.note_readers(result.log_readers);
  if (job_.order.looks_for_lock) {
    busy_since_ = {};
    if (std::exchange(stuck_, false)) log_recovery();
  }
  if (job_.order.events_sampled > 0) metrics_due_ = result.wants_to_save_metrics;
}

void EventWriter::note_minutes() {
  minutes_noted_ = reactor_.now();
  minutes_begin_ = job_.order.now_ms / 60'000 - Counters::kDayMinutes + 1;
  minutes_.resize(Counters::kDayMinutes);
  for (std::size_t i = 0; i < minutes_.size(); ++i) {
    minutes_[i] = job_.store()->counts_of(minutes_begin_ + static_cast<std::int64_t>(i));
  }
}

// --- Time and trouble ---

void EventWriter::on_tick() noexcept {
  disk_.look();
  look_at_clock();
  if (++ticks_since_reported_ == kTicksPerReporting) report_pruned();
  ticks_since_metrics_ = (ticks_since_metrics_ + 1) % kTicksPerMetrics;
  open_due_ = look_due_ = true;
}

void EventWriter::look_at_clock() {
  if (clock_.look()) metrics_due_ = true;  // the counters follow
}

void EventWriter::report_pruned() {
  ticks_since_reported_ = 0;
  if (stats_.pruned == pruned_reported_) return;
  log_.line(Level::info, "db.retention")
      .number("events", static_cast<std::int64_t>(stats_.pruned - pruned_reported_))
      .message("events beyond the age or size limit were deleted");
  pruned_reported_ = stats_.pruned;
}

void EventWriter::log_recovery() {
  log_.line(Level::info, "db.recovered").message("the database works again");
}

void EventWriter::on_fault(const Fault& fault) {
  const bool is_finished = job_.order.kind == StoreJob::Kind::finish;
  if (job_.store() != nullptr && fault.kind == FaultKind::busy) return on_busy();
  ++stats_.faults;
  // A fault that stays is logged once, not once a second.
  if (fault_reported_ != fault.what) {
    fault_reported_ = fault.what;
    log_.line(Level::error, "db.degraded").message(fault.what);
  }
  fault_kind_ = fault.kind;
  was_corrupt_ = fault.kind == FaultKind::corrupt;
  checkpoints_ = stats_.checkpoints;
  is_open_ = open_due_ = copy_due_ = prune_due_ = metrics_due_ = build_due_ = false;
  orders_.fail(job_, worker_.is_busy());
  // At the end there is no second try: the next start copies the log.
  if (is_finished) state_ = State::closed;
}

// Another connection is writing. That usually ends at once.
void EventWriter::on_busy() {
  if (job_.order.kind == StoreJob::Kind::write) {
    prune_due_ = job_.order.prunes;
    build_due_ = job_.order.builds;
    metrics_due_ = job_.order.saves_metrics;
  }
  // Submissions of the failed transaction stay before later ones.
  orders_.take_back(job_);
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
  prune_due_ = metrics_due_ = build_due_ = false;
  orders_.fail(job_, worker_.is_busy());
}

WriterStats EventWriter::stats() const noexcept {
  WriterStats stats = stats_;
  stats.deletion_waits = clock_.is_waiting();
  stats.events_waiting = orders_.events();
  stats.blocking_p50 = blocking_times_.quantile(500);
  stats.blocking_p99 = blocking_times_.quantile(990);
  stats.blocking_p999 = blocking_times_.quantile(999);
  stats.job_p50 = jobs_.quantile(500);
  stats.job_p99 = jobs_.quantile(990);
  stats.job_p999 = jobs_.quantile(999);
  return stats;
}

}  // namespace picortex
