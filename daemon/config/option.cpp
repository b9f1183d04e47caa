#include "daemon/config/option.h"

namespace picortex {

std::string allowed_values(const Option& option) {
  if (!option.allowed.empty()) return std::string(option.allowed);
  if (option.kind == Option::Kind::toggle) return "true or 1, false or 0";
  return "a whole number from " + std::to_string(option.range.min) + " to " +
         std::to_string(option.range.max);
}

std::string_view default_text(const Option& option) noexcept {
  return option.fallback_text.empty() ? option.fallback : option.fallback_text;
}

}  // namespace picortex
