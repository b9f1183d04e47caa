#include "netfilter/budget/upload_record.h"

#include <fmt/format.h>

#include "base/parse.h"
#include "base/text.h"

namespace picortex {
namespace {

constexpr std::int64_t kRecordMax = std::int64_t{1} << 60;

}  // namespace

std::string upload_fields(const UploadRecord& record) {
  return fmt::format("{} {} {}", record.end_ms, record.bytes, record.key);
}

std::optional<UploadRecord> parse_upload_fields(std::string_view fields) noexcept {
  const auto end_ms = parse_whole<std::int64_t>(take_until(fields, ' '), 0, kRecordMax);
  const auto bytes = parse_whole<std::int64_t>(take_until(fields, ' '), 0, kRecordMax);
  if (!end_ms || !bytes || fields.empty() || fields.find(' ') != fields.npos) return std::nullopt;
  return UploadRecord{fields, *end_ms, *bytes};
}

}  // namespace picortex
