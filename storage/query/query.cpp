#include "storage/query/query.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/parse.h"
#include "storage/event_id.h"
#include "storage/query/event_matcher.h"

namespace picortex {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

std::string format_cursor(std::int64_t key) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, key, 16).ptr;
  return {digits, end};
}

std::optional<std::int64_t> parse_cursor(std::string_view text) noexcept {
  return parse_whole<std::int64_t>(text, 0, first_key_of(kLatestUnixMs + 1), 16);
}

EventQuery::EventQuery(EventReader& reader, EventFilter filter, std::optional<std::int64_t> after)
    : reader_(reader), filter_(std::move(filter)), text_(filter_.text) {
  const auto first_key = [](std::int64_t time_ms) {
    return first_key_of(std::clamp<std::int64_t>(time_ms, 0, kLatestUnixMs + 1));
  };
  for (const FieldCondition& condition : filter_.where) {
    if (const auto type = condition.wanted_type(); type && filter_.event_type.empty()) {
      filter_.event_type = *type;
    }
    if (const auto chat = condition.wanted_chat(); chat && filter_.chat_id.empty()) {
      filter_.chat_id = *chat;
    }
  }
  next_ = first_key(filter_.since_ms);
  last_ = first_key(filter_.until_ms) - 1;
  if (filter_.order == EventOrder::newest_first) std::swap(next_, last_);
  if (after && !comes_before(*after, next_)) {
    has_moved_ = true;
    next_ = step_from(*after, 1);
  }
  done_ = comes_before(last_, next_);
}

bool EventQuery::comes_before(std::int64_t key, std::int64_t other) const noexcept {
  return filter_.order == EventOrder::newest_first ? key > other : key < other;
}

std::int64_t EventQuery::step_from(std::int64_t key, int steps) const noexcept {
  return filter_.order == EventOrder::newest_first ? key - steps : key + steps;
}

std::optional<std::int64_t> EventQuery::reached() const noexcept {
  if (!has_moved_) return std::nullopt;
  return step_from(next_, -1);
}

StoreResult<void> EventQuery::run(std::vector<EventRow>& rows, const QueryBudget& budget) {
  if (done_) return {};
  const auto start = Clock::now();
  ++cost_.slices;
  // Another connection may have stored events since the last slice.
  for (Union& streams : unions_) {
    for (Stream& stream : streams) stream.is_known = false;
  }
  block_last_ = -1;  // a late event may have deleted the block
  block_first_ = 0;
  auto result = reader_.begin();
  if (result && !is_resolved_) result = resolve();
  if (result) result = advance(rows, budget);
  reader_.end();
  cost_.time += Clock::now() - start;
  return result;
}

StoreResult<void> EventQuery::resolve() {
  using Index = EventReader::Index;
  if (filter_.request_id) unions_.push_back({{Index::request, 0}});
  TRY(resolve_chat());
  TRY(resolve_type());
  resolve_needs();
  if (filter_.level >= Level::warn) {
    Union levels;
    for (const Level level : {Level::warn, Level::error, Level::fatal}) {
      if (level >= filter_.level) levels.push_back({Index::level, static_cast<int>(level)});
    }
    unions_.push_back(std::move(levels));
  } else {
    check_level_ = filter_.level > Level::trace;
  }
  if (unions_.empty()) unions_.push_back({{Index::all, 0}});
  is_resolved_ = true;
  return {};
}

StoreResult<void> EventQuery::resolve_chat() {
  using Index = EventReader::Index;
  std::string_view chat = filter_.chat_id;
  if (chat.empty()) return {};
  Union chats;
  if (!chat.ends_with('*')) {
    auto number = TRY(reader_.chat_number(chat));
    if (number) chats.push_back({Index::chat, *number});
  } else {
    chat.remove_suffix(1);
    check_chat_ = chat.empty();
    if (check_chat_) return {};
    auto numbers = TRY(reader_.chat_numbers(chat, kUnionMax + 1));
    check_chat_ = numbers.size() > static_cast<std::size_t>(kUnionMax);
    if (check_chat_) return {};
    for (const std::int64_t number : numbers) chats.push_back({Index::chat, number});
  }
  if (chats.empty()) done_ = true;
  unions_.push_back(std::move(chats));
  return {};
}

void EventQuery::resolve_needs() {
  if (!filter_.text.empty()) needs_.add_group({text_.in_msg(), text_.in_data()});
  for (const FieldCondition& condition : filter_.where) {
    for (const std::string& needle : condition.needles()) needs_.add_group({needle});
  }
}

// Looks at a bounded number of blocks; the caller comes again.
StoreResult<std::int64_t> EventQuery::pass_over_blocks(std::int64_t from) {
  constexpr int kBlocksMax = 16;
  if (from >= block_first_ && from <= block_last_) return from;
  for (int left = kBlocksMax; left > 0; --left) {
    ++cost_.steps;
    auto block = TRY(reader_.text_block(from, needs_));
    if (!block) return from;
    if (block->may_have) {
      block_first_ = block->first;
      block_last_ = block->last;
      return from;
    }
    from = filter_.order == EventOrder::newest_first ? block->first - 1 : block->last + 1;
    if (comes_before(last_, from)) return from;
  }
  return from;
}

StoreResult<void> EventQuery::resolve_type() {
  using Index = EventReader::Index;
  std::string_view type = filter_.event_type;
  if (type.empty() || type == "*") return {};
  Union types;
  if (!type.ends_with('*')) {
    auto number = TRY(reader_.type_number(type));
    if (number) types.push_back({Index::event_type, *number});
  } else {
    type.remove_suffix(1);
    auto numbers = TRY(reader_.type_numbers(type, kUnionMax + 1));
    check_type_ = numbers.size() > static_cast<std::size_t>(kUnionMax);
    if (check_type_) return {};
    for (const std::int64_t number : numbers) types.push_back({Index::event_type, number});
  }
  if (types.empty()) done_ = true;
  unions_.push_back(std::move(types));
  return {};
}

StoreResult<void> EventQuery::advance(std::vector<EventRow>& rows, const QueryBudget& budget) {
  const auto end = Clock::now() + budget.time_max;
  const auto steps_end = cost_.steps + static_cast<std::int64_t>(budget.steps_max);
  const std::size_t bytes_end = cost_.bytes + budget.bytes_max;
  while (!done_ && rows.size() < budget.rows_max && cost_.bytes < bytes_end &&
         cost_.steps < steps_end && Clock::now() < end) {
    auto key = TRY(leap(next_));
    if (!key || comes_before(last_, *key)) {
      done_ = true;
      return {};
    }
    // No event before it can match; nor can the key itself, unless all sets have it.
    if (*key != next_) {
      next_ = *key;
      has_moved_ = true;
      if (unions_.size() > 1 || !needs_.is_empty()) continue;
    }
    TRY(look_at(next_, rows));
    next_ = step_from(next_, 1);
    has_moved_ = true;
    done_ = comes_before(last_, next_);
  }
  return {};
}

StoreResult<std::optional<std::int64_t>> EventQuery::leap(std::int64_t from) {
  std::optional<std::int64_t> furthest = from;
  for (Union& streams : unions_) {
    auto first = first_of(streams, *furthest);
    if (!first || !*first) return first;
    furthest = *first;
  }
  if (needs_.is_empty()) return furthest;
  return TRY(pass_over_blocks(*furthest));
}

StoreResult<std::optional<std::int64_t>> EventQuery::first_of(Union& streams, std::int64_t from) {
  std::optional<std::int64_t> first;
  for (Stream& stream : streams) {
    // A position at or after `from` is still valid, and so is the end.
    if (!stream.is_known || (stream.at && comes_before(*stream.at, from))) {
      ++cost_.steps;
      stream.at = TRY(stream.index == EventReader::Index::request
                          ? reader_.seek_request(*filter_.request_id, from, filter_.order)
                          : reader_.seek(stream.index, stream.value, from, filter_.order));
      stream.is_known = true;
    }
    if (stream.at && (!first || comes_before(*stream.at, *first))) first = stream.at;
  }
  return first;
}

StoreResult<void> EventQuery::look_at(std::int64_t key, std::vector<EventRow>& rows) {
  if (passed_over_ != nullptr && passed_over_->contains(key)) return {};
  ++cost_.steps;
  ++cost_.rows_read;
  if (!TRY(reader_.read(key, row_))) {
    return std::unexpected(make_fault(FaultKind::corrupt, reader_.path(),
                                      "an index holds an event that the tables lack"));
  }
  if (fits(row_)) {
    cost_.bytes += row_.text_size();
    rows.push_back(std::move(row_));
  }
  return {};
}

bool EventQuery::fits(const EventRow& row) const {
  if (check_level_ && row.level < filter_.level) return false;
  if (check_type_ &&
      !row.event_type.starts_with(
          std::string_view(filter_.event_type).substr(0, filter_.event_type.size() - 1))) {
    return false;
  }
  if (check_chat_ && !chat_fits(filter_.chat_id, row.chat_id)) return false;
  return text_.fits(row.msg, row.data) && fits_all(filter_.where, row);
}

}  // namespace picortex
