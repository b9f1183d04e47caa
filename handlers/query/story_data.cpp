#include "handlers/query/story_data.h"

#include <span>

#include "base/json/json_text.h"
#include "base/text.h"

namespace picortex {
namespace {

// The first of kDecisionFields, without which a decision is not explained.
constexpr std::size_t kDecisionFieldsNeeded = 5;

std::string number_text(double value) {
  std::string text;
  append_json_number(text, value);
  return text;
}

// Compares each threshold with the input of the same name.
std::vector<std::string> compare(const EventData& data) {
  std::vector<std::string> found;
  const auto inputs = data.member("inputs");
  const auto thresholds = data.member("thresholds");
  simdjson::dom::object limits;
  if (!inputs || !thresholds || thresholds->get(limits) != simdjson::SUCCESS) return found;
  for (const auto [name, limit] : limits) {
    double threshold = 0;
    double input = 0;
    if (limit.get(threshold) != simdjson::SUCCESS ||
        (*inputs)[name].get(input) != simdjson::SUCCESS) {
      continue;
    }
    const char* relation = input < threshold ? " below" : input > threshold ? " above" : " at";
    found.push_back(elided(name, kStoryTextShown) + ' ' + number_text(input) + relation +
                    " the threshold " + number_text(threshold));
  }
  return found;
}

}  // namespace

std::string elided(std::string_view text, std::size_t size_max) {
  const std::string_view shown = cut_to(text, size_max);
  return std::string(shown) + (shown.size() < text.size() ? "…" : "");
}

std::string Decision::grounds() const {
  std::vector<std::string> parts = comparisons;
  if (!rule.empty()) parts.insert(parts.begin(), "rule " + elided(rule, kStoryTextShown));
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  if (reason.empty()) return text;
  const std::string because = "reason: " + elided(reason, kStoryTextShown);
  return text.empty() ? because : text + " (" + because + ')';
}

Decision read_decision(EventData& data) {
  Decision decision;
  decision.decision = data.text("decision");
  decision.rule = data.text("rule");
  decision.reason = data.text("reason");
  decision.comparisons = compare(data);
  for (const std::string_view name : std::span(kDecisionFields).first<kDecisionFieldsNeeded>()) {
    if (data.text(name).empty()) decision.missing.emplace_back(name);
  }
  return decision;
}

}  // namespace picortex
