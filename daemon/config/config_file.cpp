#include "daemon/config/config_file.h"

#include <algorithm>
#include <optional>

#include "base/read_file.h"
#include "base/terminal.h"
#include "daemon/config/options.h"

namespace picortex {
namespace {

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Returns the content of a double-quoted value; nothing if a quote in it, or the last one, is
// escaped wrongly.
std::optional<std::string> unescape(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return std::nullopt;
    if (text[i] == '\\') {
      if (i + 1 == text.size()) return std::nullopt;
      if (text[i + 1] == '"' || text[i + 1] == '\\') ++i;
    }
    value += text[i];
  }
  return value;
}

std::optional<std::string> unquote(std::string_view text) {
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) return std::string(text);
  if (text.size() < 2 || text.back() != text.front()) return std::nullopt;
  const std::string_view inner = text.substr(1, text.size() - 2);
  if (text.front() == '"') return unescape(inner);
  if (inner.find('\'') != std::string_view::npos) return std::nullopt;
  return std::string(inner);
}

bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// Adds the setting of one line. Returns what is wrong with the line; empty if it is valid.
std::string add_line(ConfigLines& lines, std::string_view line, int number) {
  line = trim(line);
  if (line.empty() || line.front() == '#' || line.front() == ';') return {};
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return display(line) + " is not a NAME=value line";
  const std::string_view name = line.substr(0, equals);
  if (!is_config_variable(name)) return display(name) + " is not the name of an option";
  if (has_control(line)) return std::string(name) + " holds a control character";
  if (line.back() == '\\')
    return std::string(name) + " ends in a backslash: continuation lines are not supported";
  auto value = unquote(trim(line.substr(equals + 1)));
  if (!value) return std::string(name) + " has a quote without its pair";
  const auto [at, is_new] = lines.try_emplace(std::string(name), ConfigLine{*value, number});
  if (!is_new) {
    return std::string(name) + " is set in line " + std::to_string(at->second.number) + " already";
  }
  return {};
}

}  // namespace

Result<ConfigLines> parse_config(std::string_view text, const std::string& name) {
  ConfigLines lines;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (const std::string wrong = add_line(lines, line, number); !wrong.empty()) {
      return failure(name + ':' + std::to_string(number) + ": " + wrong);
    }
  }
  std::erase_if(lines, [](const auto& line) { return line.second.value.empty(); });
  return lines;
}

Result<ConfigLines> read_config_file(const std::string& path) {
  const auto text = read_small_file(path, kConfigSizeMax);
  if (!text) return std::unexpected(text.error());
  return parse_config(*text, path);
}

}  // namespace picortex
