#include "storage/query/field_condition.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/ascii.h"
#include "base/json/json_text.h"
#include "base/parse.h"
#include "storage/query/event_matcher.h"
#include "storage/query/json_field.h"
#include "storage/query/text_filter.h"

namespace picortex {
namespace {

using Operator = FieldCondition::Operator;

struct Written {
  std::string_view text;
  Operator meaning;
  bool is_negated;
};

// The longer ones first.
constexpr Written kOperators[] = {{"!=", Operator::equal, true},
                                  {"!~", Operator::contains, true},
                                  {">=", Operator::greater_or_equal, false},
                                  {"<=", Operator::less_or_equal, false},
                                  {"=", Operator::equal, false},
                                  {">", Operator::greater, false},
                                  {"<", Operator::less, false},
                                  {"~", Operator::contains, false}};

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  std::string what = "\"";
  append_visible(what, text.substr(0, 100));
  return failure(what + "\" " + std::string(why));
}

template <class Value>
bool compares(Operator comparison, const Value& left, const Value& right) noexcept {
  switch (comparison) {
    case Operator::greater:
      return left > right;
    case Operator::greater_or_equal:
      return left >= right;
    case Operator::less:
      return left < right;
    case Operator::less_or_equal:
      return left <= right;
    case Operator::equal:
    case Operator::contains:
      return left == right;
  }
  return false;
}

}  // namespace

std::optional<double> json_number_of(std::string_view text) noexcept {
  const auto number = parse_real(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

Result<FieldCondition> FieldCondition::parse(std::string_view text) {
  if (text.size() > kSizeMax) return wrong(text, "is longer than 1000 bytes");
  FieldCondition condition;
  condition.text_ = text;
  std::string_view rest = text;
  if (rest.starts_with('!')) {
    condition.is_negated_ = true;
    rest.remove_prefix(1);
  }
  const std::size_t place = rest.find_first_of("!=<>~");
  const auto* const written = std::ranges::find_if(kOperators, [&](const Written& candidate) {
    return place != std::string_view::npos && rest.substr(place).starts_with(candidate.text);
  });
  if (place == 0 || written == std::end(kOperators)) {
    return wrong(text,
                 "is no condition: give a name, one of = != > >= < <= ~ !~, and a value, as "
                 "in decision=skip or duration_ms>60000");
  }
  condition.operator_ = written->meaning;
  if (written->is_negated) condition.is_negated_ = !condition.is_negated_;
  if (auto read = condition.read_name(rest.substr(0, place)); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = condition.read_value(rest.substr(place + written->text.size())); !read) {
    return std::unexpected(read.error());
  }
  return condition;
}

Result<void> FieldCondition::read_name(std::string_view name) {
  constexpr std::pair<std::string_view, Subject> kNames[] = {
      {"type", Subject::type},          {"event_type", Subject::type},
      {"level", Subject::level},        {"chat", Subject::chat},
      {"chat_id", Subject::chat},       {"request", Subject::request},
      {"request_id", Subject::request}, {"msg", Subject::msg}};
  for (const auto& [own, subject] : kNames) {
    if (name == own) subject_ = subject;
  }
  if (subject_ != Subject::data) return {};
  if (name.starts_with("data.")) name.remove_prefix(5);
  path_ = name;
  return {};
}

Result<void> FieldCondition::read_value(std::string_view value) {
  value_ = value;
  lower_ = lowered(value);
  number_ = json_number_of(value);
  const bool compares_order = operator_ != Operator::equal && operator_ != Operator::contains;
  if (operator_ == Operator::contains && value.empty()) {
    return wrong(text_, "has no text after the ~: give one");
  }
  if (subject_ == Subject::level && operator_ != Operator::contains) {
    const auto level = parse_level(value);
    if (!level) {
      return wrong(text_, "names no level: give trace, debug, info, warn, error or fatal");
    }
    level_ = *level;
    return {};
  }
  if (compares_order && (subject_ != Subject::data || !number_)) {
    return wrong(text_, "compares with no number: give one after the operator, or use = or ~");
  }
  return {};
}

bool FieldCondition::fits(const EventRow& row) const {
  const auto fits_subject = [&] {
    switch (subject_) {
      case Subject::type:
        return fits_name(row.event_type);
      case Subject::chat:
        // As the filter --chat has it: a * means some chat.
        return fits_name(row.chat_id) && (value_ != "*" || !row.chat_id.empty());
      case Subject::level:
        return fits_level(row.level);
      case Subject::msg:
        return fits_text(row.msg);
      case Subject::request: {
        const std::string id = to_string(row.request_id);
        return operator_ == Operator::contains ? fits_text(id)
                                               : !lower_.empty() && id.starts_with(lower_);
      }
      case Subject::data:
        return fits_data(row.data);
    }
    return false;
  };
  return fits_subject() != is_negated_;
}

bool FieldCondition::fits_data(std::string_view data) const {
  const auto value = find_json_field(data, path_);
  if (!value) return false;
  if (value->front() != '[' || operator_ == Operator::contains) return fits_value(*value);
  return any_json_element(*value, [this](std::string_view each) { return fits_value(each); });
}

bool FieldCondition::fits_value(std::string_view json) const {
  if (json.front() == '"') {
    std::string scratch;
    return fits_text(unescaped_json(json, scratch));
  }
  return fits_text(json);
}

// The text of a string, or what else a value says.
bool FieldCondition::fits_text(std::string_view text) const {
  if (operator_ == Operator::contains) return contains_lower(text, lower_);
  if (operator_ == Operator::equal && text == value_) return true;
  if (!number_) return false;
  const auto number = json_number_of(text);
  return number && compares(operator_, *number, *number_);
}

bool FieldCondition::fits_level(Level level) const noexcept {
  if (operator_ == Operator::contains) return contains_lower(level_label(level), lower_);
  return compares(operator_, level, level_);
}

bool FieldCondition::fits_name(std::string_view name) const noexcept {
  return operator_ == Operator::contains ? contains_lower(name, lower_) : type_fits(value_, name);
}

std::optional<std::string> FieldCondition::wanted_type() const {
  const bool is_wanted = subject_ == Subject::type && operator_ == Operator::equal && !is_negated_;
  return is_wanted && !value_.empty() ? std::optional(value_) : std::nullopt;
}

std::optional<std::string> FieldCondition::wanted_chat() const {
  const bool is_wanted = subject_ == Subject::chat && operator_ == Operator::equal && !is_negated_;
  return is_wanted && !value_.empty() ? std::optional(value_) : std::nullopt;
}

std::vector<std::string> FieldCondition::needles() const {
  std::vector<std::string> needles;
  if (subject_ != Subject::data || is_negated_) return needles;
  // Of a path at least the last name is there.
  const std::size_t dot = path_.rfind('.');
  std::string name;
  append_json_escaped(name, dot == std::string::npos ? path_ : path_.substr(dot + 1));
  needles.push_back(lowered(name));
  // A number may be written in several ways.
  const bool has_text =
      operator_ == Operator::contains || (operator_ == Operator::equal && !number_.has_value());
  if (!has_text) return needles;
  std::string value;
  append_json_escaped(value, value_);
  needles.push_back(lowered(value));
  return needles;
}

}  // namespace picortex
