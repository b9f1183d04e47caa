#include "base/level.h"

#include <array>
#include <utility>

#include "base/ascii.h"

namespace picortex {
namespace {

constexpr std::array<std::pair<Level, std::string_view>, 6> kLevels{{{Level::trace, "trace"},
                                                                     {Level::debug, "debug"},
                                                                     {Level::info, "info"},
                                                                     {Level::warn, "warn"},
                                                                     {Level::error, "error"},
                                                                     {Level::fatal, "fatal"}}};

// The names that syslog, Python, Java and other loggers use.
constexpr std::pair<Level, std::string_view> kAliases[] = {
    {Level::trace, "verbose"},      {Level::trace, "silly"},  {Level::trace, "finest"},
    {Level::debug, "fine"},         {Level::info, "notice"},  {Level::info, "information"},
    {Level::info, "informational"}, {Level::info, "http"},    {Level::warn, "warning"},
    {Level::error, "err"},          {Level::error, "severe"}, {Level::fatal, "critical"},
    {Level::fatal, "crit"},         {Level::fatal, "alert"},  {Level::fatal, "emerg"},
    {Level::fatal, "emergency"},    {Level::fatal, "panic"}};

}  // namespace

std::string_view level_label(Level level) noexcept {
  return kLevels[static_cast<std::size_t>(level) / 10 - 1].second;
}

std::optional<Level> parse_level(std::string_view label) noexcept {
  for (const auto& [level, name] : kLevels) {
    if (equals_ignoring_case(name, label)) return level;
  }
  return std::nullopt;
}

std::optional<Level> parse_level_or_alias(std::string_view label) noexcept {
  if (const auto level = parse_level(label)) return level;
  for (const auto& [level, name] : kAliases) {
    if (equals_ignoring_case(name, label)) return level;
  }
  return std::nullopt;
}

std::optional<Level> level_of_number(std::int64_t number) noexcept {
  if (number < 0 || number > 100) return std::nullopt;
  if (number == 0) return Level::fatal;
  if (number < 10) return Level::trace;
  if (number > 60) return Level::fatal;
  return static_cast<Level>(number / 10 * 10);
}

}  // namespace picortex
