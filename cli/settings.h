#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/config_file.h"
#include "cli/options.h"

namespace picortex {

// The variables of the environment, by name.
using Environment = std::map<std::string, std::string, std::less<>>;

// `block` as environ(7) has it. Of a name that comes twice the first counts, as with getenv(3).
Environment read_environment(const char* const* block);

// What the flags gave, by variable name; several values only for a list.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;

// The settings of one subcommand: for each option the flag, else the variable (an empty one counts
// as unset), else the line of the config file, else the default. The typed getters remember the
// first value that is not allowed: read everything, then ask error().
class Settings {
 public:
  Settings(FlagValues flags, Environment environment, ConfigLines file, std::string file_name);

  // True when something gave the option a value.
  bool is_given(const Option& option) const { return !find(option).is_default; }

  // `parse` takes a string_view and answers an optional of the value.
  template <class Parse>
  auto one(const Option& option, Parse parse) {
    const Found found = find(option);
    auto value = parse(found.text);
    if (!value) refuse(option, found, found.text);
    return value ? *std::move(value) : decltype(*std::move(value)){};
  }

  // Each part between commas, blanks around it removed. An option that has a default cannot be
  // empty. `parse` may also answer a Result, whose error says why.
  template <class Parse>
  auto list(const Option& option, Parse parse) {
    std::vector<typename decltype(parse(std::string_view{}))::value_type> values;
    const Found found = find(option);
    if (found.text.empty() && !option.fallback.empty()) refuse(option, found, found.text);
    for (const std::string_view part : split(found.text)) {
      auto value = parse(part);
      if (!value) {
        refuse(option, found, part, reason_of(value));
        break;
      }
      values.push_back(*std::move(value));
    }
    return values;
  }

  std::uint32_t number(const Option& option, std::uint32_t min, std::uint32_t max);
  bool toggle(const Option& option);

  // The same flags and variables, with the config file as it is now.
  Result<Settings> read_again() const;
  // Whether an option has another value than in `other`.
  bool differs_in(const Option& option, const Settings& other) const {
    return find(option).text != other.find(option).text;
  }

  // A variable that is no option; empty when it is unset.
  std::string_view environment_variable(std::string_view name) const;

  // One line that names the option, where its value came from, the value, and what is allowed.
  const std::optional<Error>& error() const noexcept { return error_; }

 private:
  struct Found {
    std::string text;
    std::string origin;  // "flag", "environment variable X", "file:line"
    bool is_default = false;
  };

  Found find(const Option& option) const;
  void refuse(const Option& option, const Found& found, std::string_view value,
              std::string_view reason = {});
  template <class Value>
  static std::string_view reason_of(const std::optional<Value>&) {
    return {};
  }
  template <class Value>
  static std::string_view reason_of(const Result<Value>& result) {
    return result.error().what;
  }
  static std::vector<std::string_view> split(std::string_view text);

  FlagValues flags_;
  Environment environment_;
  ConfigLines file_;
  std::string file_name_;
  std::optional<Error> error_;
};

// The config file that --config or PICORTEX_CONFIG names, else the default one when it exists. With
// `skip_unreadable` a default file that this user may not read counts as absent: the daemon's file
// may be closed to the users of its clients.
Result<Settings> resolve_settings(FlagValues flags, Environment environment, bool skip_unreadable);

}  // namespace picortex
