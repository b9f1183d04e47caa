#include "handlers/pipeline/store_job.h"

#include <utility>

#include "storage/query/stats/error_fingerprint.h"

namespace picortex {
namespace {

// How many events a transaction deletes: some for each one that it stores, so that more are deleted
// than arrive, or a fixed number if none arrive.
constexpr std::size_t kPrunedBeside = 16;
constexpr std::size_t kPrunedAlone = 128;
// And of a chat that is to be forgotten: a few milliseconds of work.
constexpr std::size_t kErasedMax = 1000;
// The size of a page and its header in the log.
constexpr std::int64_t kFrameSize = 4096 + 24;

}  // namespace

void StoreJob::run() noexcept {
  const auto begin = std::chrono::steady_clock::now();
  Result before = std::exchange(result_, {});
  result_.metrics = before.metrics;
  result_.size_on_disk = before.size_on_disk;
  before.places.clear();
  result_.places.swap(before.places);  // to reuse its memory
  if (auto done = work(); !done) {
    result_.fault = std::move(done.error());
    // The other connection will finish, and the store is unchanged.
    if (store_ != nullptr && result_.fault->kind == FaultKind::busy) {
      store_->rollback();
    } else {
      store_.reset();
    }
  }
  note_state();
  result_.time = std::chrono::steady_clock::now() - begin;
}

bool StoreJob::release_events() noexcept {
  auto events = Events::unread;
  return events_.compare_exchange_strong(events, Events::released) || events != Events::being_read;
}

StoreResult<void> StoreJob::work() {
  if (store_ != nullptr) {
    store_->keep_within(order.limits);
    if (order.good_ms) store_->note_good_time(*order.good_ms);
  }
  switch (order.kind) {
    case Kind::open:
      return open();
    case Kind::write:
      return write();
    case Kind::copy:
      return store_->copy_log();
    case Kind::look:
      return look();
    case Kind::finish:
      return finish();
  }
  return {};
}

// A lock that no longer belongs to its place is as bad as a database that is not in its place: both
// may be another daemon's by now.
StoreResult<void> StoreJob::check_lock() {
  if (lock == nullptr) return {};
  auto held = lock->hold();
  if (held) return {};
  Fault& fault = held.error();
  if (fault.kind == FaultKind::busy) fault.kind = FaultKind::moved;
  return std::unexpected(std::move(fault));
}

StoreResult<void> StoreJob::open() {
  if (store_ != nullptr) return {};
  TRY(check_lock());
  store_ = TRY(EventStore::open(directory_, order.now_ms));
  store_->keep_within(order.limits);
  if (compresses_data) store_->compress_data();
  auto sound = store_->verify_sample(order.events_sampled);
  if (sound) sound = read_so_far();
  if (!sound) store_.reset();
  return sound;
}

// Reads what the parts of the daemon that follow events in memory begin with.
StoreResult<void> StoreJob::read_so_far() {
  result_.turns_so_far = TRY(store_->turns_so_far(order.now_ms));
  result_.error_states = TRY(read_error_states(directory_));
  return {};
}

StoreResult<void> StoreJob::write() {
  if (order.limits.age_max_ms > 0) store_->keep_appended(order.kept_before_ms, order.kept_until_ms);
  TRY(store_->begin(order.now_ms));
  // From here on the submissions must stay: the loop can give them back only before or after.
  auto unread = Events::unread;
  if (!events_.compare_exchange_strong(unread, Events::being_read)) {
    return std::unexpected(make_fault(FaultKind::io, directory_, "it did not answer in time"));
  }
  const auto appended = append_rows();
  events_ = Events::read;
  if (!appended) return std::unexpected(appended.error());
  TRY(keep_house(*appended));
  TRY(store_->commit());
  // Without the fsync a commit survives the process, which is all that this durability promises.
  return durability_ == Durability::power ? store_->sync_log() : StoreResult<void>();
}

StoreResult<std::size_t> StoreJob::append_rows() {
  StoreResult<void> done;
  submissions.for_each([&](const Submission& submission) {
    for (const Event& event : submission.events()) {
      if (!done) return;
      const auto stored = store_->append(event);
      if (!stored) {
        done = std::unexpected(stored.error());
      } else if (*stored) {
        result_.places.emplace_back(store_->last_place());
        if (event.turn != nullptr) result_.turn_requests.push_back(store_->last_request());
        if (event.level >= Level::error) {
          result_.error_groups.push_back(error_group_of(event.event_type, event.msg, event.data));
        }
      } else {
        result_.places.emplace_back(std::nullopt);
        result_.duplicates.push_back(store_->last_duplicate());
      }
    }
  });
  if (!done) return std::unexpected(std::move(done.error()));
  return result_.places.size();
}

// Does the daemon's own work in the database, as part of the same transactions.
StoreResult<void> StoreJob::keep_house(std::size_t rows_beside) {
  if (order.saves_metrics) {
    TRY(store_->save_metrics(order.now_ms));
  }
  if (!order.forgotten_chat.empty()) {
    result_.erased = TRY(store_->forget(order.forgotten_chat, kErasedMax));
  }
  if (order.builds) {
    TRY(store_->build(order.now_ms));
  }
  if (!order.prunes) return {};
  const std::size_t rows_max = rows_beside == 0 ? kPrunedAlone : rows_beside + kPrunedBeside;
  store_->note_consumers(order.consumers);
  auto pruned = TRY(store_->prune(order.deletion_ms, rows_max));
  result_.pruned = pruned.events;
  result_.lapsed = std::move(pruned.lapsed);
  result_.has_more_to_prune = pruned.more;
  return {};
}

StoreResult<void> StoreJob::look() {
  TRY(check_lock());
  if (order.looks_for_lock) {
    // An empty transaction shows whether the write lock is free.
    const auto begun = store_->begin(order.now_ms);
    store_->rollback();
    if (!begun) return begun;
  }
  TRY(store_->verify());
  auto sound = store_->verify_sample(order.events_sampled);
  // A sample is only a check: another connection's lock is no reason to fail.
  if (!sound && sound.error().kind != FaultKind::busy) return sound;
  TRY(store_->look_after_log());
  if (store_->wal().frames * kFrameSize > kLogHeldMin) result_.log_readers = store_->log_readers();
  result_.wants_to_save_metrics = store_->wants_to_save_metrics(order.now_ms);
  result_.has_more_to_prune = TRY(store_->wants_to_prune(order.deletion_ms));
  return {};
}

StoreResult<void> StoreJob::finish() {
  auto finished = store_->finish(order.now_ms);
  store_.reset();
  return finished;
}

void StoreJob::note_state() {
  if (store_ == nullptr) return;
  result_.wants_to_copy = store_->wants_to_copy_log();
  result_.wants_to_build = store_->wants_to_build(order.now_ms);
  result_.metrics = store_->metrics(order.now_ms);
  result_.log = store_->wal();
  result_.checkpoints = store_->checkpoints();
  result_.oldest_by_size_ms = store_->oldest_by_size_ms();
  result_.size = store_->size();
  result_.arrival_epoch = store_->arrival_epoch();
  result_.next_arrival = store_->next_arrival();
  result_.log_size = result_.log.frames * kFrameSize;
  if (order.kind == Kind::look || order.kind == Kind::open)
    result_.size_on_disk = store_->size_on_disk();
}

}  // namespace picortex
