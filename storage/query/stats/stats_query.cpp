#include "storage/query/stats/stats_query.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "storage/query/json_field.h"

namespace picortex {
namespace {

using Kind = StatsDimension::Kind;

// Beyond it a query goes by the rows rather than by the chats' or types' numbers.
constexpr int kNumbersMax = 1000;

bool is_prefix(std::string_view name) noexcept { return name.ends_with('*'); }

// By the nearest rank (the smallest value that this many hundredths do not exceed).
double percentile(std::vector<double>& values, int hundredths) {
  const auto rank = (values.size() * static_cast<std::size_t>(hundredths) + 99) / 100;
  const auto place =
      values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::ranges::nth_element(values, place);
  return *place;
}

}  // namespace

StatsDimension StatsDimension::of(std::string_view name) {
  constexpr std::pair<std::string_view, Kind> kNames[] = {
      {"hour", Kind::time},       {"day", Kind::time},    {"type", Kind::type},
      {"event_type", Kind::type}, {"level", Kind::level}, {"chat", Kind::chat},
      {"chat_id", Kind::chat}};
  for (const auto& [own, kind] : kNames) {
    if (name == own) return {std::string(name), kind};
  }
  if (name.starts_with("data.")) name.remove_prefix(5);
  return {std::string(name), Kind::field};
}

std::size_t StatsQuery::Hash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = 0;
  for (const std::int64_t part : key) {
    hash = (hash ^ static_cast<std::uint64_t>(part)) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 29;
  }
  return hash;
}

StatsQuery::StatsQuery(Asked asked) : asked_(std::move(asked)) {
  const EventFilter& filter = asked_.filter;
  is_counted_ = filter.text.empty() && !filter.request_id && asked_.aggregates.empty() &&
                std::ranges::all_of(asked_.by, [](const StatsDimension& dimension) {
                  return dimension.kind != Kind::field;
                });
  // A condition that the filter can say is no condition; any other needs the rows.
  for (const FieldCondition& condition : filter.where) {
    const auto type = condition.wanted_type();
    const auto chat = condition.wanted_chat();
    if (type && asked_.filter.event_type.empty()) {
      asked_.filter.event_type = *type;
    } else if (chat && asked_.filter.chat_id.empty()) {
      asked_.filter.chat_id = *chat;
    } else {
      is_counted_ = false;
    }
  }
}

StoreResult<void> StatsQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (is_done_) return {};
  if (!is_started_) {
    TRY(start(reader));
  }
  if (is_done_) return {};
  return is_counted_ ? run_counts(reader, budget) : run_rows(reader, budget);
}

// --- By the rollup ---

StoreResult<void> StatsQuery::start(EventReader& reader) {
  is_started_ = true;
  if (!is_counted_) return {};
  CountsQuery::Asked counts{.since_ms = asked_.filter.since_ms,
                            .until_ms = asked_.filter.until_ms,
                            .tells_hours_apart = false};
  for (const StatsDimension& dimension : asked_.by) {
    if (dimension.kind == Kind::time) {
      counts.steps = asked_.steps;
      counts.tells_hours_apart = true;
    }
    if (dimension.kind == Kind::chat) counts.tells_chats_apart = true;
  }
  auto has_chats = TRY(resolve_chats(reader, counts));
  if (!has_chats || !TRY(resolve_types(reader))) {
    is_done_ = true;
  } else if (is_counted_) {
    if (!asked_.type_apart.empty()) type_apart_ = TRY(reader.type_number(asked_.type_apart));
    counts_ = std::make_unique<CountsQuery>(std::move(counts),
                                            [this](const CountCell& cell) { take(cell); });
  }
  return {};
}

// False: there is no such chat.
StoreResult<bool> StatsQuery::resolve_chats(EventReader& reader, CountsQuery::Asked& counts) {
  std::string_view chat = asked_.filter.chat_id;
  if (chat.empty()) return true;
  if (!is_prefix(chat)) {
    auto number = TRY(reader.chat_number(chat));
    if (number) counts.chats = {*number};
    return number.has_value();
  }
  chat.remove_suffix(1);
  if (chat.empty()) {
    // All but those in no chat, which take() leaves out.
    counts.tells_chats_apart = true;
    return true;
  }
  auto numbers = TRY(reader.chat_numbers(chat, kNumbersMax + 1));
  if (numbers.size() > kNumbersMax) {
    is_counted_ = false;
    return true;
  }
  const bool is_empty = numbers.empty();
  counts.chats = std::move(numbers);
  return !is_empty;
}

StoreResult<bool> StatsQuery::resolve_types(EventReader& reader) {
  std::string_view type = asked_.filter.event_type;
  if (type.empty() || type == "*") return true;
  if (!is_prefix(type)) {
    auto number = TRY(reader.type_number(type));
    if (number) types_ = {*number};
    return number.has_value();
  }
  type.remove_suffix(1);
  auto numbers = TRY(reader.type_numbers(type, kNumbersMax + 1));
  if (numbers.size() > kNumbersMax) {
    is_counted_ = false;
    return true;
  }
  std::ranges::sort(numbers);
  const bool is_empty = numbers.empty();
  types_ = std::move(numbers);
  return !is_empty;
}

StoreResult<void> StatsQuery::run_counts(EventReader& reader, const QueryBudget& budget) {
  TRY(counts_->run(reader, budget));
  if (error_) return {};
  if (!counts_->is_done()) return {};
  is_done_ = true;
  return name_groups(reader);
}

void StatsQuery::take(const CountCell& cell) {
  if (cell.level < asked_.filter.level || is_done_) return;
  if (types_ && !std::ranges::binary_search(*types_, cell.type)) return;
  if (asked_.filter.chat_id == "*" && cell.chat == kNoChat) return;
  Key key{};
  for (std::size_t i = 0; i < asked_.by.size(); ++i) {
    switch (asked_.by[i].kind) {
      case Kind::time:
        key[i] = asked_.steps.begin_of(cell.time_ms);
        break;
      case Kind::type:
        key[i] = cell.type;
        break;
      case Kind::level:
        key[i] = static_cast<std::int64_t>(cell.level);
        break;
      case Kind::chat:
        key[i] = cell.chat;
        break;
      case Kind::field:
        break;
    }
  }
  Group* const group = group_of(key);
  if (group == nullptr) return;
  group->count += cell.count;
  if (cell.level >= Level::error) group->errors += cell.count;
  if (type_apart_ == cell.type) group->apart += cell.count;
  group->last_ms = std::max(group->last_ms, cell.time_ms);
}

// The names of the groups' numbers, by which their keys become texts.
StoreResult<void> StatsQuery::name_groups(EventReader& reader) {
  for (const auto& [key, group] : groups_) {
    for (std::size_t i = 0; i < asked_.by.size(); ++i) {
      const Kind kind = asked_.by[i].kind;
      if (kind != Kind::type && kind != Kind::chat) continue;
      const auto [place, is_new] = names_.try_emplace({kind, key[i]});
      if (!is_new) continue;
      place->second = TRY(kind == Kind::type ? reader.type_name(key[i]) : reader.chat_name(key[i]));
    }
  }
  return {};
}

// --- By the rows ---

StoreResult<void> StatsQuery::run_rows(EventReader& reader, const QueryBudget& budget) {
  if (rows_ == nullptr || reader_ != &reader) {
    const auto reached = rows_ == nullptr ? std::nullopt : rows_->reached();
    rows_ = std::make_unique<EventQuery>(reader, asked_.filter, reached);
    reader_ = &reader;
  }
  found_.clear();
  TRY(rows_->run(found_, budget));
  for (const EventRow& row : found_) take(row);
  is_done_ = is_done_ || rows_->is_done();
  return {};
}

void StatsQuery::take(const EventRow& row, std::int64_t count) {
  if (is_done_) return;
  Key key{};
  std::string scratch;
  for (std::size_t i = 0; i < asked_.by.size(); ++i) {
    const StatsDimension& dimension = asked_.by[i];
    switch (dimension.kind) {
      case Kind::time:
        key[i] = asked_.steps.begin_of(row.time_ms);
        break;
      case Kind::type:
        key[i] = number_of_text(row.event_type);
        break;
      case Kind::level:
        key[i] = static_cast<std::int64_t>(row.level);
        break;
      case Kind::chat:
        key[i] = number_of_text(row.chat_id);
        break;
      case Kind::field: {
        const auto value = find_json_field(row.data, dimension.name);
        const bool is_text = value && value->front() == '"';
        key[i] = number_of_text(is_text ? unescaped_json(*value, scratch)
                                        : value.value_or(std::string_view()));
      }
    }
  }
  Group* const group = group_of(key);
  if (group == nullptr) return;
  group->count += count;
  if (row.level >= Level::error) group->errors += count;
  if (row.event_type == asked_.type_apart) group->apart += count;
  group->last_ms = std::max(group->last_ms, row.time_ms);
  for (std::size_t i = 0; i < asked_.aggregates.size(); ++i) add_value(*group, i, row.data);
}

void StatsQuery::add_value(Group& group, std::size_t index, std::string_view data) {
  const StatsAggregate& aggregate = asked_.aggregates[index];
  const auto json = find_json_field(data, aggregate.path);
  if (!json) return;
  std::string scratch;
  const auto value = json_number_of(json->front() == '"' ? unescaped_json(*json, scratch) : *json);
  if (!value) return;
  std::vector<double>& values = group.values[index];
  if (!values.empty() && aggregate.kind == StatsAggregate::Kind::sum) {
    values.front() += *value;
  } else if (!values.empty() && aggregate.kind == StatsAggregate::Kind::max) {
    values.front() = std::max(values.front(), *value);
  } else if (++values_ > kValuesMax) {
    give_up(
        "There are over 2,000,000 values to make percentiles of: narrow the time or the "
        "filters");
  } else {
    values.push_back(*value);
  }
}

std::int64_t StatsQuery::number_of_text(std::string_view text) {
  const auto [place, is_new] = numbers_.try_emplace(std::string(text), std::ssize(texts_));
  if (is_new) texts_.emplace_back(text);
  if (texts_.size() > kGroupsMax * kDimensionsMax) {
    give_up("There are too many different values to group by: narrow the time or the filters");
  }
  return place->second;
}

// --- Groups ---

StatsQuery::Group* StatsQuery::group_of(const Key& key) {
  // Neighbours are often of one group.
  if (last_group_ != nullptr && key == last_key_) return last_group_;
  auto place = groups_.find(key);
  if (place == groups_.end()) {
    if (groups_.size() == kGroupsMax) {
      give_up("There are over 20,000 groups: group by less, or narrow the time or the filters");
      return nullptr;
    }
    place = groups_.try_emplace(key).first;
    place->second.values.resize(asked_.aggregates.size());
  }
  last_key_ = key;
  last_group_ = &place->second;
  return last_group_;
}

void StatsQuery::give_up(std::string what) {
  if (!error_) error_ = Error{std::move(what)};
  is_done_ = true;
}

std::optional<double> StatsQuery::value_of(Group& group, std::size_t index) const {
  std::vector<double>& values = group.values[index];
  if (values.empty()) return std::nullopt;
  switch (asked_.aggregates[index].kind) {
    case StatsAggregate::Kind::sum:
    case StatsAggregate::Kind::max:
      return values.front();
    case StatsAggregate::Kind::p50:
      return percentile(values, 50);
    case StatsAggregate::Kind::p95:
      return percentile(values, 95);
  }
  return std::nullopt;
}

std::vector<StatsGroup> StatsQuery::take_groups() {
  std::vector<StatsGroup> taken;
  for (auto& [key, group] : groups_) {
    StatsGroup& made = taken.emplace_back();
    made.count = group.count;
    made.errors = group.errors;
    made.apart = group.apart;
    made.last_ms = group.last_ms;
    for (std::size_t i = 0; i < asked_.by.size(); ++i) {
      const Kind kind = asked_.by[i].kind;
      if (kind == Kind::time) {
        made.by.push_back(std::to_string(key[i]));
      } else if (kind == Kind::level) {
        made.by.emplace_back(level_label(static_cast<Level>(key[i])));
      } else if (counts_ != nullptr) {
        made.by.push_back(names_[{kind, key[i]}]);
      } else {
        made.by.push_back(texts_[static_cast<std::size_t>(key[i])]);
      }
    }
    for (std::size_t i = 0; i < asked_.aggregates.size(); ++i) {
      made.values.push_back(value_of(group, i));
    }
  }
  groups_.clear();
  last_group_ = nullptr;
  // Times in their order, each the larger groups first.
  const auto time = std::ranges::find(asked_.by, Kind::time, &StatsDimension::kind);
  const auto place = static_cast<std::size_t>(time - asked_.by.begin());
  const bool has_time = time != asked_.by.end();
  std::ranges::sort(taken, [=](const StatsGroup& left, const StatsGroup& right) {
    if (has_time && left.by[place] != right.by[place]) {
      return std::pair(left.by[place].size(), left.by[place]) <
             std::pair(right.by[place].size(), right.by[place]);
    }
    return left.count != right.count ? left.count > right.count : left.by < right.by;
  });
  return taken;
}

}  // namespace picortex
