#include "base/json/writer.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>

#include "base/json/json_text.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

// With up to this many members, comparing all pairs is faster than hashing.
constexpr std::size_t kFewMembers = 16;

}  // namespace

Result<void> JsonWriter::append(std::string& out, const element& value) {
  return outcome(write(out, value));
}

Result<void> JsonWriter::append_without(std::string& out, const object& object,
                                        std::span<const std::string_view> names) {
  const std::size_t begin = out.size();
  const bool good = write_object(out, object, names);
  if (out.size() == begin + 2) out.resize(begin);
  return outcome(good);
}

Result<void> JsonWriter::outcome(bool good) const {
  if (good) return {};
  return failure("contains the forbidden prototype property " + std::string(forbidden_));
}

bool JsonWriter::write(std::string& out, const element& value) {
  switch (value.type()) {
    case element_type::ARRAY: {
      const simdjson::dom::array items = value.get_array().value_unsafe();
      char separator = '[';
      for (const element item : items) {
        out += separator;
        separator = ',';
        if (!write(out, item)) return false;
      }
      if (separator == '[') out += '[';
      out += ']';
      return true;
    }
    case element_type::OBJECT:
      return write_object(out, value.get_object().value_unsafe(), {});
    case element_type::INT64:
      append_json_number(out, value.get_int64().value_unsafe());
      return true;
    case element_type::UINT64:
      append_json_number(out, value.get_uint64().value_unsafe());
      return true;
    case element_type::DOUBLE:
      append_json_number(out, value.get_double().value_unsafe());
      return true;
    case element_type::STRING:
      append_json_string(out, value.get_string().value_unsafe());
      return true;
    case element_type::BOOL:
      out += value.get_bool().value_unsafe() ? "true" : "false";
      return true;
    case element_type::NULL_VALUE:
      out += "null";
      return true;
  }
  return true;
}

bool JsonWriter::write_object(std::string& out, const object& object,
                              std::span<const std::string_view> without) {
  const std::size_t mark = replaced_.size();
  push_replaced(object);
  const std::size_t end = replaced_.size();
  std::size_t next = mark;
  std::uint32_t position = 0;
  bool good = true;
  char separator = '{';
  for (const auto [key, value] : object) {
    const bool is_replaced = next < end && replaced_[next] == position;
    ++position;
    if (is_replaced) ++next;
    if (is_replaced || std::ranges::find(without, key) != without.end()) continue;
    out += separator;
    separator = ',';
    append_json_string(out, key);
    out += ':';
    good = is_allowed(key, value) && write(out, value);
    if (!good) break;
  }
  replaced_.resize(mark);
  if (separator == '{') out += '{';
  out += '}';
  return good;
}

bool JsonWriter::is_allowed(std::string_view key, const element& value) {
  if (key == "__proto__") {
    forbidden_ = "__proto__";
    return false;
  }
  if (key == "constructor" && value.is_object() &&
      value.get_object().value_unsafe().at_key("prototype").error() == simdjson::SUCCESS) {
    forbidden_ = "constructor.prototype";
    return false;
  }
  return true;
}

void JsonWriter::push_replaced(const object& object) {
  keys_.clear();
  for (const auto [key, value] : object) keys_.push_back(key);
  if (keys_.size() > kFewMembers) {
    push_replaced_by_hash();
    return;
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (std::find(keys_.begin() + static_cast<std::ptrdiff_t>(i) + 1, keys_.end(), keys_[i]) !=
        keys_.end()) {
      replaced_.push_back(static_cast<std::uint32_t>(i));
    }
  }
}

void JsonWriter::push_replaced_by_hash() {
  const auto mark = static_cast<std::ptrdiff_t>(replaced_.size());
  slots_.assign(std::bit_ceil(keys_.size() * 2), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < keys_.size(); ++i) {
    std::size_t slot = hash_(keys_[i]) & mask;
    while (slots_[slot] != 0 && keys_[slots_[slot] - 1] != keys_[i]) slot = (slot + 1) & mask;
    if (slots_[slot] != 0) replaced_.push_back(slots_[slot] - 1);
    slots_[slot] = i + 1;
  }
  std::sort(replaced_.begin() + mark, replaced_.end());
}

}  // namespace picortex
