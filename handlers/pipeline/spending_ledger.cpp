#include "handlers/pipeline/spending_ledger.h"

#include <algorithm>
#include <utility>

#include "base/time/durations.h"
#include "storage/turn_note.h"

namespace picortex {
namespace {

constexpr std::int64_t kMinutesKept = SpendingLimit::kWindowMaxMs / kMinuteMs;

}  // namespace

void SpendingLedger::on_opened(const TurnsSoFar& turns) noexcept {
  chats_.clear();
  entries_ = 0;
  for (const TurnsSoFar::Spent& spent : turns.spent) {
    const std::int64_t minute = spent.time_ms / kMinuteMs;
    if (!spent.chat_id.empty()) add(spent.chat_id, minute, spent.cost_micros);
    add({}, minute, spent.cost_micros);
  }
}

void SpendingLedger::append(const Event& event) noexcept {
  if (event.turn == nullptr || event.turn->counts.cost_micros <= 0) return;
  const std::string_view chat = event.turn->is_chat_proved ? event.chat_id : std::string_view();
  pending_.push_back({std::string(chat), event.time_ms, event.turn->counts.cost_micros});
}

void SpendingLedger::publish(const ClockReading& now) noexcept {
  if (pending_.empty()) return;
  const std::int64_t now_minute = now.unix_ms / kMinuteMs;
  for (TurnsSoFar::Spent& spent : pending_) {
    // A time to come would count for longer than the window.
    const std::int64_t minute = std::min(spent.time_ms / kMinuteMs, now_minute);
    if (minute < now_minute - kMinutesKept) continue;
    add({}, minute, spent.cost_micros);
    if (spent.chat_id.empty()) continue;
    add(spent.chat_id, minute, spent.cost_micros);
    if (std::ranges::find(changed_, spent.chat_id) == changed_.end()) {
      changed_.push_back(std::move(spent.chat_id));
    }
  }
  pending_.clear();
  if (entries_ > kEntriesMax || chats_.size() > kChatsMax) drop_before(now_minute - kMinutesKept);
  if (entries_ > kEntriesMax || chats_.size() > kChatsMax) make_room();
}

void SpendingLedger::add(const std::string& chat_id, std::int64_t minute, std::int64_t micros) {
  const auto [entry, is_new] = chats_[chat_id].try_emplace(minute, 0);
  entry->second += micros;
  entries_ += is_new;
}

void SpendingLedger::drop_before(std::int64_t minute) {
  for (auto chat = chats_.begin(); chat != chats_.end();) {
    Minutes& minutes = chat->second;
    const auto end = minutes.lower_bound(minute);
    entries_ -= static_cast<std::size_t>(std::distance(minutes.begin(), end));
    minutes.erase(minutes.begin(), end);
    chat = minutes.empty() ? chats_.erase(chat) : std::next(chat);
  }
}

// With more chats or minutes than can be kept, the oldest quarter of the time goes, as often as
// needed.
void SpendingLedger::make_room() {
  while (entries_ > kEntriesMax / 2 || chats_.size() > kChatsMax / 2) {
    const Minutes& all = chats_[std::string()];
    if (all.size() < 2) {
      chats_.clear();
      entries_ = 0;
      return;
    }
    const std::int64_t first = all.begin()->first;
    drop_before(first + std::max<std::int64_t>((all.rbegin()->first - first) / 4, 1));
  }
}

std::int64_t SpendingLedger::spent(std::string_view chat_id, std::int64_t window_ms,
                                   std::int64_t unix_ms) const {
  const auto chat = chats_.find(chat_id);
  if (chat == chats_.end()) return 0;
  std::int64_t sum = 0;
  const auto begin = chat->second.lower_bound((unix_ms - window_ms) / kMinuteMs);
  for (auto entry = begin; entry != chat->second.end(); ++entry) sum += entry->second;
  return sum;
}

std::vector<std::string> SpendingLedger::take_changed() { return std::exchange(changed_, {}); }

void SpendingLedger::forget(std::string_view chat_id) {
  const auto chat = chats_.find(chat_id);
  if (chat == chats_.end() || chat_id.empty()) return;
  entries_ -= chat->second.size();
  chats_.erase(chat);
}

}  // namespace picortex
