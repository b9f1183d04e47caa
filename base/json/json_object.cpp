#include "base/json/json_object.h"

#include <algorithm>

#include "base/check.h"
#include "base/time/timestamp.h"

namespace picortex {

JsonObject::JsonObject(std::string& out, Reopen) : out_(out) {
  if (out_.empty()) {
    out_ += '{';
    return;
  }
  CHECK(out_.back() == '}');
  out_.pop_back();
}

std::string& JsonObject::value(std::string_view name) {
  // No value ends with an opening brace, so one there is the object's own.
  if (out_.back() != '{') out_ += ',';
  append_json_string(out_, name);
  return out_ += ':';
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
  append_json_string(this->value(name), value);
  return *this;
}

JsonObject& JsonObject::text_or_null(std::string_view name, std::string_view value) {
  return value.empty() ? null(name) : text(name, value);
}

JsonObject& JsonObject::boolean(std::string_view name, bool value) {
  this->value(name) += value ? "true" : "false";
  return *this;
}

JsonObject& JsonObject::null(std::string_view name) {
  value(name) += "null";
  return *this;
}

JsonObject& JsonObject::id(std::string_view name, const Uuid& value) {
  char text[Uuid::kTextSize];
  format_uuid(value, text);
  return this->text(name, {text, sizeof text});
}

JsonObject& JsonObject::time(std::string_view name, std::int64_t unix_ms) {
  char text[kIsoTimeSize];
  format_iso_time(std::clamp<std::int64_t>(unix_ms, 0, kLatestUnixMs), text);
  return this->text(name, {text, sizeof text});
}

JsonObject& JsonObject::members(std::string_view object) {
  if (object.size() <= 2) return *this;
  if (out_.back() != '{') out_ += ',';
  out_ += object.substr(1, object.size() - 2);
  return *this;
}

std::string& JsonArray::value() {
  if (out_.back() != '[') out_ += ',';
  return out_;
}

JsonArray& JsonArray::text(std::string_view value) {
  append_json_string(this->value(), value);
  return *this;
}

}  // namespace picortex
