#include "handlers/ingest/otlp/otlp_json_value.h"

#include <algorithm>
#include <limits>

#include "base/ascii.h"
#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/text.h"

namespace picortex::otlp_json {
namespace {

Result<void> read_nested(const Element& any, OtlpValue& value, OtlpTexts& texts, int depth);

Result<void> append_list(std::string& out, const Element& list, OtlpTexts& texts, int depth) {
  auto parent = object_of(list, "arrayValue");
  if (!parent) return std::unexpected(parent.error());
  out += '[';
  auto done = for_each(*parent, "values", [&](const Element& each) -> Result<void> {
    OtlpValue item;
    TRY(read_nested(each, item, texts, depth + 1));
    if (out.size() > kOtlpTextSizeMax) return {};
    if (out.back() != '[') out += ',';
    append_otlp_json(out, item, kOtlpTextSizeMax);
    return {};
  });
  out += ']';
  return done;
}

Result<void> append_map(std::string& out, const Element& list, OtlpTexts& texts, int depth) {
  auto parent = object_of(list, "kvlistValue");
  if (!parent) return std::unexpected(parent.error());
  out += '{';
  auto done = for_each(*parent, "values", [&](const Element& each) -> Result<void> {
    auto pair = object_of(each, "values");
    if (!pair) return std::unexpected(pair.error());
    std::string_view key;
    TRY(read_text(*pair, "key", key));
    OtlpValue item;
    if (const auto any = member(*pair, "value")) {
      TRY(read_nested(*any, item, texts, depth + 1));
    }
    if (out.size() > kOtlpTextSizeMax) return {};
    if (out.back() != '{') out += ',';
    append_json_string(out, cut_to(key, kOtlpTextSizeMax));
    out += ':';
    append_otlp_json(out, item, kOtlpTextSizeMax);
    return {};
  });
  out += '}';
  return done;
}

Result<void> read_compound(const Object& any, OtlpValue& value, OtlpTexts& texts, int depth) {
  std::string text;
  if (const auto list = member(any, "arrayValue")) {
    TRY(append_list(text, *list, texts, depth));
  } else if (const auto map = member(any, "kvlistValue")) {
    TRY(append_map(text, *map, texts, depth));
  } else if (const auto bytes = member(any, "bytesValue")) {
    std::string_view base64;
    if (bytes->get(base64) != simdjson::SUCCESS) return wrong("bytesValue", "a string");
    append_json_string(text, cut_to(base64, kOtlpTextSizeMax));
  } else {
    return {};
  }
  value.kind = OtlpValue::Kind::json;
  value.text = texts.keep(std::move(text));
  return {};
}

Result<void> read_nested(const Element& any_value, OtlpValue& value, OtlpTexts& texts, int depth) {
  if (depth > kOtlpDepthMax) return failure("A value is nested more than 8 levels deep");
  auto any = object_of(any_value, "value");
  if (!any) return std::unexpected(any.error());
  if (const auto text = member(*any, "stringValue")) {
    if (text->get(value.text) != simdjson::SUCCESS) return wrong("stringValue", "a string");
    value.kind = OtlpValue::Kind::text;
  } else if (const auto truth = member(*any, "boolValue")) {
    if (truth->get(value.truth) != simdjson::SUCCESS) return wrong("boolValue", "true or false");
    value.kind = OtlpValue::Kind::truth;
  } else if (const auto integer = member(*any, "intValue")) {
    const auto number = integer_of(*integer);
    if (!number) return wrong("intValue", "a whole number");
    value.integer = *number;
    value.kind = OtlpValue::Kind::integer;
  } else if (const auto real = member(*any, "doubleValue")) {
    const auto number = real_of(*real);
    if (!number) return wrong("doubleValue", "a number");
    value.real = *number;
    value.kind = OtlpValue::Kind::real;
  } else {
    return read_compound(*any, value, texts, depth);
  }
  return {};
}

}  // namespace

std::unexpected<Error> wrong(std::string_view name, std::string_view wanted) {
  return failure(std::string(name) + " is not " + std::string(wanted));
}

std::optional<Element> member(const Object& parent, std::string_view name) noexcept {
  Element value;
  if (parent[name].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

Result<Object> object_of(const Element& value, std::string_view name) {
  Object found;
  if (value.get(found) != simdjson::SUCCESS) return wrong(name, "an object");
  return found;
}

Result<void> read_text(const Object& parent, std::string_view name, std::string_view& text) {
  text = {};
  const auto value = member(parent, name);
  if (value && value->get(text) != simdjson::SUCCESS) return wrong(name, "a string");
  return {};
}

std::optional<std::int64_t> integer_of(const Element& value) noexcept {
  std::int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number;
  double real = 0;
  // 2^63 is the first that does not fit.
  if (value.is_double() && value.get(real) == simdjson::SUCCESS && real >= -9.2e18 &&
      real <= 9.2e18) {
    return static_cast<std::int64_t>(real);
  }
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  return parse_whole<std::int64_t>(text);
}

Result<void> read_integer(const Object& parent, std::string_view name, std::int64_t& number) {
  number = 0;
  const auto value = member(parent, name);
  if (!value) return {};
  const auto read = integer_of(*value);
  if (!read) return wrong(name, "a whole number");
  number = *read;
  return {};
}

Result<void> read_time(const Object& parent, std::string_view name, std::uint64_t& time_ns) {
  std::int64_t number = 0;
  TRY(read_integer(parent, name, number));
  if (number < 0) return wrong(name, "a time since 1970");
  time_ns = static_cast<std::uint64_t>(number);
  return {};
}

Result<void> read_id(const Object& parent, std::string_view name, std::span<std::uint8_t> id) {
  std::ranges::fill(id, std::uint8_t{0});
  std::string_view text;
  TRY(read_text(parent, name, text));
  if (text.empty()) return {};
  if (text.size() != 2 * id.size()) return wrong(name, "as many hex digits as it should have");
  for (std::size_t i = 0; i < id.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return wrong(name, "hex digits");
    id[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return {};
}

std::optional<double> real_of(const Element& value) noexcept {
  double number = 0;
  if (value.is_number() && value.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return parse_real(text);
}

Result<void> read_value(const Element& any_value, OtlpValue& value, OtlpTexts& texts) {
  return read_nested(any_value, value, texts, 0);
}

Result<void> read_attributes(const Object& parent, OtlpAttributes& attributes, OtlpTexts& texts) {
  attributes.clear();
  return for_each(parent, "attributes", [&](const Element& each) -> Result<void> {
    if (attributes.size() == kOtlpAttributesMax) return failure("A record has over 256 attributes");
    auto pair = object_of(each, "attributes");
    if (!pair) return std::unexpected(pair.error());
    std::string_view key;
    TRY(read_text(*pair, "key", key));
    OtlpValue value;
    if (const auto any = member(*pair, "value")) {
      TRY(read_value(*any, value, texts));
    }
    attributes.add(key, value);
    return {};
  });
}

}  // namespace picortex::otlp_json
