#include "cli/terminal_options.h"

#include <cstdlib>
#include <utility>

namespace picortex {
namespace {

// What people type often.
constexpr std::pair<std::string_view, std::string_view> kShortFlags[] = {{"--follow", "-f"},
                                                                         {"--limit", "-n"}};

// Children do not need a variable that says what is so anyway.
void set_variable(const Option& option, const char* value) {
  const std::string name(option.variable);
  if (value == nullptr) {
    unsetenv(name.c_str());
  } else {
    setenv(name.c_str(), value, 1);
  }
}

std::optional<std::string> parse_colour_use(std::string_view text) {
  if (text != "auto" && text != "always" && text != "never") return std::nullopt;
  return std::string(text);
}

}  // namespace

void read_terminal(Settings& settings) {
  const std::string use = settings.one(kColor, parse_colour_use);
  set_variable(kColor, use == "auto" ? nullptr : use.c_str());
  set_variable(kNoPager, settings.toggle(kNoPager) ? "true" : nullptr);
}

std::string flag_names(const Option& option) {
  for (const auto& [flag, short_flag] : kShortFlags) {
    if (flag == option.flag) return std::string(short_flag) + ',' + std::string(flag);
  }
  return std::string(option.flag);
}

}  // namespace picortex
