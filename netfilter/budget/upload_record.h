#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// What one slot of a rule's window has counted, as the RecordLog of upload budgets has it. The last
// record of a slot counts.
//
//   fields = end SP bytes SP key
struct UploadRecord {
  std::string_view key;  // names the rule's target; without blanks
  std::int64_t end_ms = 0;
  std::int64_t bytes = 0;
};

std::string upload_fields(const UploadRecord& record);
// The record refers to `fields`.
std::optional<UploadRecord> parse_upload_fields(std::string_view fields) noexcept;

}  // namespace picortex
