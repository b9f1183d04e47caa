#include "daemon/config/settings.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/parse.h"
#include "base/terminal.h"

namespace picortex {
namespace {

std::string_view trim_spaces(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string join(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    if (&value != &values.front()) text += ',';
    text += value;
  }
  return text;
}

std::optional<bool> parse_toggle(std::string_view text) noexcept {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

}  // namespace

Environment read_environment(const char* const* block) {
  Environment environment;
  for (; *block != nullptr; ++block) {
    const std::string_view entry = *block;
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    environment.try_emplace(std::string(entry.substr(0, equals)), entry.substr(equals + 1));
  }
  return environment;
}

Settings::Settings(FlagValues flags, Environment environment, ConfigLines file,
                   std::string file_name)
    : flags_(std::move(flags)),
      environment_(std::move(environment)),
      file_(std::move(file)),
      file_name_(std::move(file_name)) {}

Settings::Found Settings::find(const Option& option) const {
  if (const auto flag = flags_.find(option.variable); flag != flags_.end()) {
    return {join(flag->second), "flag"};
  }
  if (const auto variable = environment_.find(option.variable);
      variable != environment_.end() && !variable->second.empty()) {
    return {variable->second, "environment variable " + variable->first};
  }
  if (const auto line = file_.find(option.variable); line != file_.end()) {
    return {line->second.value, file_name_ + ':' + std::to_string(line->second.number)};
  }
  return {std::string(option.fallback), "default", true};
}

std::vector<std::string> Settings::texts_of(const Option& option) const {
  if (const auto flag = flags_.find(option.variable); flag != flags_.end()) return flag->second;
  std::vector<std::string> texts;
  const Found found = find(option);
  for (std::string_view rest = found.text; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (const std::string_view text = trim_spaces(part); !text.empty()) texts.emplace_back(text);
  }
  return texts;
}

void Settings::reject(const Option& option, const Found& found, std::string_view value,
                      std::string_view reason) {
  if (error_) return;
  error_ = Error{std::string(option.flag) + " (" + found.origin +
                 "): " + (option.is_secret ? "this secret" : display(value)) + " is not allowed" +
                 (reason.empty() ? "" : ", since " + std::string(reason)) + ": give " +
                 allowed_values(option)};
}

std::vector<std::string_view> Settings::split(std::string_view text) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(trim_spaces(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::uint32_t Settings::number(const Option& option) {
  CHECK(option.range.is_given());
  return one(option, [range = option.range](std::string_view text) {
    auto value = parse_whole<std::uint32_t>(text);
    if (value && (*value < range.min || *value > range.max)) value.reset();
    return value;
  });
}

std::string_view Settings::environment_variable(std::string_view name) const {
  const auto variable = environment_.find(name);
  return variable == environment_.end() ? std::string_view() : variable->second;
}

Result<Settings> Settings::read_again() const {
  return resolve_settings(flags_, environment_, false);
}

bool Settings::toggle(const Option& option) { return one(option, parse_toggle); }

Result<Settings> resolve_settings(FlagValues flags, Environment environment, bool skip_unreadable) {
  Settings places(flags, environment, {}, {});
  const bool is_named = places.is_given(kConfig);
  std::string path = places.one(kConfig, [](std::string_view text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
  });
  if (places.error()) return std::unexpected(*places.error());
  auto lines = read_config_file(path);
  if (!lines) {
    const int code = lines.error().code;
    const bool is_absent = code == ENOENT || code == ENOTDIR || (skip_unreadable && code == EACCES);
    if (is_named || !is_absent) return std::unexpected(lines.error());
    lines.emplace();
  }
  return Settings(std::move(flags), std::move(environment), *std::move(lines), std::move(path));
}

}  // namespace picortex
