#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemon/config/config_file.h"
#include "daemon/config/options.h"

namespace picortex {

// The variables of the environment, by name.
using Environment = std::map<std::string, std::string, std::less<>>;

// Reads a block in the form of environ(7). The first of two variables with one name counts, as with
// getenv(3).
Environment read_environment(const char* const* block);

// Values of flags by variable name; several values only for a list.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;

// The settings of one subcommand: for each option its flag, else its variable (an empty one counts
// as unset), else its line of the config file, else its default. The typed getters remember the
// first invalid value: read everything, then call error().
class Settings {
 public:
  Settings(FlagValues flags, Environment environment, ConfigLines file, std::string file_name);

  // True if the option was given in any form.
  bool is_given(const Option& option) const { return !find(option).is_default; }

  // `parse` takes a string_view and returns an optional value.
  template <class Parse>
  auto one(const Option& option, Parse parse) {
    const Found found = find(option);
    auto value = parse(found.text);
    if (!value) reject(option, found, found.text);
    return value ? *std::move(value) : decltype(*std::move(value)){};
  }

  // Returns the parts between commas, without blanks around them. An option that has a default
  // cannot be empty. `parse` may also return a Result, whose error explains the problem.
  template <class Parse>
  auto list(const Option& option, Parse parse) {
    std::vector<typename decltype(parse(std::string_view{}))::value_type> values;
    const Found found = find(option);
    if (found.text.empty() && !option.fallback.empty()) reject(option, found, found.text);
    for (const std::string_view part : split(found.text)) {
      auto value = parse(part);
      if (!value) {
        reject(option, found, part, reason_of(value));
        break;
      }
      values.push_back(*std::move(value));
    }
    return values;
  }

  // A list whose values may have commas: each flag's value as it is; of a variable or a line, what
  // stands between semicolons. `parse` answers a Result, whose error is a sentence.
  template <class Parse>
  auto each(const Option& option, Parse parse) {
    std::vector<typename decltype(parse(std::string_view{}))::value_type> values;
    for (const std::string& text : texts_of(option)) {
      auto value = parse(text);
      if (!value) {
        if (!error_) error_ = Error{std::string(option.flag) + ": " + value.error().what};
        break;
      }
      values.push_back(*std::move(value));
    }
    return values;
  }

  // Of an option with a range.
  std::uint32_t number(const Option& option);
  bool toggle(const Option& option);

  // Reads the config file again, with the same flags and variables.
  Result<Settings> read_again() const;
  // Returns whether an option has a different value in `other`.
  bool differs_in(const Option& option, const Settings& other) const {
    return find(option).text != other.find(option).text;
  }

  // Returns a variable that is not an option; empty if it is unset.
  std::string_view environment_variable(std::string_view name) const;

  // One line that names the option, the origin of its value, the value, and what is allowed.
  const std::optional<Error>& error() const noexcept { return error_; }

 private:
  struct Found {
    std::string text;
    std::string origin;  // "flag", "environment variable X", "file:line"
    bool is_default = false;
  };

  Found find(const Option& option) const;
  std::vector<std::string> texts_of(const Option& option) const;
  void reject(const Option& option, const Found& found, std::string_view value,
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

// Reads the config file that --config or PICORTEX_CONFIG names, else the default one if it exists.
// With `skip_unreadable`, a default file that this user may not read counts as absent: the daemon's
// file may be closed to its clients' users.
Result<Settings> resolve_settings(FlagValues flags, Environment environment, bool skip_unreadable);

}  // namespace picortex
