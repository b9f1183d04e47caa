#include "cli/options.h"

#include <algorithm>

namespace picortex {

bool is_config_variable(std::string_view name) noexcept {
  const auto bears = [name](const Option* option) { return option->variable == name; };
  return std::ranges::any_of(kServeOptions, bears) || std::ranges::any_of(kHealthOptions, bears) ||
         std::ranges::any_of(kRunOptions, bears) || std::ranges::any_of(kLogsOptions, bears) ||
         std::ranges::any_of(kWhyOptions, bears) ||
         std::ranges::any_of(kEgressRulesOptions, bears) ||
         std::ranges::any_of(kEgressAllowOptions, bears) ||
         std::ranges::any_of(kEgressSelftestOptions, bears);
}

}  // namespace picortex
