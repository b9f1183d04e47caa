#include "netfilter/attribution/turn_chats.h"

#include <iterator>

namespace picortex {

std::size_t TurnChats::Hash::operator()(const Uuid& id) const noexcept {
  return hash({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}

void TurnChats::note(const Uuid& request_id, std::string_view chat_id) {
  if (request_id.is_nil() || chat_id.empty()) return;
  const auto known = by_id_.find(request_id);
  if (known != by_id_.end()) {
    if (known->second->chat_id != chat_id) known->second->chat_id = chat_id;
    return;
  }
  if (turns_.size() == kTurnsMax) {
    by_id_.erase(turns_.front().request_id);
    turns_.pop_front();
  }
  turns_.push_back({request_id, std::string(chat_id)});
  by_id_.emplace(request_id, std::prev(turns_.end()));
}

std::string_view TurnChats::find(const Uuid& request_id) const {
  const auto known = by_id_.find(request_id);
  return known == by_id_.end() ? std::string_view() : known->second->chat_id;
}

}  // namespace picortex
