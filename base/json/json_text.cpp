#include "base/json/json_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/byte_scan.h"

namespace picortex {
namespace {

// Finds the bytes of the eight that need a closer look: controls, '"', '\\', DEL and not ASCII.
std::uint64_t bytes_for_care(const char* text) noexcept {
  const std::uint64_t word = load_word(text);
  return bytes_not_ascii(word) | bytes_below(word, 0x20) | bytes_equal(word, '"') |
         bytes_equal(word, '\\') | bytes_equal(word, 0x7f);
}

bool is_plain(unsigned char byte) noexcept {
  return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

// Returns the length of the well-formed UTF-8 sequence (Unicode table 3-7) at the front of `text`
// and its code point; 0 if there is none.
std::size_t decode_utf8(std::string_view text, std::uint32_t& code_point) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (at(i) & 0xc0) == 0x80; };
  const unsigned char lead = at(0);
  if (lead >= 0xc2 && lead <= 0xdf && continues(1)) {
    code_point = (lead & 0x1fu) << 6 | (at(1) & 0x3fu);
    return 2;
  }
  if ((lead & 0xf0) == 0xe0 && continues(1) && continues(2)) {
    code_point = (lead & 0x0fu) << 12 | (at(1) & 0x3fu) << 6 | (at(2) & 0x3fu);
    return code_point >= 0x800 && (code_point < 0xd800 || code_point > 0xdfff) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4 && continues(1) && continues(2) && continues(3)) {
    code_point =
        (lead & 0x07u) << 18 | (at(1) & 0x3fu) << 12 | (at(2) & 0x3fu) << 6 | (at(3) & 0x3fu);
    return code_point >= 0x10000 && code_point <= 0x10ffff ? 4 : 0;
  }
  return 0;
}

// True for controls that a terminal, an editor or JavaScript would act on.
bool is_unsafe(std::uint32_t code_point) noexcept {
  return (code_point >= 0x80 && code_point <= 0x9f) || code_point == 0x2028 ||
         code_point == 0x2029 || code_point == 0x061c || code_point == 0x200e ||
         code_point == 0x200f || (code_point >= 0x202a && code_point <= 0x202e) ||
         (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xfeff;
}

void append_u_escape(std::string& out, std::uint32_t code_point) {
  static constexpr char kHex[] = "0123456789abcdef";
  const char escape[6] = {'\\',
                          'u',
                          kHex[code_point >> 12 & 15],
                          kHex[code_point >> 8 & 15],
                          kHex[code_point >> 4 & 15],
                          kHex[code_point & 15]};
  out.append(escape, sizeof escape);
}

// Of a control or DEL.
void append_ascii_escape(std::string& out, unsigned char byte) {
  switch (byte) {
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_u_escape(out, byte);
  }
}

// Appends the character at the front of `text`, which is a control, DEL or not ASCII; returns how many
// bytes it had.
std::size_t append_careful(std::string& out, std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  if (byte < 0x80) {
    append_ascii_escape(out, byte);
    return 1;
  }
  std::uint32_t code_point = 0;
  const std::size_t size = decode_utf8(text, code_point);
  if (size == 0) {
    out += "\\ufffd";
    return 1;
  }
  if (is_unsafe(code_point)) {
    append_u_escape(out, code_point);
  } else {
    out.append(text.data(), size);
  }
  return size;
}

bool is_escape_of_surrogate(std::string_view escaped, char second_digit_min) noexcept {
  if (escaped.size() < 6 || escaped[0] != '\\' || escaped[1] != 'u') return false;
  const char first = static_cast<char>(escaped[2] | 0x20);
  const char second = static_cast<char>(escaped[3] | (escaped[3] > '9' ? 0x20 : 0));
  return first == 'd' && second >= second_digit_min && (second_digit_min == 'c' || second < 'c');
}

// Returns the size of the escape or UTF-8 sequence at the front of escaped text; a pair of
// surrogates is one. 0 at its end.
std::size_t size_of_unit(std::string_view escaped) noexcept {
  if (escaped.empty()) return 0;
  if (escaped.front() == '\\') {
    const bool is_pair =
        is_escape_of_surrogate(escaped, '8') && is_escape_of_surrogate(escaped.substr(6), 'c');
    if (is_pair) return 12;
    return escaped.size() > 1 && escaped[1] == 'u' ? 6 : 2;
  }
  std::size_t size = 1;
  while (size < escaped.size() && (static_cast<unsigned char>(escaped[size]) & 0xc0) == 0x80) {
    ++size;
  }
  return size;
}

// Returns as much of escaped text as fits into `size_max` bytes.
std::size_t size_within(std::string_view escaped, std::size_t size_max) noexcept {
  std::size_t size = 0;
  while (size < escaped.size()) {
    const std::size_t next = size + size_of_unit(escaped.substr(size));
    if (next > size_max || next > escaped.size()) break;
    size = next;
  }
  return size;
}

template <class Number, class... Format>
void append_number(std::string& out, Number value, Format... format) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, format...).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
  // What stands between two escapes is short, often a name between quotes: pieces gather here.
  char gathered[256];
  std::size_t size = 0;
  const auto flush = [&] {
    out.append(gathered, size);
    size = 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (size + 16 > sizeof gathered) flush();
    if (at + 8 <= text.size()) {
      const std::uint64_t found = bytes_for_care(text.data() + at);
      const std::size_t plain = found == 0 ? 8 : first_fitting(found);
      std::memcpy(gathered + size, text.data() + at, 8);
      size += plain;
      at += plain;
      if (found == 0) continue;
    } else if (is_plain(static_cast<unsigned char>(text[at]))) {
      gathered[size++] = text[at++];
      continue;
    }
    if (text[at] == '"' || text[at] == '\\') {
      gathered[size++] = '\\';
      gathered[size++] = text[at++];
    } else {
      flush();
      at += append_careful(out, text.substr(at));
    }
  }
  flush();
}

void append_visible(std::string& out, std::string_view text) {
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '"' && text[at] != '\\') continue;
    append_json_escaped(out, text.substr(copied, at - copied));
    out += text[at];
    copied = at + 1;
  }
  append_json_escaped(out, text.substr(copied));
}

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

bool append_json_string_within(std::string& out, std::string_view text, std::size_t size_max) {
  const std::size_t begin = out.size() + 1;  // after the first quote
  out += '"';
  // No byte becomes shorter, so text beyond the limit need not be escaped.
  append_json_escaped(out, text.substr(0, size_max));
  const bool is_whole = text.size() <= size_max && out.size() - begin <= size_max - 2;
  if (!is_whole) out.resize(begin + size_within(std::string_view(out).substr(begin), size_max - 2));
  out += '"';
  return is_whole;
}

bool append_json_literal_within(std::string& out, std::string_view literal, std::size_t size_max) {
  if (literal.size() <= size_max) {
    out += literal;
    return true;
  }
  const std::string_view escaped = literal.substr(1, literal.size() - 2);
  out += '"';
  out += escaped.substr(0, size_within(escaped, size_max - 2));
  out += '"';
  return false;
}

void append_json_number(std::string& out, std::int64_t value) { append_number(out, value); }
void append_json_number(std::string& out, std::uint64_t value) { append_number(out, value); }

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
  } else if (value == 0 && std::signbit(value)) {
    out += "-0.0";  // without the point it would be read as an integer, which has no such zero
  } else if (std::abs(value) >= 0x1p63) {
    append_number(out, value, std::chars_format::scientific);
  } else {
    append_number(out, value);
  }
}

}  // namespace picortex
