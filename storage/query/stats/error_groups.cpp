#include "storage/query/stats/error_groups.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.h"
#include "storage/query/json_field.h"

namespace picortex {
namespace {

constexpr std::size_t kMessageRead = 300;
constexpr std::size_t kTitleSize = 500;

// FNV-1a, which gives the same number in every process, and on every host.
class Fingerprint {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) add(c);
    add('\0');
  }
  // With a # for each run of letters and digits that has a digit, such as a number, a UUID or an
  // address.
  void add_without_numbers(std::string_view text) noexcept {
    while (!text.empty()) {
      const auto is_word = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0;
      };
      const auto end = std::ranges::find_if_not(text, is_word);
      const std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
      const bool has_digit = std::ranges::any_of(word, [](char c) { return c >= '0' && c <= '9'; });
      if (has_digit) {
        add('#');
      } else {
        for (const char c : word) add(c);
      }
      text.remove_prefix(word.size());
      if (text.empty()) break;
      add(text.front());
      text.remove_prefix(1);
    }
    add('\0');
  }

  std::string text() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4) digits += kDigits[hash_ >> shift & 15];
    return digits;
  }

 private:
  void add(char c) noexcept { hash_ = (hash_ ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U; }

  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

// The text of the first of these members that there is; empty: of none.
std::string text_of(std::string_view data, std::initializer_list<std::string_view> paths) {
  for (const std::string_view path : paths) {
    const auto value = find_json_field(data, path);
    if (!value || *value == "null") continue;
    std::string scratch;
    return std::string(value->front() == '"' ? unescaped_json(*value, scratch) : *value);
  }
  return {};
}

// The innermost call of a stack: its first line after the message that looks like one.
std::string_view innermost_call(std::string_view stack) noexcept {
  while (!stack.empty()) {
    const std::string_view line = stack.substr(0, stack.find('\n'));
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin != std::string_view::npos && line.substr(begin).starts_with("at ")) {
      return line.substr(begin);
    }
    stack.remove_prefix(std::min(line.size() + 1, stack.size()));
  }
  return {};
}

std::optional<ErrorState> parse_state(std::string_view text) noexcept {
  for (const ErrorState state : {ErrorState::open, ErrorState::muted, ErrorState::resolved}) {
    if (text == error_state_label(state)) return state;
  }
  return std::nullopt;
}

}  // namespace

std::string_view error_state_label(ErrorState state) noexcept {
  switch (state) {
    case ErrorState::open:
      return "open";
    case ErrorState::muted:
      return "muted";
    case ErrorState::resolved:
      return "resolved";
    case ErrorState::returned:
      return "returned";
  }
  return "open";
}

std::string error_group_id(const EventRow& row) {
  Fingerprint fingerprint;
  fingerprint.add(row.event_type);
  const std::string own = text_of(row.data, {"fingerprint"});
  if (!own.empty() && own != "[]") {
    fingerprint.add(own);
    return fingerprint.text();
  }
  fingerprint.add(text_of(row.data, {"err.type", "exception.type", "error.name"}));
  const std::string stack = text_of(row.data, {"err.stack", "stack", "error.stack"});
  fingerprint.add_without_numbers(cut_to(innermost_call(stack), kMessageRead));
  const std::string_view line = std::string_view(row.msg).substr(0, row.msg.find('\n'));
  fingerprint.add_without_numbers(cut_to(line, kMessageRead));
  return fingerprint.text();
}

ErrorGroupsQuery::ErrorGroupsQuery(EventFilter filter) : filter_(std::move(filter)) {
  filter_.level = std::max(filter_.level, Level::error);
}

StoreResult<void> ErrorGroupsQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (phase_ == Phase::done) return {};
  if (query_ == nullptr || reader_ != &reader) {
    EventFilter filter = filter_;
    if (phase_ == Phase::states) {
      filter = {};
      filter.event_type = kErrorStateType;
    }
    const auto reached = query_ == nullptr ? std::nullopt : query_->reached();
    query_ = std::make_unique<EventQuery>(reader, std::move(filter), reached);
    reader_ = &reader;
  }
  rows_.clear();
  if (auto done = query_->run(rows_, budget); !done) return done;
  for (const EventRow& row : rows_) phase_ == Phase::states ? take_state(row) : take(row);
  if (error_ || (phase_ == Phase::states && states_read_ >= kStatesMax)) {
    phase_ = Phase::done;
  } else if (query_->is_done()) {
    phase_ = phase_ == Phase::events ? Phase::states : Phase::done;
    query_.reset();
  }
  return {};
}

// Rows come the newest first, unless the filter has another order.
void ErrorGroupsQuery::take(const EventRow& row) {
  if (error_) return;
  std::string id = error_group_id(row);
  auto place = groups_.find(id);
  if (place == groups_.end()) {
    if (groups_.size() == kGroupsMax) {
      error_ = Error{"There are over 5,000 kinds of errors: narrow the time or the filters"};
      return;
    }
    place = groups_.try_emplace(std::move(id)).first;
    place->second.id = place->first;
    place->second.event_type = row.event_type;
    place->second.first_ms = row.time_ms;
    place->second.last_ms = -1;
  }
  ErrorGroup& group = place->second;
  ++group.count;
  group.level = std::max(group.level, row.level);
  group.first_ms = std::min(group.first_ms, row.time_ms);
  if (!row.chat_id.empty() && group.chats.size() < kChatsMax) group.chats.insert(row.chat_id);
  if (row.time_ms <= group.last_ms) return;
  group.last_ms = row.time_ms;
  group.title = cut_to(row.msg, kTitleSize);
  group.last_event = row.id;
  group.last_request = row.request_id;
  group.release = text_of(row.data, {"release", "commit", "version"});
}

void ErrorGroupsQuery::take_state(const EventRow& row) {
  ++states_read_;
  const auto state = parse_state(text_of(row.data, {"state"}));
  if (!state) return;
  // The newest one came first.
  states_.try_emplace(text_of(row.data, {"fingerprint"}), State{row.time_ms, *state});
}

std::vector<ErrorGroup> ErrorGroupsQuery::take_groups() {
  std::vector<ErrorGroup> taken;
  for (auto& [id, group] : groups_) {
    if (const auto said = states_.find(id); said != states_.end()) {
      group.state = said->second.state;
      const bool has_returned =
          group.state == ErrorState::resolved && group.last_ms > said->second.time_ms;
      if (has_returned) group.state = ErrorState::returned;
    }
    taken.push_back(std::move(group));
  }
  groups_.clear();
  std::ranges::sort(taken, [](const ErrorGroup& left, const ErrorGroup& right) {
    return left.last_ms != right.last_ms ? left.last_ms > right.last_ms : left.id < right.id;
  });
  return taken;
}

}  // namespace picortex
