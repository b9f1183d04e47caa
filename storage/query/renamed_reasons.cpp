#include "storage/query/renamed_reasons.h"

#include <algorithm>
#include <array>
#include <utility>

namespace picortex {
namespace {

// `hidden_name` covered early data as well, which cannot be distinguished from ECH any more.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kRenamed{{
    {"hidden_name", "encrypted_hello"},
    {"not_understood", "unrecognized_protocol"},
    {"contradiction", "overlapping_segments_differ"},
    {"crowded_out", "flow_table_full"},
    {"not_followed", "untracked_flow"},
    {"address_disagrees", "dns_address_mismatch"},
}};

constexpr std::string_view kFenceTypes = "egress.";
// As the fence writes them. A quotation mark inside of a JSON string is escaped, so no text of a
// client's choice looks like this.
constexpr std::string_view kMember = "\"reason\":\"";
constexpr std::string_view kOldOutcome = "\"outcome\":\"refused\"";
constexpr std::string_view kOutcome = "\"outcome\":\"denied\"";

}  // namespace

std::string_view current_reason(std::string_view reason) noexcept {
  const auto renamed =
      std::ranges::find(kRenamed, reason, [](const auto& one) { return one.first; });
  return renamed == kRenamed.end() ? reason : renamed->second;
}

void rename_reason(std::string_view event_type, std::string& data) {
  if (!event_type.starts_with(kFenceTypes)) return;
  if (const std::size_t outcome = data.find(kOldOutcome); outcome != data.npos) {
    data.replace(outcome, kOldOutcome.size(), kOutcome);
  }
  const std::size_t member = data.find(kMember);
  if (member == data.npos) return;
  const std::size_t begin = member + kMember.size();
  const std::size_t end = data.find('"', begin);
  if (end == data.npos) return;
  const std::string_view stored = std::string_view(data).substr(begin, end - begin);
  const std::string_view current = current_reason(stored);
  if (current != stored) data.replace(begin, end - begin, current);
}

}  // namespace picortex
