#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace picortex {

// The whole numbers from `min` to `max`, both included. {0, 0}: the value is no number.
struct NumberRange {
  std::uint32_t min = 0;
  std::uint32_t max = 0;

  constexpr bool is_given() const noexcept { return max != 0; }
};

// Declares one option in its three forms: a flag, an environment variable and a line of the config
// file, which has the variable's name. Everything that says something about options is made from
// these declarations: parsing, errors, --help, what a reload takes up, the reference page and
// picortex.conf(5).
struct Option {
  enum class Kind : std::uint8_t {
    single,
    list,    // comma-separated, or the flag is repeated
    toggle,  // a flag without a value; true or false elsewhere
  };
  // When a changed value of the config file takes effect.
  enum class Reload : std::uint8_t {
    restart,   // at the next start
    at_once,   // at SIGHUP
    while_on,  // at SIGHUP, if the option has a value both before and after
  };

  std::string_view flag;
  std::string_view variable;
  std::string_view placeholder;  // the value's name in the help; empty for a toggle
  std::string_view fallback;     // the default; empty: none
  std::string_view meaning;      // what it is, with the unit of a number
  std::string_view allowed =
      {};  // completes "… is not allowed: give "; empty: see allowed_values()
  Kind kind = Kind::single;
  bool is_secret = false;  // never show its value in a message
  NumberRange range = {};
  Reload reload = Reload::restart;
  std::string_view fallback_text = {};  // what happens by default, if `fallback` does not say it
  std::string_view example = {};        // a value
  std::string_view see = {};            // a page below docs/, without its ending
};

// Returns the values that the option takes, in words.
std::string allowed_values(const Option& option);

// Returns the default in words; empty if there is none and nothing is to be said of that.
std::string_view default_text(const Option& option) noexcept;

}  // namespace picortex
