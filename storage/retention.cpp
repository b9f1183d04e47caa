#include "storage/retention.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/time/durations.h"
#include "storage/counters.h"
#include "storage/event_id.h"
#include "storage/query/arrival_query.h"

namespace picortex {
namespace {

// Names that are used by nothing are rare: events that are deleted bring theirs along.
constexpr std::int64_t kScanPauseMs = 6 * kHourMs;
// Greater than every key.
constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
// Types that anybody can cause without the token, that an agent may claim with one that it can read,
// and those of the fenced user's own attempts.
constexpr std::string_view kOpenTypes[] = {"frontend",
                                           "sentry.error",
                                           "egress.allowed",
                                           "egress.closed",
                                           "egress.rejected",
                                           "egress.suppressed",
                                           "egress.untold",
                                           "egress.new_host",
                                           "otel.log",
                                           "otel.span",
                                           "claude.user_prompt",
                                           "claude.api_request",
                                           "claude.assistant_response",
                                           "claude.tool_decision",
                                           "claude.tool_result",
                                           "claude.api_error",
                                           "claude.api_retries_exhausted",
                                           "claude.subagent_completed",
                                           "claude.compaction",
                                           "claude.hook_execution_complete",
                                           "claude.event",
                                           "claude.retry",
                                           "claude.blocked",
                                           "claude.prompt_submitted",
                                           "claude.prompt_blocked",
                                           "claude.cost_metric",
                                           "claude.stop",
                                           "claude.stop_failure",
                                           "claude.tool_failure",
                                           "claude.waiting",
                                           "claude.idle",
                                           "claude.subagent_stop",
                                           "claude.session_start",
                                           "claude.session_end"};
// Later than every minute.
constexpr std::int64_t kWheneverSeen = std::numeric_limits<std::int64_t>::max();
// The size must fall this far below its limit before older events are accepted again.
constexpr std::int64_t kRoom = std::int64_t{1} << 20;
// Between two looks at what need not be looked at with every transaction.
constexpr std::int64_t kLookPauseMs = 1000;

// Also after the clock was set back.
bool is_due_at(std::int64_t due_ms, std::int64_t now_ms) noexcept {
  return now_ms >= due_ms || now_ms < due_ms - kLookPauseMs;
}

// The fence's hosts may use a tenth of the size, at about 500 bytes each including indexes.
constexpr std::int64_t kHostBytes = 500;

}  // namespace

StoreResult<void> Retention::prepare(Database& database, NameInterner& names, Counters& counters,
                                     EgressHostTable& egress_hosts, TurnTable& turns,
                                     EventIndexes& indexes) {
  egress_hosts_ = &egress_hosts;
  turns_ = &turns;
  indexes_ = &indexes;
  page_size_ = TRY(database.integer_of("PRAGMA page_size"));
  TRY(load_span(database));
  TRY(names_.prepare(database, names, counters));
  const std::pair<Statement*, const char*> statements[] = {
      {&oldest_, "SELECT key FROM event WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1"},
      {&pages_, "PRAGMA page_count"},
      {&free_pages_, "PRAGMA freelist_count"},
      // All except the newest ?3 of the type.
      {&prune_type_,
       "DELETE FROM event WHERE key IN (SELECT key FROM event WHERE type ="
       " (SELECT id FROM event_type WHERE name = ?1) AND key <"
       " (SELECT key FROM event WHERE type = (SELECT id FROM event_type WHERE name = ?1)"
       " ORDER BY key DESC LIMIT 1 OFFSET ?3 - 1) ORDER BY key LIMIT ?2) RETURNING type, chat, "
       "key, level, arrival"},
      {&prune_oldest_,
       "DELETE FROM event WHERE key IN (SELECT key FROM event WHERE key >= ?1 AND key < ?3"
       " ORDER BY key LIMIT ?2) RETURNING type, chat, key, level, arrival"},
      {&prune_minutes_,
       "DELETE FROM metric_minute WHERE minute IN"
       " (SELECT minute FROM metric_minute WHERE minute < ?1 ORDER BY minute LIMIT ?2)"},
      {&save_span_,
       "INSERT OR REPLACE INTO total VALUES"
       " ('kept_from_ms', ?1), ('kept_to_ms', ?2), ('kept_until_ms', ?3)"}};
  return database.prepare_all(statements);
}

StoreResult<void> Retention::load_span(Database& database) {
  const std::pair<const char*, std::int64_t*> values[] = {
      {"SELECT coalesce(max(value), 0) FROM total WHERE name = 'kept_from_ms'", &span_.from_ms},
      {"SELECT coalesce(max(value), -1) FROM total WHERE name = 'kept_to_ms'", &span_.to_ms},
      {"SELECT coalesce(max(value), 0) FROM total WHERE name = 'kept_until_ms'", &span_.until_ms}};
  for (const auto& [sql, value] : values) {
    auto read = TRY(database.integer_of(sql));
    *value = std::clamp<std::int64_t>(read, -1, kLatestUnixMs);
  }
  span_.from_ms = std::max<std::int64_t>(span_.from_ms, 0);
  saved_span_ = span_;
  return {};
}

void Retention::limit(const RetentionLimits& limits) noexcept {
  limits_ = limits;
  oldest_by_size_ms_ = 0;
  if (limits.size_max == 0) is_too_large_ = false;
  const std::int64_t hosts_by_size = (limits.size_max - kLogSize) / 10 / kHostBytes;
  egress_hosts_->limit(limits.size_max > 0 ? hosts_by_size : EgressHostTable::kRowsMax);
}

// --- What is to be deleted ---

StoreResult<void> Retention::look_at_size() {
  auto pages = TRY(pages_.value());
  auto free_pages = TRY(free_pages_.value());
  size_ = (pages - free_pages) * page_size_;
  // The log is on the same disk, so its part of the limit is reserved.
  const std::int64_t size_max = limits_.size_max - kLogSize;
  const bool was_too_large = is_too_large_;
  is_too_large_ = limits_.size_max > 0 && size_ > size_max;
  // Unused names are deleted first, since that costs no event.
  if (is_too_large_ && !was_too_large) names_.start_scan();
  if (limits_.size_max == 0 || size_ < size_max - kRoom) oldest_by_size_ms_ = 0;
  return {};
}

StoreResult<std::optional<Retention::Keys>> Retention::expired(std::int64_t now_ms) {
  // Each look has SQLite compile two statements again. Without a limit the size is only reported.
  if (limits_.size_max > 0 || is_due_at(size_due_ms_, now_ms)) {
    TRY(look_at_size());
    size_due_ms_ = now_ms + kLookPauseMs;
  }
  // Over the size, age does not matter: the oldest events are deleted, whatever their age.
  if (is_too_large_) return holding_events({0, kAll});
  if (limits_.age_max_ms == 0 || now_ms <= limits_.age_max_ms) return std::nullopt;
  const std::int64_t cutoff = first_key_of(now_ms - limits_.age_max_ms);
  if (span_.to_ms < span_.from_ms || now_ms >= span_.until_ms) return holding_events({0, cutoff});
  // Events within the span are exempt, so the expired ones lie before it or after it.
  auto before = holding_events({0, std::min(cutoff, first_key_of(span_.from_ms))});
  if (!before || *before) return before;
  return holding_events({first_key_of(span_.to_ms + 1), cutoff});
}

// Returns the keys if there are events among them.
StoreResult<std::optional<Retention::Keys>> Retention::holding_events(const Keys& keys) {
  if (!TRY(oldest_.bind(1, keys.begin).bind(2, keys.end).lookup())) return std::nullopt;
  return keys;
}

StoreResult<bool> Retention::is_due(std::int64_t now_ms) {
  auto keys = TRY(expired(now_ms));
  if (limits_ == RetentionLimits{}) return false;
  if (now_ms >= next_scan_ms_) {
    next_scan_ms_ = now_ms + kScanPauseMs;
    names_.start_scan();
  }
  return keys.has_value() || names_.is_scanning() || egress_hosts_->is_over_limit();
}

// --- Deleting it ---

StoreResult<Pruned> Retention::prune(std::int64_t now_ms, std::size_t rows_max) {
  lapsed_.assign(places_.size(), 0);
  auto keys = TRY(expired(now_ms));
  // A chat counts as active for a week, so its row stays that long unless space is needed.
  const std::int64_t week = now_ms / kMinuteMs - Counters::kWeekMinutes;
  seen_before_ = is_too_large_ ? kWheneverSeen : week;
  auto names = TRY(names_.scan(seen_before_));
  std::size_t rows = std::min(names, rows_max);
  Pruned pruned;
  if (keys && is_too_large_) {
    auto open = TRY(prune_open_types(rows_max - rows));
    pruned.events += open;
    rows += open;
  }
  if (keys) {
    auto oldest = TRY(prune_events(*keys, rows_max - rows));
    pruned.events += oldest;
    rows += oldest;
  }
  pruned.more = rows >= rows_max || names_.is_scanning();
  if (TRY(prune_others(now_ms, rows_max))) pruned.more = true;
  pruned.lapsed = lapsed_;
  // The counters' old minutes are deleted along with events, which is often enough.
  if (pruned.events == 0) return pruned;
  prune_minutes_.bind(1, week).bind(2, static_cast<std::int64_t>(rows_max));
  TRY(prune_minutes_.run());
  return pruned;
}

StoreResult<std::size_t> Retention::prune_open_types(std::size_t rows_max) {
  std::size_t rows = 0;
  for (const std::string_view type : kOpenTypes) {
    if (rows == rows_max) break;
    prune_type_.bind_text(1, type).bind(2, static_cast<std::int64_t>(rows_max - rows));
    rows += TRY(run(prune_type_.bind(3, kOpenKept)));
  }
  return rows;
}

StoreResult<std::size_t> Retention::prune_events(const Keys& keys, std::size_t rows_max) {
  if (rows_max == 0) return 0;
  prune_oldest_.bind(1, keys.begin).bind(2, static_cast<std::int64_t>(rows_max));
  auto rows = run(prune_oldest_.bind(3, keys.end));
  if (!rows) return rows;
  TRY(note_oldest());
  return rows;
}

StoreResult<void> Retention::note_oldest() {
  auto oldest = TRY(oldest_.bind(1, 0).bind(2, kAll).lookup());
  if (!oldest) return {};
  if (is_too_large_) oldest_by_size_ms_ = time_of(*oldest);
  return indexes_->note_oldest(*oldest);
}

// Runs a statement that deletes events and returns what is to be known of them; and prunes their
// names.
StoreResult<std::size_t> Retention::run(Statement& statement) {
  std::size_t rows = 0;
  for (;; ++rows) {
    if (!TRY(statement.step())) break;
    names_.collect(statement.integer(0), statement.integer(1));
    const std::int64_t number = statement.integer(4);
    const std::int64_t arrival = number > 0 ? number : old_arrival(statement.integer(2));
    for (std::size_t i = 0; i < places_.size(); ++i) lapsed_[i] += arrival > places_[i] ? 1 : 0;
    indexes_->note_deleted({.key = statement.integer(2),
                            .type = statement.integer(0),
                            .chat = statement.integer(1),
                            .level = level_of_number(statement.integer(3)).value_or(Level::fatal),
                            .arrival = number});
  }
  TRY(names_.prune_collected(seen_before_));
  return rows;
}

// Deletes hosts that the fenced user last tried, and turns that ended, before the oldest event that
// is kept. Returns true if there may be more of them. They have a budget of their own, so that a
// flood of names cannot keep events from being deleted.
StoreResult<bool> Retention::prune_others(std::int64_t now_ms, std::size_t rows_max) {
  // Looking for them takes as long as storing several events.
  if (!is_due_at(others_due_ms_, now_ms) && !egress_hosts_->is_over_limit()) return false;
  const auto hosts = TRY(egress_hosts_->prune(before_ms(now_ms), rows_max));
  const auto turns = TRY(turns_->prune(before_ms(now_ms), rows_max));
  others_due_ms_ = hosts + turns == 0 ? now_ms + kLookPauseMs : now_ms;
  return hosts >= rows_max || turns >= rows_max;
}

// The time of the oldest event that is kept: what was made of events before it goes with them.
std::int64_t Retention::before_ms(std::int64_t now_ms) const noexcept {
  std::int64_t before_ms = std::numeric_limits<std::int64_t>::min();
  if (limits_.age_max_ms > 0) before_ms = now_ms - limits_.age_max_ms;
  if (is_too_large_) before_ms = std::max(before_ms, oldest_by_size_ms_);
  return before_ms;
}

// --- What is kept although it is old ---

void Retention::keep_appended(std::int64_t before_ms, std::int64_t until_ms) noexcept {
  keep_before_ms_ = before_ms;
  keep_until_ms_ = until_ms;
}

void Retention::note_appended(std::int64_t time_ms) noexcept {
  if (time_ms >= keep_before_ms_) return;
  const std::int64_t now_ms = keep_before_ms_ + (keep_until_ms_ - keep_before_ms_) / 2;
  const bool is_over = span_.to_ms < span_.from_ms || now_ms >= span_.until_ms;
  if (is_over) span_ = {time_ms, time_ms, 0};
  span_.from_ms = std::min(span_.from_ms, time_ms);
  span_.to_ms = std::max(span_.to_ms, time_ms);
  // Rounded to full hours, so that a client that keeps sending does not change it with each event.
  span_.until_ms = std::max(span_.until_ms, (keep_until_ms_ / kHourMs + 1) * kHourMs);
}

StoreResult<void> Retention::save() {
  if (span_ == saved_span_) return {};
  save_span_.bind(1, span_.from_ms).bind(2, span_.to_ms).bind(3, span_.until_ms);
  return save_span_.run();
}

}  // namespace picortex
