#pragma once

#include <string>
#include <string_view>

namespace picortex {

// Returns `text` in double quotes for people: on one line, cut at 200 bytes, without anything that
// a terminal would act on. For text from outside.
std::string display(std::string_view text);

// Returns `text` as one word of a shell, in single quotes where it needs any. Control and non-ASCII
// bytes become $'…' escapes (bash(1)), so that the word can be shown on a terminal and pasted.
std::string shell_word(std::string_view text);

// Returns whether a terminal with these values of TERM and NO_COLOR, each null if unset, gets
// colours: TERM names a terminal that is not dumb, and NO_COLOR is unset or empty.
bool takes_colours(const char* term, const char* no_color) noexcept;

// Returns whether stdout gets colours: as the variable PICORTEX_COLOR says, which --color sets
// (always, never), else if it is a terminal that supports them, according to the environment.
bool stdout_is_coloured();

// What turns a terminal's colour on, and kPlain off again (ECMA-48, section 8.3.117).
inline constexpr std::string_view kBold = "\x1b[1m";
inline constexpr std::string_view kDim = "\x1b[2m";
inline constexpr std::string_view kRed = "\x1b[31m";
inline constexpr std::string_view kGreen = "\x1b[32m";
inline constexpr std::string_view kYellow = "\x1b[33m";
inline constexpr std::string_view kPlain = "\x1b[0m";

// Prints one line for the operator to stderr: "picortex: logs: …", or without the command if that
// is empty. What came from outside must have been through display().
void print_notice(std::string_view command, std::string_view what);
// Prints the line of a command that has failed, and returns its exit status.
int print_error(std::string_view command, std::string_view what, int exit_status = 1);

}  // namespace picortex
