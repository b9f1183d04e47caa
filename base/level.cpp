#include "base/level.h"

#include <strings.h>

#include <array>
#include <utility>

namespace picortex {
namespace {

constexpr std::array<std::pair<Level, std::string_view>, 6> kLevels{{{Level::trace, "trace"},
                                                                     {Level::debug, "debug"},
                                                                     {Level::info, "info"},
                                                                     {Level::warn, "warn"},
                                                                     {Level::error, "error"},
                                                                     {Level::fatal, "fatal"}}};

}  // namespace

std::string_view level_label(Level level) noexcept {
  return kLevels[static_cast<std::size_t>(level) / 10 - 1].second;
}

std::optional<Level> parse_level(std::string_view label) noexcept {
  for (const auto& [level, name] : kLevels) {
    if (name.size() == label.size() && strncasecmp(name.data(), label.data(), name.size()) == 0) {
      return level;
    }
  }
  return std::nullopt;
}

std::optional<Level> level_of_number(std::int64_t number) noexcept {
  if (number < 1 || number > 100) return std::nullopt;
  if (number < 10) return Level::trace;
  if (number > 60) return Level::fatal;
  return static_cast<Level>(number / 10 * 10);
}

}  // namespace picortex
