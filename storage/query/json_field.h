#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// The value of a member of a JSON object, as the text has it, without parsing all of it: what comes
// before is passed over, and nothing is copied. `json` may be anything; none where there is no such
// member, or no JSON before it.
//
// `path`: the member's name; where there is none of that name, and it has dots, the names of
// members within members: `err.type`, `usage.input_tokens`. Names are compared as
// append_json_string writes them, which is how the store has them.
std::optional<std::string_view> find_json_field(std::string_view json, std::string_view path);

// What the first of these members that is not null says, without quotes; empty if there is none.
std::string first_json_text(std::string_view json, std::initializer_list<std::string_view> paths);

// Calls it with each value of a JSON array, as the text has them, until it returns true; whether it
// did.
template <class Function>
bool any_json_element(std::string_view array, Function function);

// What a JSON string says; `literal` with its quotes. A text without escapes is not copied: then
// `scratch` stays as it is.
std::string_view unescaped_json(std::string_view literal, std::string& scratch);

// --- What the template needs ---

// Takes a whole value off the front of `text`, with the blanks before it; none where there is none.
std::optional<std::string_view> take_json_value(std::string_view& text) noexcept;
// Takes the character off the front, with the blanks before it; whether it was there.
bool take_json_mark(std::string_view& text, char mark) noexcept;

template <class Function>
bool any_json_element(std::string_view array, Function function) {
  if (!take_json_mark(array, '[')) return false;
  do {
    const auto value = take_json_value(array);
    if (!value) return false;
    if (function(*value)) return true;
  } while (take_json_mark(array, ','));
  return false;
}

}  // namespace picortex
