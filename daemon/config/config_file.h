#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// One value of a config file and the line that gave it, counted from 1.
struct ConfigLine {
  std::string value;
  int number = 0;
};

// Keyed by the variable's name. A line without a value (`NAME=`) is omitted, which means not given.
using ConfigLines = std::map<std::string, ConfigLine, std::less<>>;

inline constexpr std::size_t kConfigSizeMax = 64 * 1024;

// Reads `NAME=value` lines in the style of systemd's EnvironmentFile: skips blank lines and lines
// that begin with # or ;, strips blanks around the value, and removes '…' or "…" around it (within
// double quotes a backslash precedes " and \). Rejects, with `name`:line, anything that is no such
// line, a name that is unknown or occurs twice, a continued line, and control characters.
Result<ConfigLines> parse_config(std::string_view text, const std::string& name);

// Reads and parses the file. The error's `code` is the errno if it could not be read.
Result<ConfigLines> read_config_file(const std::string& path);

}  // namespace picortex
