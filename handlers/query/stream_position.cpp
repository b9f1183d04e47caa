#include "handlers/query/stream_position.h"

#include <charconv>

#include "base/parse.h"

namespace picortex {
namespace {

void append_hexadecimal(std::string& out, std::uint64_t number) {
  char digits[16];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number, 16).ptr);
}

// Takes a number with the hyphen after it off the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
  const auto number = take_whole<std::uint64_t>(text, 16);
  if (!number || !text.starts_with('-')) return std::nullopt;
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
  const auto run = take_number(text);
  const auto number = run ? take_number(text) : std::nullopt;
  const auto mark = number ? parse_whole<std::int64_t>(text, 0, INT64_MAX, 16) : std::nullopt;
  if (!mark) return std::nullopt;
  return StreamPosition{*run, *number, *mark};
}

}  // namespace picortex
