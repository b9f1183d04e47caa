#include "storage/event_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/time/timestamp.h"
#include "storage/query/arrival_query.h"
#include "storage/sqlite/file_identity.h"
#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

constexpr std::pair<const char*, std::int64_t Metrics::*> kMetricNames[] = {
    {"chats_total", &Metrics::chats_total},
    {"chats_active_7d", &Metrics::chats_active_7d},
    {"turns_total", &Metrics::turns_total},
    {"turns_last_24h", &Metrics::turns_last_24h},
    {"discriminator_skipped_24h", &Metrics::discriminator_skipped_24h},
    {"errors_last_24h", &Metrics::errors_last_24h}};

// At most this many pages may be left to copy when the log is truncated: about 2 ms.
constexpr int kFramesToCut = 1000;
// The good time is saved at least this often if nothing else is written.
constexpr std::int64_t kGoodTimePauseMs = 600'000;

}  // namespace

StoreResult<std::unique_ptr<EventStore>> EventStore::open(const std::string& data_directory,
                                                          std::int64_t now_ms,
                                                          const CheckpointLimits& limits) {
  CHECK(now_ms >= 0);
  const std::string path = data_directory + "/picortex.db";
  auto aside = TRY(set_foreign_log_aside(path));
  TRY(create_file(path));
  auto database = TRY(Database::open(path));
  std::unique_ptr<EventStore> store(new EventStore(std::move(database), limits));
  auto done = prepare_schema(*store->database_);
  if (done) done = store->prepare_statements();
  if (done) done = store->start(now_ms, !is_noted(path));
  if (done) done = store->wal_file_.open(store->database_->wal_path());
  if (done) done = note_place(path);
  if (done) done = sync_directory(data_directory);
  if (done) done = store->prepare_reading();
  if (done) done = store->verify();
  if (done) done = store->verify_sample(1);
  if (!done) return std::unexpected(std::move(done.error()));
  store->log_set_aside_ = std::move(aside);
  return store;
}

EventStore::~EventStore() { rollback(); }

StoreResult<void> EventStore::prepare_statements() {
  const std::pair<Statement*, const char*> statements[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      // A key that is taken is passed over without the cost of a failing statement.
      {&insert_event_,
       "INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
      {&find_place_,
       "SELECT request FROM event WHERE key = ?1 AND tail = ?2 AND client_id IS NULL"},
      {&find_client_id_, "SELECT request FROM event WHERE client_id = ?1"},
      {&last_key_, "SELECT key FROM event WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1"},
      {&write_metric_, "INSERT OR REPLACE INTO metrics VALUES (?1, ?2, ?3)"},
      {&write_good_time_, "INSERT OR REPLACE INTO total VALUES ('good_time_ms', ?1)"}};
  TRY(database_->prepare_all(statements));
  TRY(egress_hosts_.prepare(*database_));
  TRY(names_.prepare(*database_));
  TRY(compressor_.prepare(*database_));
  TRY(indexes_.prepare(*database_));
  TRY(turns_.prepare(*database_, indexes_.next_arrival() - 1));
  TRY(eraser_.prepare(*database_, names_, counters_, indexes_));
  return retention_.prepare(*database_, names_, counters_, egress_hosts_, turns_, indexes_);
}

// If no process has saved it yet, the last write of any process gives it.
StoreResult<void> EventStore::load_good_time() {
  for (const char* sql : {"SELECT coalesce(max(value), -1) FROM total WHERE name = 'good_time_ms'",
                          "SELECT coalesce(max(updated_ms), -1) FROM metrics"}) {
    auto time_ms = TRY(database_->integer_of(sql));
    if (time_ms < 0) continue;
    good_time_ms_ = std::min(time_ms, kLatestUnixMs);
    break;
  }
  return {};
}

// Reloads the counters from the tables, within the open transaction.
StoreResult<void> EventStore::count_anew(std::int64_t now_ms) {
  names_.clear();
  return counters_.load(*database_, now_ms);
}

StoreResult<void> EventStore::prepare_reading() {
  reading_ = TRY(Database::open_read_only(database_->path()));
  auto done = reading_->execute("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
  if (done) done = checkpoint_.prepare(*reading_);
  if (done) done = spot_check_.prepare(*reading_);
  return done;
}

// `is_copy`: the file was not here when a process noted its place, so that another one may go on
// with the same numbers of arrival.
StoreResult<void> EventStore::start(std::int64_t now_ms, bool is_copy) {
  // Synchronous is still FULL: whatever a process before left in the log is in the database, and on
  // the disk, after this. A reader may prevent it, which only leaves the log longer.
  TRY(database_->checkpoint(CheckpointMode::truncate));
  TRY(database_->execute("PRAGMA synchronous = NORMAL"));
  TRY(load_good_time());
  auto done = begin_.run();
  if (done) done = counters_.load(*database_, now_ms);
  if (done) done = save_metrics(now_ms);
  if (done && (is_copy || indexes_.epoch() == 0)) {
    done = indexes_.begin_epoch(static_cast<std::int64_t>(random_.next() >> 1 | 1));
  }
  if (done) done = commit_.run();
  if (!done) {
    database_->rollback();
    return done;
  }
  counters_.commit();
  indexes_.commit();
  return done;
}

StoreResult<void> EventStore::begin(std::int64_t now_ms) {
  CHECK(!in_transaction_);
  CHECK(now_ms >= 0);
  TRY(begin_.run());
  in_transaction_ = true;
  // The windows move before anything is counted, so that every event of the transaction counts in
  // the same minutes.
  if (!counters_.wants_load(now_ms)) {
    counters_.roll(now_ms);
    return {};
  }
  auto counted = count_anew(now_ms);
  failed_ = !counted;
  return counted;
}

StoreResult<bool> EventStore::append(const Event& given) {
  CHECK(in_transaction_ && !failed_);
  CHECK(given.time_ms >= 0 && given.time_ms <= kLatestUnixMs);
  // Until the end is reached, only rollback() is allowed.
  failed_ = true;
  Event event = given;
  if (event.id) {
    if (TRY(is_stored(*event.id))) {
      failed_ = false;
      return false;
    }
  }
  event.request_id = last_request_ = TRY(turns_.resolve(event));
  auto facts = TRY(bind_event(event));
  TRY(insert(event));
  facts.key = last_place_.key;
  TRY(indexes_.note_appended(facts));
  if (event.egress != nullptr) {
    TRY(egress_hosts_.note(*event.egress, event.time_ms, event.request_id));
  }
  if (event.traffic != nullptr) {
    TRY(egress_hosts_.add_traffic(*event.traffic));
  }
  TRY(turns_.note(event, indexes_.next_arrival() - 1));
  counters_.count(event);
  retention_.note_appended(event.time_ms);
  failed_ = false;
  return true;
}

StoreResult<bool> EventStore::is_stored(const Uuid& id) {
  // Most IDs contain their place, which is one seek in the table itself; the index of client IDs
  // has the others.
  if (const auto place = event_place(id)) {
    auto found = find_duplicate(find_place_.bind(1, place->key).bind(2, place->tail));
    if (!found || *found) return found;
  }
  return find_duplicate(find_client_id_.bind_blob(1, id.bytes));
}

StoreResult<bool> EventStore::find_duplicate(Statement& find) {
  auto row = find.step();
  if (!row || !*row) return row;
  const std::string_view request = find.text(0);
  last_duplicate_ = {};
  if (request.size() == last_duplicate_.bytes.size()) {
    std::memcpy(last_duplicate_.bytes.data(), request.data(), request.size());
  }
  find.reset();
  return true;
}

// Binds all but the key and the tail. What it returns lacks the key and the number of arrival.
StoreResult<EventFacts> EventStore::bind_event(const Event& event) {
  auto type = TRY(names_.type_id(event.event_type));
  insert_event_.bind(3, static_cast<std::int64_t>(event.level)).bind(4, type).bind_null(5);
  insert_event_.bind_blob(6, event.request_id.bytes).bind_null(7).bind_text(8, event.msg);
  insert_event_.bind(10, indexes_.next_arrival());
  EventFacts facts{.type = type, .level = event.level};
  if (!event.chat_id.empty()) {
    facts.chat = TRY(names_.chat_id(event.chat_id, counters_.minute_of(event.time_ms), counters_));
    insert_event_.bind(5, facts.chat);
  }
  TRY(bind_data(facts, event.data));
  return facts;
}

StoreResult<void> EventStore::bind_data(const EventFacts& facts, std::string_view data) {
  insert_event_.bind_null(9).bind_null(11);
  const std::string_view compressed = TRY(compressor_.compress(facts.type, facts.chat, data));
  if (!compressed.empty()) {
    insert_event_.bind_blob(
        11, {reinterpret_cast<const std::uint8_t*>(compressed.data()), compressed.size()});
  } else if (!data.empty()) {
    insert_event_.bind_text(9, data);
  }
  return {};
}

StoreResult<void> EventStore::insert(const Event& event) {
  if (!event.id) {
    const auto tail = static_cast<std::int64_t>(random_.next() & EventPlace::kTailMask);
    return insert_in_sequence(event.time_ms, tail);
  }
  // An ID that contains the event's own time can determine its place too, unless another event has
  // that key, or had it where this one is restored from.
  const auto place = event_place(*event.id);
  const bool is_own =
      place && time_of(place->key) == event.time_ms &&
      (!event.sequence || first_key_of(event.time_ms) + *event.sequence == place->key);
  if (is_own && TRY(insert_at(*place))) return {};
  insert_event_.bind_blob(7, event.id->bytes);
  if (event.sequence) {
    if (TRY(insert_at({first_key_of(event.time_ms) + *event.sequence, 0}))) return {};
  }
  return insert_in_sequence(event.time_ms, 0);
}

StoreResult<bool> EventStore::insert_at(const EventPlace& place) {
  TRY(insert_event_.bind(1, place.key).bind(2, place.tail).run());
  if (database_->changes() != 1) return false;
  last_place_ = place;
  return true;
}

StoreResult<void> EventStore::insert_in_sequence(std::int64_t time_ms, std::int64_t tail) {
  // Usually the first key is free: the sequence remembers the last ones that this process used.
  for (;;) {
    const std::int64_t key = sequence_.next(time_ms);
    if (TRY(insert_at({key, tail}))) return {};
    // Another process, or a client's own ID, used this millisecond: continue after its last key.
    const std::int64_t end = first_key_of(time_of(key) + 1);
    auto last = TRY(last_key_.bind(1, key).bind(2, end - 1).lookup());
    if (!last) {
      return std::unexpected(make_fault(FaultKind::corrupt, database_->path(),
                                        "an index holds an event that the table lacks"));
    }
    sequence_.skip_to(time_ms, *last + 1);
  }
}

void EventStore::note_consumers(const std::vector<ConsumerPlace>& consumers) {
  std::vector<std::int64_t> places;
  for (const ConsumerPlace& consumer : consumers) {
    // In another order of arrival it begins again.
    places.push_back(consumer.epoch == arrival_epoch() ? consumer.place : kBeforeAllArrivals);
  }
  retention_.note_consumers(std::move(places));
}

StoreResult<Pruned> EventStore::prune(std::int64_t now_ms, std::size_t rows_max) {
  CHECK(in_transaction_ && !failed_);
  auto pruned = retention_.prune(now_ms, rows_max);
  failed_ = !pruned;
  return pruned;
}

StoreResult<Erased> EventStore::forget(std::string_view chat_id, std::size_t rows_max) {
  CHECK(in_transaction_ && !failed_);
  failed_ = true;
  TRY(turns_.write_messages());
  auto erased = eraser_.erase(chat_id, rows_max);
  failed_ = !erased;
  return erased;
}

StoreResult<void> EventStore::build(std::int64_t now_ms) {
  CHECK(in_transaction_ && !failed_);
  auto built = indexes_.build(now_ms);
  failed_ = !built;
  return built;
}

StoreResult<void> EventStore::commit() {
  CHECK(in_transaction_ && !failed_);
  failed_ = true;
  if (!std::exchange(counters_saved_, true)) {
    auto saved = counters_.save();
    if (saved) saved = retention_.save();
    if (saved) saved = indexes_.save();
    if (saved) saved = turns_.save(indexes_.next_arrival() - 1);
    if (!saved) return saved;
  }
  // The place is checked after the commit: a file that was moved before it has taken the
  // transaction with it.
  TRY(commit_.run());
  TRY(check_place());
  failed_ = false;
  counters_.commit();
  names_.commit();
  compressor_.commit();
  egress_hosts_.commit();
  indexes_.commit();
  turns_.commit();
  retention_.commit();
  in_transaction_ = counters_saved_ = false;
  return {};
}

StoreResult<void> EventStore::sync_log() { return wal_file_.sync(); }

StoreResult<void> EventStore::copy_log() {
  auto sound = spot_check_.check_header();
  return sound ? checkpoint_.run_round() : sound;
}

void EventStore::rollback() noexcept {
  if (!in_transaction_) return;
  database_->rollback();
  counters_.rollback();
  names_.rollback();
  compressor_.rollback();
  egress_hosts_.rollback();
  indexes_.rollback();
  turns_.rollback();
  retention_.rollback();
  // The table may hold what this transaction wrote or not: everything is written again.
  written_.reset();
  in_transaction_ = failed_ = counters_saved_ = false;
}

const Metrics& EventStore::metrics(std::int64_t now_ms) {
  if (!in_transaction_) counters_.roll(now_ms);
  return counters_.values();
}

bool EventStore::wants_to_save_metrics(std::int64_t now_ms) {
  if (written_ != metrics(now_ms) || counters_.wants_load(now_ms)) return true;
  return new_good_time_ms_.value_or(0) - good_time_ms_.value_or(0) >= kGoodTimePauseMs;
}

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
  if (!new_good_time_ms_ || new_good_time_ms_ == good_time_ms_) return {};
  if (auto done = write_good_time_.bind(1, *new_good_time_ms_).run(); !done) {
    failed_ = in_transaction_;
    return done;
  }
  good_time_ms_ = new_good_time_ms_;
  return {};
}

// Writes the counters in a transaction of its own.
StoreResult<void> EventStore::write_metrics(std::int64_t now_ms) {
  TRY(begin_.run());
  auto done = save_metrics(now_ms);
  if (done) done = commit_.run();
  if (done) done = check_place();
  if (!done) {
    database_->rollback();
    written_.reset();
  }
  return done;
}

StoreResult<CheckpointProgress> EventStore::checkpoint() {
  return database_->checkpoint(CheckpointMode::passive);
}

StoreResult<void> EventStore::finish(std::int64_t now_ms) {
  counters_.roll(now_ms);
  if (wants_to_save_metrics(now_ms)) {
    TRY(write_metrics(now_ms));
  }
  TRY(database_->checkpoint(CheckpointMode::truncate));
  return {};
}

StoreResult<void> EventStore::check_place() {
  auto done = database_->check_place();
  return done ? wal_file_.check_place() : done;
}

StoreResult<void> EventStore::verify() {
  auto done = check_place();
  return done ? spot_check_.check_header() : done;
}

std::int64_t EventStore::size_on_disk() const noexcept {
  struct stat status;
  const bool is_there = stat(database_->path().c_str(), &status) == 0;
  return (is_there ? std::int64_t{status.st_size} : 0) + log_size();
}

StoreResult<void> EventStore::look_after_log() {
  CHECK(!in_transaction_);
  checkpoint_.try_again();
  const CheckpointProgress& log = database_->wal();
  if (log_size() <= kLogKept || log.frames - log.copied > kFramesToCut) return {};
  // A reader only reduces how much is copied.
  TRY(database_->checkpoint(CheckpointMode::truncate));
  return {};
}

}  // namespace picortex
