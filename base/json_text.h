#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace picortex {

// JSON text (RFC 8259), appended to a string. What comes out is always valid JSON on one line that
// no terminal interprets: besides what JSON demands, DEL, the C1 controls (U+0080–U+009F), U+2028
// and U+2029 and the bidirectional controls are escaped, and each byte that is not UTF-8 becomes
// U+FFFD.

// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

// Appends what append_json_string writes between its quotes.
void append_json_escaped(std::string& out, std::string_view text);

// Appends `text` for people: each control or otherwise unsafe character is escaped as above, and
// quotes and backslashes stay as they are.
void append_visible(std::string& out, std::string_view text);

void append_json_number(std::string& out, std::int64_t value);
void append_json_number(std::string& out, std::uint64_t value);
// The shortest text that reads back as the same double, with an exponent where its digits alone
// would be an integer that 64 bits cannot hold; null for what JSON cannot say (NaN, ∞).
void append_json_number(std::string& out, double value);

}  // namespace picortex
