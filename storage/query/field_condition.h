#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/query/event_reader.h"

namespace picortex {

// One condition on an event, as people write it:
//
//   condition = ["!"] name operator value
//   operator  = "=" | "!=" | ">" | ">=" | "<" | "<=" | "~" | "!~"
//
//   commit=9f3c2ab   decision=skip   duration_ms>60000   rule~small   !type=log err.type=TypeError
//
// `name` is a member of the event's data, with dots a member within members, or of the event: type
// (event_type), level, chat (chat_id), request (request_id), msg. A member of the data that has one
// of these names is data.NAME.
//
// - `=` compares texts, and numbers by their value (5 = 5.0); type and chat may end in a *, level
//   takes a level's name, and request the beginning of one too, as outputs print it.
// - `>` and its kin compare numbers, or levels, and are false for any other value.
// - `~`: the value has the text somewhere, ASCII letters in any case; of an object or an array its
//   JSON.
// - A condition on an array is true if it is for one of its values. It is false where there is no
//   such member; `!` turns it around, so `!rule=x` and `rule!=x` take events without a rule too.
class FieldCondition {
 public:
  enum class Operator { equal, greater, greater_or_equal, less, less_or_equal, contains };

  static constexpr std::size_t kSizeMax = 1000;

  // The error is a sentence: what is wrong with `text`, and what to give.
  static Result<FieldCondition> parse(std::string_view text);

  // As parse() took it.
  const std::string& text() const noexcept { return text_; }
  bool fits(const EventRow& row) const;

  // If the condition asks for one event type, or the beginning of it and a *: that; then a query
  // can go by the index.
  std::optional<std::string> wanted_type() const;
  std::optional<std::string> wanted_chat() const;
  // Texts that the data of each event that fits must have, in lower case: a filter can pass over
  // the others.
  std::vector<std::string> needles() const;

 private:
  enum class Subject { data, type, level, chat, request, msg };

  Result<void> read_name(std::string_view name);
  Result<void> read_value(std::string_view value);
  bool fits_data(std::string_view data) const;
  bool fits_value(std::string_view json) const;
  bool fits_text(std::string_view text) const;
  bool fits_number(double number) const noexcept;
  bool fits_level(Level level) const noexcept;
  bool fits_name(std::string_view name) const noexcept;

  std::string text_;
  bool is_negated_ = false;
  Subject subject_ = Subject::data;
  std::string path_;
  Operator operator_ = Operator::equal;
  std::string value_;
  std::string lower_;             // the value in lower case, for `~`
  std::optional<double> number_;  // what the value says as a number
  Level level_ = Level::info;
};

// What a text says as a number, in JSON's form; none for any other.
std::optional<double> json_number_of(std::string_view text) noexcept;

}  // namespace picortex
