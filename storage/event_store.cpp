#include "storage/event_store.h"

#include <utility>

#include "base/check.h"
#include "base/timestamp.h"
#include "storage/schema.h"
#include "storage/sync_gate.h"

namespace picortex {
namespace {

constexpr std::pair<const char*, std::int64_t Metrics::*> kMetricNames[] = {
    {"chats_total", &Metrics::chats_total},
    {"chats_active_7d", &Metrics::chats_active_7d},
    {"turns_total", &Metrics::turns_total},
    {"turns_last_24h", &Metrics::turns_last_24h},
    {"discriminator_skipped_24h", &Metrics::discriminator_skipped_24h},
    {"errors_last_24h", &Metrics::errors_last_24h}};

}  // namespace

StoreResult<std::unique_ptr<EventStore>> EventStore::open(const std::string& data_directory,
                                                          std::int64_t now_ms,
                                                          const CheckpointLimits& limits) {
  CHECK(now_ms >= 0);
  const std::string path = data_directory + "/picortex.db";
  if (auto done = create_file(path); !done) return std::unexpected(std::move(done.error()));
  auto database = Database::open(path);
  if (!database) return std::unexpected(std::move(database.error()));
  std::unique_ptr<EventStore> store(new EventStore(std::move(*database), limits));
  auto done = prepare_schema(*store->database_);
  if (done) done = store->prepare_statements();
  if (done) done = store->start(now_ms);
  if (done) done = store->wal_file_.open(store->database_->wal_path());
  if (done) done = sync_directory(data_directory);
  if (done) done = store->checkpoint_.prepare();
  if (done) done = store->verify();
  if (!done) return std::unexpected(std::move(done.error()));
  return store;
}

EventStore::~EventStore() { rollback(); }

StoreResult<void> EventStore::prepare_statements() {
  const std::pair<Statement*, const char*> statements[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      // A key that is taken is passed over without the cost of a failing statement.
      {&insert_event_, "INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
      {&find_place_, "SELECT 1 FROM event WHERE key = ?1 AND tail = ?2 AND client_id IS NULL"},
      {&find_client_id_, "SELECT 1 FROM event WHERE client_id = ?1"},
      {&last_key_, "SELECT key FROM event WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1"},
      {&write_metric_, "INSERT OR REPLACE INTO metrics VALUES (?1, ?2, ?3)"},
      // Some event between the first and the last: ?1 is the place from 0 to 2^20.
      {&probe_,
       "SELECT length(data) FROM event WHERE key >= (SELECT min(key) FROM event) +"
       " ((SELECT max(key) FROM event) - (SELECT min(key) FROM event)) / 1048576 * ?1 LIMIT 1"}};
  if (auto done = database_->prepare_all(statements); !done) return done;
  if (auto done = egress_hosts_.prepare(*database_); !done) return done;
  if (auto done = retention_.prepare(*database_); !done) return done;
  return names_.prepare(*database_);
}

StoreResult<void> EventStore::start(std::int64_t now_ms) {
  // Synchronous is still FULL: whatever a process before left in the log is in the database, and on
  // the disk, after this. A reader may prevent it, which only leaves the log longer.
  if (auto done = database_->checkpoint(CheckpointMode::truncate); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (auto done = database_->execute("PRAGMA synchronous = NORMAL"); !done) return done;
  auto done = begin_.run();
  if (done) done = counters_.load(*database_, now_ms);
  if (done) done = save_metrics(now_ms);
  if (done) done = commit_.run();
  if (!done) database_->rollback();
  return done;
}

StoreResult<void> EventStore::begin(std::int64_t now_ms) {
  CHECK(!in_transaction_);
  CHECK(now_ms >= 0);
  auto begun = begin_.run();
  if (!begun) return begun;
  in_transaction_ = true;
  counters_.roll(now_ms);
  return {};
}

StoreResult<bool> EventStore::append(const Event& event) {
  CHECK(in_transaction_ && !failed_);
  CHECK(event.time_ms >= 0 && event.time_ms <= kLatestUnixMs);
  failed_ = true;
  if (event.id) {
    auto stored = is_stored(*event.id);
    if (!stored) return stored;
    if (*stored) {
      failed_ = false;
      return false;
    }
  }
  if (auto done = bind_event(event); !done) return std::unexpected(std::move(done.error()));
  if (auto done = insert(event); !done) return std::unexpected(std::move(done.error()));
  if (event.egress != nullptr) {
    auto noted = egress_hosts_.note(*event.egress, event.time_ms, event.request_id);
    if (!noted) return std::unexpected(std::move(noted.error()));
  }
  counters_.count(event);
  failed_ = false;
  return true;
}

StoreResult<bool> EventStore::is_stored(const Uuid& id) {
  if (const auto place = event_place(id)) {
    auto found = find_place_.bind(1, place->key).bind(2, place->tail).lookup();
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found) return true;
  }
  auto found = find_client_id_.bind_blob(1, id.bytes).lookup();
  if (!found) return std::unexpected(std::move(found.error()));
  return found->has_value();
}

StoreResult<void> EventStore::bind_event(const Event& event) {
  auto type = names_.type_id(event.event_type);
  if (!type) return std::unexpected(std::move(type.error()));
  insert_event_.bind(3, static_cast<std::int64_t>(event.level)).bind(4, *type).bind_null(5);
  insert_event_.bind_blob(6, event.request_id.bytes).bind_null(7).bind_text(8, event.msg);
  insert_event_.bind_null(9);
  if (!event.data.empty()) insert_event_.bind_text(9, event.data);
  if (event.chat_id.empty()) return {};
  auto chat = names_.chat_id(event.chat_id, counters_.minute_of(event.time_ms), counters_);
  if (!chat) return std::unexpected(std::move(chat.error()));
  insert_event_.bind(5, *chat);
  return {};
}

StoreResult<void> EventStore::insert(const Event& event) {
  if (!event.id) {
    const auto tail = static_cast<std::int64_t>(random_.next() & EventPlace::kTailMask);
    return insert_in_sequence(event.time_ms, tail);
  }
  // An id that says the event's own time can say its place too, unless another one has the key.
  const auto place = event_place(*event.id);
  if (place && time_of(place->key) == event.time_ms) {
    auto inserted = insert_at(*place);
    if (!inserted) return std::unexpected(std::move(inserted.error()));
    if (*inserted) return {};
  }
  insert_event_.bind_blob(7, event.id->bytes);
  if (event.sequence) {
    auto inserted = insert_at({first_key_of(event.time_ms) + *event.sequence, 0});
    if (!inserted) return std::unexpected(std::move(inserted.error()));
    if (*inserted) return {};
  }
  return insert_in_sequence(event.time_ms, 0);
}

StoreResult<bool> EventStore::insert_at(const EventPlace& place) {
  auto done = insert_event_.bind(1, place.key).bind(2, place.tail).run();
  if (!done) return std::unexpected(std::move(done.error()));
  if (database_->changes() != 1) return false;
  last_place_ = place;
  return true;
}

StoreResult<void> EventStore::insert_in_sequence(std::int64_t time_ms, std::int64_t tail) {
  for (;;) {
    const std::int64_t key = sequence_.next(time_ms);
    auto inserted = insert_at({key, tail});
    if (!inserted) return std::unexpected(std::move(inserted.error()));
    if (*inserted) return {};
    // Another process, or a client's own id, used this millisecond: go on behind its last key.
    const std::int64_t end = first_key_of(time_of(key) + 1);
    auto last = last_key_.bind(1, key).bind(2, end - 1).lookup();
    if (!last) return std::unexpected(std::move(last.error()));
    if (!*last) {
      return std::unexpected(make_fault(FaultKind::corrupt, database_->path(),
                                        "an index holds an event that the table lacks"));
    }
    sequence_.skip_to(time_ms, **last + 1);
  }
}

StoreResult<std::size_t> EventStore::forget(std::int64_t now_ms, std::size_t rows_max) {
  CHECK(in_transaction_ && !failed_);
  auto forgotten = retention_.forget(now_ms, rows_max);
  failed_ = !forgotten;
  return forgotten;
}

StoreResult<bool> EventStore::commit() {
  CHECK(in_transaction_ && !failed_);
  failed_ = true;
  if (!std::exchange(counters_saved_, true)) {
    if (auto saved = counters_.save(); !saved) return std::unexpected(std::move(saved.error()));
  }
  auto ended = end_transaction();
  if (!ended) return ended;
  failed_ = false;
  if (!*ended) return false;
  counters_.commit();
  names_.commit();
  egress_hosts_.commit();
  in_transaction_ = counters_saved_ = log_header_synced_ = false;
  if (auto noted = checkpoint_.after_commit(); !noted) {
    return std::unexpected(std::move(noted.error()));
  }
  return true;
}

// False: the log is owed an fsync.
StoreResult<bool> EventStore::end_transaction() {
  const SyncGate::Closed closed(database_->gate(), {.log = log_header_synced_});
  auto done = commit_.run();
  if (!done) {
    if (database_->gate().owed() == SyncGate::File::log) return false;
    return std::unexpected(std::move(done.error()));
  }
  if (auto there = check_place(); !there) return std::unexpected(std::move(there.error()));
  return true;
}

void EventStore::rollback() noexcept {
  if (!in_transaction_) return;
  database_->rollback();
  counters_.rollback();
  names_.rollback();
  egress_hosts_.rollback();
  written_.reset();
  in_transaction_ = failed_ = counters_saved_ = log_header_synced_ = false;
}

const Metrics& EventStore::metrics(std::int64_t now_ms) {
  if (!in_transaction_) counters_.roll(now_ms);
  return counters_.values();
}

bool EventStore::wants_to_save_metrics(std::int64_t now_ms) { return written_ != metrics(now_ms); }

StoreResult<void> EventStore::save_metrics(std::int64_t now_ms) {
  const Metrics& values = counters_.values();
  for (const auto& [name, member] : kMetricNames) {
    if (written_ && (*written_).*member == values.*member) continue;
    write_metric_.bind_text(1, name).bind(2, values.*member).bind(3, now_ms);
    if (auto done = write_metric_.run(); !done) {
      failed_ = in_transaction_;
      return done;
    }
  }
  written_ = values;
  return {};
}

// In a transaction of its own.
StoreResult<void> EventStore::write_metrics(std::int64_t now_ms) {
  auto done = begin_.run();
  if (!done) return done;
  done = save_metrics(now_ms);
  if (done) done = commit_.run();
  if (done) done = check_place();
  if (!done) {
    database_->rollback();
    written_.reset();
  }
  return done;
}

int EventStore::database_descriptor() const noexcept {
  return database_->gate().database_descriptor();
}

StoreResult<CheckpointProgress> EventStore::checkpoint() {
  return database_->checkpoint(CheckpointMode::passive);
}

StoreResult<void> EventStore::finish(std::int64_t now_ms) {
  counters_.roll(now_ms);
  if (wants_to_save_metrics(now_ms)) {
    if (auto written = write_metrics(now_ms); !written) return written;
  }
  const auto copied = database_->checkpoint(CheckpointMode::truncate);
  if (!copied) return std::unexpected(copied.error());
  return {};
}

StoreResult<void> EventStore::check_place() {
  auto done = database_->check_place();
  return done ? wal_file_.check_place() : done;
}

StoreResult<void> EventStore::verify() {
  if (auto done = check_place(); !done) return done;
  // Another place each time, so that it is the disk that answers and not only the cache.
  auto row = probe_.bind(1, static_cast<std::int64_t>(random_.next() & 0xfffff)).lookup();
  if (!row) return std::unexpected(std::move(row.error()));
  return {};
}

}  // namespace picortex
