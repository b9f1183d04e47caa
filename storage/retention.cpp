#include "storage/retention.h"

#include <limits>
#include <string_view>
#include <utility>

#include "storage/counters.h"
#include "storage/event_id.h"

namespace picortex {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
// Behind every key.
constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
// What comes without the token.
constexpr std::string_view kOpenTypes[] = {"frontend", "sentry.error"};

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
      {&forget_type_,
       "DELETE FROM event WHERE key IN (SELECT key FROM event WHERE type ="
       " (SELECT id FROM event_type WHERE name = ?1) ORDER BY key LIMIT ?2)"},
      {&forget_oldest_,
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
  if (*too_large) return kAll;
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
  std::size_t forgotten = 0;
  if (**end == kAll) {
    for (const std::string_view type : kOpenTypes) {
      auto rows = run(forget_type_.bind_text(1, type), rows_max - forgotten);
      if (!rows) return rows;
      forgotten += *rows;
    }
  }
  auto rows = run(forget_oldest_.bind(1, **end), rows_max - forgotten);
  if (!rows) return rows;
  const std::int64_t first_minute = now_ms / kMinuteMs - Counters::kWeekMinutes;
  if (auto minutes = run(forget_minutes_.bind(1, first_minute), rows_max); !minutes) return minutes;
  return forgotten + *rows;
}

// Its second parameter is how many at most.
StoreResult<std::size_t> Retention::run(Statement& statement, std::size_t rows_max) {
  if (rows_max == 0) return 0;
  auto done = statement.bind(2, static_cast<std::int64_t>(rows_max)).run();
  if (!done) return std::unexpected(std::move(done.error()));
  return static_cast<std::size_t>(database_->changes());
}

}  // namespace picortex
