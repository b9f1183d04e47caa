#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace picortex {

// Appends JSON text (RFC 8259) to a string. The result is always valid JSON on one line that no
// terminal interprets: besides what JSON requires, DEL, the C1 controls (U+0080–U+009F), U+2028 and
// U+2029 and the bidirectional controls are escaped, and each byte that is not UTF-8 becomes
// U+FFFD.

// Appends `text` as a JSON string, with quotes.
void append_json_string(std::string& out, std::string_view text);

// Does the same with as much of `text` as fits into `size_max` bytes, including quotes (2 or more).
// Returns whether all of it fitted. Never splits a character or an escape.
bool append_json_string_within(std::string& out, std::string_view text, std::size_t size_max);

// Does the same for `literal`, a JSON string that is already escaped and quoted.
bool append_json_literal_within(std::string& out, std::string_view literal, std::size_t size_max);

// Appends what append_json_string writes between its quotes.
void append_json_escaped(std::string& out, std::string_view text);

// Appends `text` for people: escapes each control or otherwise unsafe character as above, and
// leaves quotes and backslashes unchanged.
void append_visible(std::string& out, std::string_view text);
std::string visible(std::string_view text);

void append_json_number(std::string& out, std::int64_t value);
void append_json_number(std::string& out, std::uint64_t value);
// Appends the shortest text that reads back as the same double, with an exponent if its digits
// alone would be an integer beyond 64 bits; null for what JSON cannot express (NaN, ∞).
void append_json_number(std::string& out, double value);

}  // namespace picortex
