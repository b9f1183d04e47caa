#include "netfilter/budget/upload_budget.h"

#include "base/byte_size.h"
#include "base/time/durations.h"

namespace picortex {
namespace {

constexpr std::int64_t kSizeMin = 1024;
constexpr std::int64_t kSizeMax = std::int64_t{1} << 50;
constexpr DurationUnit kBudgetUnits[] = {{"m", kMinuteMs}, {"h", kHourMs}, {"d", kDayMs}};

std::string window_text(std::int64_t window_ms) {
  for (const auto& [unit_ms, suffix] :
       {std::pair{kDayMs, "d"}, std::pair{kHourMs, "h"}, std::pair{kMinuteMs, "m"}}) {
    if (window_ms % unit_ms == 0) return std::to_string(window_ms / unit_ms) + suffix;
  }
  return std::to_string(window_ms) + "ms";
}

}  // namespace

const char* add_upload(std::string_view text, UploadBudget& budget) noexcept {
  if (text == "unlimited") {
    if (budget.is_given()) return "upload=unlimited stands alone";
    budget.is_unlimited = true;
    return nullptr;
  }
  if (budget.is_unlimited) return "upload=unlimited stands alone";
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return "upload= needs a size and a window, such as 20M/1h or 1M/conn";
  const auto size = parse_byte_size(text.substr(0, slash));
  if (!size || *size < kSizeMin || *size > kSizeMax) {
    return "the size of upload= is not a number with K, M, G or T from 1K to 1024T";
  }
  const std::string_view per = text.substr(slash + 1);
  if (per == "conn") {
    if (budget.connection_bytes != 0) return "two budgets for a connection: give one";
    budget.connection_bytes = *size;
    return nullptr;
  }
  const auto window_ms = parse_duration(per, kBudgetUnits, kMinuteMs, 30 * kDayMs);
  if (!window_ms) return "the window of upload= is neither conn nor a time from 1m to 30d";
  if (budget.window_bytes != 0) return "two budgets with a window: give one";
  budget.window_bytes = *size;
  budget.window_ms = *window_ms;
  return nullptr;
}

std::string window_limit_text(const UploadBudget& budget) {
  if (budget.window_bytes == 0) return {};
  return byte_size_text(budget.window_bytes) + '/' + window_text(budget.window_ms);
}

std::string connection_limit_text(const UploadBudget& budget) {
  if (budget.connection_bytes == 0) return {};
  return byte_size_text(budget.connection_bytes) + "/conn";
}

std::string upload_text(const UploadBudget& budget) {
  if (budget.is_unlimited) return "unlimited";
  std::string text = window_limit_text(budget);
  const std::string share = connection_limit_text(budget);
  if (!text.empty() && !share.empty()) text += ',';
  return text + share;
}

}  // namespace picortex
