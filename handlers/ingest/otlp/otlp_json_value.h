#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "handlers/ingest/otlp/otlp_record.h"

namespace picortex {

// Reads the values of OTLP's JSON encoding (opentelemetry-proto, "JSON Protobuf Encoding"). A member
// that is missing or null has its type's empty value. Errors are the message of a 400.
namespace otlp_json {

using Array = simdjson::dom::array;
using Element = simdjson::dom::element;
using Object = simdjson::dom::object;

// "NAME is not WANTED"
std::unexpected<Error> wrong(std::string_view name, std::string_view wanted);

// Returns nothing if the member is missing or null.
std::optional<Element> member(const Object& parent, std::string_view name) noexcept;

Result<Object> object_of(const Element& value, std::string_view name);
// A number, or its text.
std::optional<std::int64_t> integer_of(const Element& value) noexcept;
// A double, which may be spelt "NaN", "Infinity" or as a text.
std::optional<double> real_of(const Element& value) noexcept;

Result<void> read_text(const Object& parent, std::string_view name, std::string_view& text);
Result<void> read_integer(const Object& parent, std::string_view name, std::int64_t& number);
// In nanoseconds since 1970.
Result<void> read_time(const Object& parent, std::string_view name, std::uint64_t& time_ns);
// Of 16 or 8 bytes, in hex.
Result<void> read_id(const Object& parent, std::string_view name, std::span<std::uint8_t> id);

// AnyValue, at most kOtlpDepthMax levels deep. Without a member that is known it stays `none`.
// Lists and maps become JSON, which `texts` keeps.
Result<void> read_value(const Element& any_value, OtlpValue& value, OtlpTexts& texts);
// At most kOtlpAttributesMax.
Result<void> read_attributes(const Object& parent, OtlpAttributes& attributes, OtlpTexts& texts);

// Calls `use` with each element of the array `name`; a missing one is empty.
template <class Use>
Result<void> for_each(const Object& parent, std::string_view name, Use use) {
  const auto value = member(parent, name);
  if (!value) return {};
  Array list;
  if (value->get(list) != simdjson::SUCCESS) return wrong(name, "an array");
  for (const Element each : list) {
    TRY(use(each));
  }
  return {};
}

}  // namespace otlp_json

}  // namespace picortex
