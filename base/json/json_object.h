#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json/json_text.h"
#include "base/uuid/uuid.h"

namespace picortex {

class JsonArray;

template <class Number>
requires(std::integral<Number> && !std::same_as<Number, bool>) ||
    std::floating_point<Number> void append_json_value(std::string& out, Number value) {
  if constexpr (std::floating_point<Number>) {
    append_json_number(out, static_cast<double>(value));
  } else if constexpr (std::signed_integral<Number>) {
    append_json_number(out, static_cast<std::int64_t>(value));
  } else {
    append_json_number(out, static_cast<std::uint64_t>(value));
  }
}

// One JSON object, appended to the end of `out` member by member: the opening brace when it is
// made, the closing one when it is destroyed. Everything is escaped as base/json/json_text.h says.
// Where a comma is due is read off the last character of `out`, so the writer has no state of its
// own and allocates nothing; an object or array inside must be destroyed before the next member.
//
//   JsonObject(out).text("status", "ok").number("count", 3);     // closed at the semicolon
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  // Takes the object at the end of `out` up again, to add members to it. If `out` is empty, begins
  // a new one.
  static JsonObject reopened(std::string& out) { return JsonObject(out, Reopen{}); }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;
  ~JsonObject() { out_ += '}'; }

  JsonObject& text(std::string_view name, std::string_view value);
  // Null if the text is empty.
  JsonObject& text_or_null(std::string_view name, std::string_view value);
  JsonObject& boolean(std::string_view name, bool value);
  JsonObject& null(std::string_view name);
  JsonObject& id(std::string_view name, const Uuid& value);
  // ISO 8601. A time outside of 1970 to kLatestUnixMs becomes the nearest one inside.
  JsonObject& time(std::string_view name, std::int64_t unix_ms);
  template <class Number>
  JsonObject& number(std::string_view name, Number value) {
    append_json_value(this->value(name), value);
    return *this;
  }
  // Adds the members of `object`, a whole JSON object on one line.
  JsonObject& members(std::string_view object);

  JsonObject object(std::string_view name) { return JsonObject(value(name)); }
  JsonArray array(std::string_view name);

  // Begins a member, whose value the caller appends to the string that this returns.
  std::string& value(std::string_view name);

 private:
  struct Reopen {};
  JsonObject(std::string& out, Reopen);

  std::string& out_;
};

// One JSON array in the same manner.
class JsonArray {
 public:
  explicit JsonArray(std::string& out) : out_(out) { out_ += '['; }
  JsonArray(const JsonArray&) = delete;
  JsonArray& operator=(const JsonArray&) = delete;
  ~JsonArray() { out_ += ']'; }

  JsonArray& text(std::string_view value);
  template <class Number>
  JsonArray& number(Number value) {
    append_json_value(this->value(), value);
    return *this;
  }
  JsonObject object() { return JsonObject(value()); }

  // Begins an element, which the caller appends to the string that this returns.
  std::string& value();

 private:
  std::string& out_;
};

inline JsonArray JsonObject::array(std::string_view name) { return JsonArray(value(name)); }

}  // namespace picortex
