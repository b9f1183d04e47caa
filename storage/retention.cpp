#include "storage/retention.h"

#include <limits>
#include <utility>

#include "storage/counters.h"
#include "storage/event_id.h"

namespace picortex {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;

}  // namespace

StoreResult<void> Retention::prepare(Database& database) {
  database_ = &database;
  auto page_size = database.integer_of("PRAGMA page_size");
  if (!page_size) return std::unexpected(std::move(page_size.error()));
  page_size_ = *page_size;
  const std::pair<Statement*, const char*> statements[] = {
      {&oldest_, "SELECT min(key) FROM event"},
      {&pages_, "PRAGMA page_count"},
      {&free_pages_, "PRAGMA freelist_count"},
      {&forget_events_,
       "DELETE FROM event WHERE key IN"
       " (SELECT key FROM event WHERE key < ?1 ORDER BY key LIMIT ?2)"},
      {&forget_minutes_,
       "DELETE FROM metric_minute WHERE minute IN"
       " (SELECT minute FROM metric_minute WHERE minute < ?1 ORDER BY minute LIMIT ?2)"}};
  return database.prepare_all(statements);
}

StoreResult<bool> Retention::is_too_large() {
  auto pages = pages_.value();
  if (!pages) return std::unexpected(std::move(pages.error()));
  auto free_pages = free_pages_.value();
  if (!free_pages) return std::unexpected(std::move(free_pages.error()));
  size_ = (*pages - *free_pages) * page_size_;
  return limits_.size_max > 0 && size_ > limits_.size_max - kLogSize;
}

// The key from which on events stay; none where all stay.
StoreResult<std::optional<std::int64_t>> Retention::end_of_expired(std::int64_t now_ms) {
  auto too_large = is_too_large();
  if (!too_large) return std::unexpected(std::move(too_large.error()));
  auto oldest = oldest_.lookup();
  if (!oldest || !*oldest) return oldest;
  if (*too_large) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t cutoff_ms = now_ms - limits_.age_max_ms;
  if (limits_.age_max_ms == 0 || time_of(**oldest) >= cutoff_ms) return std::nullopt;
  return first_key_of(cutoff_ms);
}

StoreResult<bool> Retention::is_due(std::int64_t now_ms) {
  auto end = end_of_expired(now_ms);
  if (!end) return std::unexpected(std::move(end.error()));
  return end->has_value();
}

StoreResult<std::size_t> Retention::forget(std::int64_t now_ms, std::size_t rows_max) {
  auto end = end_of_expired(now_ms);
  if (!end) return std::unexpected(std::move(end.error()));
  if (!*end) return 0;
  const auto rows = static_cast<std::int64_t>(rows_max);
  if (auto done = forget_events_.bind(1, **end).bind(2, rows).run(); !done) {
    return std::unexpected(std::move(done.error()));
  }
  const auto forgotten = static_cast<std::size_t>(database_->changes());
  forget_minutes_.bind(1, now_ms / kMinuteMs - Counters::kWeekMinutes).bind(2, rows);
  if (auto done = forget_minutes_.run(); !done) return std::unexpected(std::move(done.error()));
  return forgotten;
}

}  // namespace picortex
