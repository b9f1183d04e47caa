#include "handlers/ingest/otlp/otlp_record.h"

#include <cmath>
#include <span>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/time/durations.h"

namespace picortex {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

void append_otlp_json(std::string& out, const OtlpValue& value, std::size_t text_size_max) {
  switch (value.kind) {
    case OtlpValue::Kind::none:
      out += "null";
      return;
    case OtlpValue::Kind::text:
      return append_json_string(out, cut_to(value.text, text_size_max));
    case OtlpValue::Kind::truth:
      out += value.truth ? "true" : "false";
      return;
    case OtlpValue::Kind::integer:
      return append_json_number(out, value.integer);
    case OtlpValue::Kind::real:
      return append_json_number(out, value.real);
    case OtlpValue::Kind::json:
      break;
  }
  // Half of it would not be JSON.
  if (value.text.size() > text_size_max) return append_json_string(out, "(too large)");
  out += value.text;
}

std::optional<std::int64_t> whole_number_of(const OtlpValue& value) noexcept {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  switch (value.kind) {
    case OtlpValue::Kind::integer:
      return value.integer;
    case OtlpValue::Kind::text:
      return parse_whole<std::int64_t>(value.text);
    case OtlpValue::Kind::real:
      if (std::isfinite(value.real) && std::abs(value.real) <= kExact &&
          std::trunc(value.real) == value.real) {
        return static_cast<std::int64_t>(value.real);
      }
      return std::nullopt;
    case OtlpValue::Kind::none:
    case OtlpValue::Kind::truth:
    case OtlpValue::Kind::json:
      break;
  }
  return std::nullopt;
}

std::optional<double> number_of(const OtlpValue& value) noexcept {
  std::optional<double> number;
  if (value.kind == OtlpValue::Kind::real) number = value.real;
  if (value.kind == OtlpValue::Kind::integer) number = static_cast<double>(value.integer);
  if (value.kind == OtlpValue::Kind::text) number = parse_real(value.text);
  if (number && !std::isfinite(*number)) number.reset();
  return number;
}

std::optional<bool> truth_of(const OtlpValue& value) noexcept {
  if (value.kind == OtlpValue::Kind::truth) return value.truth;
  if (value.kind == OtlpValue::Kind::text && value.text == "true") return true;
  if (value.kind == OtlpValue::Kind::text && value.text == "false") return false;
  return std::nullopt;
}

const OtlpValue* OtlpAttributes::find(std::string_view key) const noexcept {
  for (auto each = all_.rbegin(); each != all_.rend(); ++each) {
    if (each->key == key) return &each->value;
  }
  return nullptr;
}

std::string_view OtlpAttributes::text(std::string_view key) const noexcept {
  const OtlpValue* value = find(key);
  return value != nullptr && value->kind == OtlpValue::Kind::text ? value->text
                                                                  : std::string_view{};
}

std::optional<Uuid> request_id_of_trace(const OtlpTraceId& trace_id,
                                        std::int64_t time_ms) noexcept {
  constexpr std::int64_t kYear2020Ms = 1'577'836'800'000;
  std::int64_t made_ms = 0;
  for (std::size_t i = 0; i < 6; ++i) made_ms = made_ms << 8 | trace_id[i];
  if (made_ms < kYear2020Ms || made_ms > time_ms + kDayMs) return std::nullopt;
  const bool is_version_7 = (trace_id[6] >> 4) == 7 && (trace_id[8] >> 6) == 2;
  if (!is_version_7) return std::nullopt;
  return Uuid{trace_id};
}

std::string hex_of(const OtlpTraceId& id) { return hex(id); }
std::string hex_of(const OtlpSpanId& id) { return hex(id); }

}  // namespace picortex
