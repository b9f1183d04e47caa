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

// By the variable's name. A line without a value (`NAME=`) is left out: it counts as not given.
using ConfigLines = std::map<std::string, ConfigLine, std::less<>>;

inline constexpr std::size_t kConfigSizeMax = 64 * 1024;

// Reads `NAME=value` lines in the style of systemd's EnvironmentFile: blank lines and lines that
// begin with # or ; are skipped, spaces around the value fall away, and '…' or "…" around it is
// removed (in double quotes a backslash stands before " and \). Refused, with `name`:line: what is
// no such line, a name that is no option's or comes twice, a continued line, a control character.
Result<ConfigLines> parse_config(std::string_view text, const std::string& name);

// Reads and parses the file. `code` of the error is the errno when it could not be read.
Result<ConfigLines> read_config_file(const std::string& path);

}  // namespace picortex
