#include "daemon/config/options.h"

#include <algorithm>

namespace picortex {

bool is_config_variable(std::string_view name) noexcept {
  static constexpr std::span<const Option* const> kCommands[] = {
      kServeOptions,          kHealthOptions,      kDoctorOptions,      kRunOptions,
      kEmitOptions,           kLogsOptions,        kStatsOptions,       kChatsOptions,
      kErrorsOptions,         kWhyOptions,         kTurnsOptions,       kClaudeOptions,
      kForgetOptions,         kShipOptions,        kShipInitOptions,    kTerminalOptions,
      kTokenCreateOptions,    kEgressRulesOptions, kEgressAllowOptions, kEgressListOptions,
      kEgressSelftestOptions, kEgressTestOptions};
  return std::ranges::any_of(kCommands, [name](std::span<const Option* const> options) {
    return std::ranges::any_of(options,
                               [name](const Option* option) { return option->variable == name; });
  });
}

}  // namespace picortex
