#include "storage/query/stats/error_fingerprint.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/text.h"
#include "storage/query/json_field.h"

namespace picortex {
namespace {

constexpr std::size_t kMessageRead = 300;

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

  std::uint64_t value() const noexcept { return hash_; }

 private:
  void add(char c) noexcept { hash_ = (hash_ ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U; }

  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

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

}  // namespace

std::uint64_t error_group_of(std::string_view event_type, std::string_view msg,
                             std::string_view data) {
  Fingerprint fingerprint;
  fingerprint.add(event_type);
  const std::string own = first_json_text(data, {"fingerprint"});
  if (!own.empty() && own != "[]") {
    fingerprint.add(own);
    return fingerprint.value();
  }
  fingerprint.add(first_json_text(data, {"err.type", "exception.type", "error.name"}));
  const std::string stack = first_json_text(data, {"err.stack", "stack", "error.stack"});
  fingerprint.add_without_numbers(cut_to(innermost_call(stack), kMessageRead));
  const std::string_view line = msg.substr(0, msg.find('\n'));
  fingerprint.add_without_numbers(cut_to(line, kMessageRead));
  return fingerprint.value();
}

std::string error_group_id(std::uint64_t group) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += kDigits[group >> shift & 15];
  return digits;
}

std::optional<std::uint64_t> parse_error_group_id(std::string_view text) noexcept {
  std::uint64_t group = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), group, 16);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  if (!is_whole || text.size() != kErrorIdSize) return std::nullopt;
  return group;
}

}  // namespace picortex
