#include "storage/index/text_index.h"

#include <algorithm>
#include <utility>

#include "base/time/timestamp.h"
#include "storage/event_id.h"
#include "storage/query/renamed_reasons.h"

namespace picortex {
namespace {

// Of blocks that one call passes over or deletes.
constexpr int kBlocksPerSlice = 256;
constexpr int kBlocksPruned = 4;

// Keys before it are of rows that are old enough.
std::int64_t end_of(std::int64_t now_ms) noexcept {
  return first_key_of(std::clamp<std::int64_t>(now_ms - TextIndex::kLateMs, 0, kLatestUnixMs));
}

}  // namespace

StoreResult<void> TextIndex::prepare(Database& database) {
  database_ = &database;
  const std::pair<Statement*, const char*> statements[] = {
      {&covering_,
       "SELECT first, last FROM text_block WHERE first <= ?1 ORDER BY first DESC LIMIT 1"},
      {&following_, "SELECT first FROM text_block WHERE first > ?1 ORDER BY first LIMIT 1"},
      {&write_, "INSERT OR REPLACE INTO text_block VALUES (?1, ?2, ?3)"},
      {&delete_, "DELETE FROM text_block WHERE first = ?1"},
      {&first_, "SELECT first, last FROM text_block ORDER BY first LIMIT 1"},
      {&rows_,
       "SELECT key, msg, data, (SELECT name FROM event_type WHERE id = event.type), compressed "
       "FROM event"
       " WHERE key >= ?1 AND key <= ?2 ORDER BY key LIMIT ?3"}};
  TRY(database.prepare_all(statements));
  TRY(decompressor_.prepare(database));
  sealed_ = committed_sealed_ = TRY(database.integer_of(
      "SELECT coalesce((SELECT last FROM text_block ORDER BY first DESC LIMIT 1), -1)"));
  // With fewer rows than a block has there is nothing to look at.
  auto rows = TRY(database.integer_of("SELECT count(*) FROM (SELECT 1 FROM event LIMIT 512)"));
  rows_missing_ = kRowsPerBlock - rows;
  return {};
}

StoreResult<void> TextIndex::note_appended(std::int64_t key) {
  if (rows_missing_ > 0) --rows_missing_;
  return uncover(key);
}

StoreResult<void> TextIndex::uncover(std::int64_t key) {
  if (key > sealed_) return {};
  if (!TRY(covering_.bind(1, key).step())) return {};
  const std::int64_t first = covering_.integer(0);
  const bool is_covered = covering_.integer(1) >= key;
  covering_.reset();
  if (!is_covered) return {};
  next_ = std::min(next_, first);
  rows_missing_ = 0;
  return delete_.bind(1, first).run();
}

void TextIndex::commit() noexcept {
  committed_next_ = next_;
  committed_sealed_ = sealed_;
}

void TextIndex::rollback() noexcept {
  next_ = committed_next_;
  sealed_ = committed_sealed_;
}

StoreResult<void> TextIndex::prune(std::int64_t oldest) {
  for (int left = kBlocksPruned; left > 0; --left) {
    if (!TRY(first_.step())) return {};
    const std::int64_t first = first_.integer(0);
    const bool is_old = first_.integer(1) < oldest;
    first_.reset();
    if (!is_old) return {};
    TRY(delete_.bind(1, first).run());
  }
  return {};
}

bool TextIndex::wants_to_build(std::int64_t now_ms) const noexcept {
  return rows_missing_ == 0 && next_ < end_of(now_ms);
}

StoreResult<void> TextIndex::build(std::int64_t now_ms) {
  auto gap = TRY(next_gap(end_of(now_ms)));
  return gap ? fill(*gap) : StoreResult<void>();
}

// The next one before `end`; none where the slice is used up, or all is covered.
StoreResult<std::optional<TextIndex::Gap>> TextIndex::next_gap(std::int64_t end) {
  for (int left = kBlocksPerSlice; left > 0 && next_ < end; --left) {
    auto covered = TRY(covering_.bind(1, next_).step());
    if (covered) {
      const std::int64_t last = covering_.integer(1);
      covering_.reset();
      if (last >= next_) {
        next_ = last + 1;
        continue;
      }
    }
    auto following = TRY(following_.bind(1, next_).lookup());
    const bool is_open = !following || *following >= end;
    return Gap{next_, is_open ? end - 1 : *following - 1, is_open};
  }
  return std::nullopt;
}

// Builds a block of the gap's first rows. In the open one it waits until there are enough.
StoreResult<void> TextIndex::fill(const Gap& gap) {
  filter_.clear();
  std::int64_t rows = 0;
  std::size_t bytes = 0;
  std::int64_t last = gap.last;
  bool is_whole = false;
  rows_.bind(1, gap.first).bind(2, gap.last).bind(3, kRowsPerBlock);
  while (TRY(rows_.step())) {
    const std::string_view msg = rows_.text(1);
    TRY(decompressor_.read(rows_.text(2), rows_.text(4), data_));
    filter_.add(msg);
    filter_.add(data_);
    // Readers show what was renamed since under its name of today.
    shown_ = data_;
    rename_reason(rows_.text(3), shown_);
    if (shown_ != data_) filter_.add(shown_);
    bytes += msg.size() + data_.size();
    is_whole = ++rows == kRowsPerBlock || bytes >= kBytesPerBlock;
    if (!is_whole) continue;
    last = rows_.integer(0);
    rows_.reset();
    break;
  }
  if (!is_whole && gap.is_open) {
    rows_missing_ = kRowsPerBlock - rows;
    return {};
  }
  next_ = last + 1;
  if (rows == 0) return {};
  sealed_ = std::max(sealed_, last);
  return write_.bind(1, gap.first).bind(2, last).bind_blob(3, filter_.bytes()).run();
}

}  // namespace picortex
