#include "storage/query/json_field.h"

#include <cstdint>

#include "base/ascii.h"
#include "base/json/json_text.h"

namespace picortex {
namespace {

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n' ||
                           text.front() == '\r')) {
    text.remove_prefix(1);
  }
}

// The length of the string at the front, with its quotes; 0: it has no end.
std::size_t string_size(std::string_view text) noexcept {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return 0;
}

// The same of an object or an array.
std::size_t nested_size(std::string_view text) noexcept {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const std::size_t size = string_size(text.substr(i));
      if (size == 0) return 0;
      i += size - 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return 0;
}

std::size_t value_size(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (text.front() == '"') return string_size(text);
  if (text.front() == '{' || text.front() == '[') return nested_size(text);
  const std::size_t end = text.find_first_of(",]} \t\r\n");
  return end == std::string_view::npos ? text.size() : end;
}

// `quoted`: the member's name as the text has it, with its quotes.
std::optional<std::string_view> member_of(std::string_view json, std::string_view quoted) {
  if (json.find(quoted) == std::string_view::npos || !take_json_mark(json, '{')) {
    return std::nullopt;
  }
  do {
    const auto name = take_json_value(json);
    if (!name || name->front() != '"' || !take_json_mark(json, ':')) return std::nullopt;
    const auto value = take_json_value(json);
    if (!value) return std::nullopt;
    if (*name == quoted) return value;
  } while (take_json_mark(json, ','));
  return std::nullopt;
}

std::uint32_t code_unit(std::string_view digits) noexcept {
  std::uint32_t unit = 0;
  for (const char c : digits) unit = unit << 4 | static_cast<std::uint32_t>(hex_value(c) & 15);
  return unit;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// Takes what follows a backslash off the front.
void append_escape(std::string& out, std::string_view& text) {
  constexpr std::string_view kEscapes = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  const char c = text.front();
  text.remove_prefix(1);
  if (const std::size_t place = kEscapes.find(c); place != std::string_view::npos) {
    out += kMeanings[place];
    return;
  }
  if (c != 'u' || text.size() < 4) {
    out += c;
    return;
  }
  std::uint32_t code = code_unit(text.substr(0, 4));
  text.remove_prefix(4);
  const bool is_pair =
      code >= 0xd800 && code < 0xdc00 && text.size() >= 6 && text[0] == '\\' && text[1] == 'u';
  if (is_pair) {
    code = 0x10000 + ((code & 0x3ff) << 10) + (code_unit(text.substr(2, 4)) & 0x3ff);
    text.remove_prefix(6);
  }
  append_utf8(out, code);
}

}  // namespace

std::optional<std::string_view> take_json_value(std::string_view& text) noexcept {
  skip_blanks(text);
  const std::size_t size = value_size(text);
  if (size == 0) return std::nullopt;
  const std::string_view value = text.substr(0, size);
  text.remove_prefix(size);
  return value;
}

bool take_json_mark(std::string_view& text, char mark) noexcept {
  skip_blanks(text);
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::string_view> find_json_field(std::string_view json, std::string_view path) {
  std::string quoted;
  append_json_string(quoted, path);
  if (const auto whole = member_of(json, quoted)) return whole;
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  quoted.clear();
  append_json_string(quoted, path.substr(0, dot));
  const auto outer = member_of(json, quoted);
  return outer ? find_json_field(*outer, path.substr(dot + 1)) : std::nullopt;
}

std::string_view unescaped_json(std::string_view literal, std::string& scratch) {
  std::string_view text = literal.substr(1, literal.size() - 2);
  if (text.find('\\') == std::string_view::npos) return text;
  scratch.clear();
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\\' && !text.empty()) {
      append_escape(scratch, text);
    } else {
      scratch += c;
    }
  }
  return scratch;
}

std::string first_json_text(std::string_view json, std::initializer_list<std::string_view> paths) {
  for (const std::string_view path : paths) {
    const auto value = find_json_field(json, path);
    if (!value || *value == "null") continue;
    std::string scratch;
    return std::string(value->front() == '"' ? unescaped_json(*value, scratch) : *value);
  }
  return {};
}

}  // namespace picortex
