#include "handlers/ingest/sentry/sentry_values.h"

#include <simdjson.h>

#include <algorithm>

#include "base/json/json_text.h"

namespace picortex {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kPairsReadMax = 1000;

// Returns the last `count_max` elements of an array, last one first.
std::vector<element> last_of(const array& values, std::size_t count_max) {
  std::vector<element> last;
  std::size_t position = 0;
  const std::size_t size = values.size();
  for (const element value : values) {
    if (position++ + count_max >= size) last.push_back(value);
  }
  std::ranges::reverse(last);
  return last;
}

void put(std::vector<SentryPair>& pairs, std::string_view name, const element& value,
         std::size_t count_max) {
  if (value.is_null()) return;
  const auto same = std::ranges::find(pairs, name, &SentryPair::first);
  if (same != pairs.end()) {
    same->second = value;
  } else if (pairs.size() < count_max) {
    pairs.emplace_back(name, value);
  }
}

}  // namespace

std::string_view text_of(const std::optional<element>& value) {
  std::string_view text;
  if (!value || value->get(text)) return {};
  return text;
}

std::optional<element> member_of(const std::optional<element>& value, std::string_view name) {
  element member;
  if (!value || (*value)[name].get(member) || member.is_null()) return std::nullopt;
  return member;
}

std::string_view text_in(const std::optional<element>& value,
                         std::initializer_list<std::string_view> path) {
  std::optional<element> inner = value;
  for (const std::string_view name : path) inner = member_of(inner, name);
  return text_of(inner);
}

bool append_scalar(std::string& out, const element& value) {
  if (std::string_view text; !value.get(text)) {
    out += text;
  } else if (bool flag; !value.get(flag)) {
    out += flag ? "true" : "false";
  } else if (std::int64_t whole; !value.get(whole)) {
    append_json_number(out, whole);
  } else if (std::uint64_t large; !value.get(large)) {
    append_json_number(out, large);
  } else if (double number; !value.get(number)) {
    append_json_number(out, number);
  } else {
    return false;
  }
  return true;
}

void append_lenient(std::string& out, const element& value) {
  if (!append_scalar(out, value) && !value.is_null()) out += simdjson::minify(value);
}

std::vector<SentryPair> pairs_of(const std::optional<element>& value, std::size_t count_max) {
  std::vector<SentryPair> pairs;
  if (!value) return pairs;
  // Each is compared with those before it: hostile input must not block an iteration of the loop.
  std::size_t left = kPairsReadMax;
  if (object members; !value->get(members)) {
    for (const auto [name, member] : members) {
      if (left-- == 0) break;
      put(pairs, name, member, count_max);
    }
  } else if (array list; !value->get(list)) {
    for (const element entry : list) {
      if (left-- == 0) break;
      element name;
      element member;
      array pair;
      if (entry.get(pair) || pair.at(0).get(name) || pair.at(1).get(member)) continue;
      std::string text;
      if (append_scalar(text, name)) put(pairs, text, member, count_max);
    }
  }
  return pairs;
}

std::vector<element> last_values(const element& value, std::size_t count_max) {
  array values;
  if (!value.get(values)) return last_of(values, count_max);
  object alone;
  element inner;
  if (value.get(alone) || alone.size() == 0) return {};
  if (alone["values"].get(inner)) return {value};
  return inner.get(values) ? std::vector<element>() : last_of(values, count_max);
}

}  // namespace picortex
