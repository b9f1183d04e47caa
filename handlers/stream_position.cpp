#include "handlers/stream_position.h"

#include <charconv>

namespace picortex {
namespace {

void append_hexadecimal(std::string& out, std::uint64_t number) {
  char digits[16];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number, 16).ptr);
}

// Takes a number and the hyphen or the end behind it off the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text, bool is_last) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (is_last != text.empty()) return std::nullopt;
  if (is_last) return number;
  if (!text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  return number;
}

}  // namespace

void append_stream_position(std::string& out, const StreamPosition& position) {
  append_hexadecimal(out, position.run);
  out += '-';
  append_hexadecimal(out, position.number);
  out += '-';
  append_hexadecimal(out, static_cast<std::uint64_t>(position.mark));
}

std::optional<StreamPosition> parse_stream_position(std::string_view text) noexcept {
  const auto run = take_number(text, false);
  if (!run) return std::nullopt;
  const auto number = take_number(text, false);
  if (!number) return std::nullopt;
  const auto mark = take_number(text, true);
  if (!mark || *mark > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return StreamPosition{*run, *number, static_cast<std::int64_t>(*mark)};
}

}  // namespace picortex
