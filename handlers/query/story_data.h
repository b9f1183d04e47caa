#pragma once

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/writer.h"
#include "storage/query/query.h"

namespace picortex {

// What a story reads from the data of its events.

inline constexpr std::size_t kStoryTextShown = 300;  // bytes of a text in the conclusion

// The members that a decision should have, in the order of the story.
inline constexpr std::array<std::string_view, 7> kDecisionFields{
    "decision", "rule", "reason", "inputs", "thresholds", "model", "duration_ms"};

// Returns at most `size_max` bytes of `text` without splitting a character, and a mark if that is
// not all.
std::string elided(std::string_view text, std::size_t size_max);

// Holds the data of one event at a time.
class EventData {
 public:
  using Element = simdjson::dom::element;

  void parse(const EventRow& row) {
    has_data_ = !row.data.empty() && parser_.parse(row.data).get(data_) == simdjson::SUCCESS;
  }

  std::optional<Element> member(std::string_view name) const {
    Element value;
    if (!has_data_ || data_[name].get(value) != simdjson::SUCCESS || value.is_null()) {
      return std::nullopt;
    }
    return value;
  }

  // Returns a string as it is and anything else as JSON; empty if the member is absent.
  std::string text(std::string_view name) {
    const auto value = member(name);
    if (!value) return {};
    std::string_view string;
    if (value->get(string) == simdjson::SUCCESS) return std::string(string);
    return json(*value);
  }

  std::optional<simdjson::dom::object> members() const {
    simdjson::dom::object found;
    if (!has_data_ || data_.get(found) != simdjson::SUCCESS) return std::nullopt;
    return found;
  }

  std::string json(const Element& value) {
    std::string out;
    // picortex cannot have stored what it rejects from clients.
    if (!writer_.append(out, value)) return "null";
    return out;
  }

 private:
  simdjson::dom::parser parser_;
  JsonWriter writer_;
  Element data_;
  bool has_data_ = false;
};

// The reasons that a discriminator.decision event gives.
struct Decision {
  std::string decision;
  std::string rule;
  std::string reason;
  std::vector<std::string> comparisons;  // "score 0.31 below the threshold 0.5"
  std::vector<std::string> missing;

  bool says_why() const { return !rule.empty() || !reason.empty() || !comparisons.empty(); }

  // "rule X, score 0.31 below the threshold 0.5 (reason: …)"
  std::string grounds() const;
};

Decision read_decision(EventData& data);

}  // namespace picortex
