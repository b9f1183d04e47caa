#include "cli/completion/command_tree.h"

#include <algorithm>
#include <utility>

namespace picortex {
namespace {

constexpr std::pair<std::string_view, CompletionValue::Kind> kPlaceholders[] = {
    {"FILE", CompletionValue::Kind::file},
    {"PATH", CompletionValue::Kind::file},
    {"DIR", CompletionValue::Kind::directory},
    {"USER", CompletionValue::Kind::user},
    {"PROGRAM", CompletionValue::Kind::program}};

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
}

// Takes the first word of "a, b or c". Returns it, or an empty text if there is none.
std::string_view take_word(std::string_view& list) {
  const std::size_t end = std::min({list.find(", "), list.find(" or "), list.size()});
  const std::string_view word = list.substr(0, end);
  list.remove_prefix(end);
  for (const std::string_view between : {", ", " or "}) {
    if (list.starts_with(between)) {
      list.remove_prefix(between.size());
      break;
    }
  }
  return is_word(word) ? word : std::string_view();
}

// The words of a list such as "a, b or c"; empty if `allowed` says anything else.
std::vector<std::string> words_of(std::string_view allowed) {
  std::vector<std::string> words;
  while (!allowed.empty()) {
    const std::string_view word = take_word(allowed);
    if (word.empty()) return {};
    words.emplace_back(word);
  }
  return words.size() > 1 ? words : std::vector<std::string>();
}

}  // namespace

CompletionValue completion_value(std::string_view placeholder, std::string_view allowed) {
  if (placeholder.empty()) return {};
  if (std::vector<std::string> words = words_of(allowed); !words.empty()) {
    return {CompletionValue::Kind::words, std::move(words)};
  }
  for (const auto& [name, kind] : kPlaceholders) {
    if (name == placeholder) return {kind, {}};
  }
  return {CompletionValue::Kind::text, {}};
}

std::string short_meaning(std::string_view meaning) {
  std::size_t end = meaning.size();
  for (const std::string_view break_at : {"; ", ": ", " (", ", "}) {
    end = std::min(end, meaning.find(break_at));
  }
  return std::string(meaning.substr(0, end));
}

}  // namespace picortex
