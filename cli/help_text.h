#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace picortex {

// The width to which --help is wrapped: the terminal's, or $COLUMNS; 0, which means not at all, if
// stdout is no terminal and COLUMNS is not set.
std::size_t help_width();

// Breaks the lines of a help text between words, so that none is longer than `width` where that is
// possible. The rest of an option's line is indented as its meaning is; of any other, as the line.
std::string wrapped_help(std::string_view help, std::size_t width);

// The examples of a command, such as "egress allow", each on a line of its own: they follow the
// options in its help. "" has those of the program itself.
std::string_view examples_of(std::string_view command);

}  // namespace picortex
