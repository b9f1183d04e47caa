#pragma once

#include <string>
#include <string_view>

namespace picortex {

// `text` in double quotes as a person may see it: on one line, cut at 200 bytes, without anything
// that a terminal would act on. For what came from outside.
std::string display(std::string_view text);

// Whether colours go to stdout: it is a terminal, and NO_COLOR is unset or empty.
bool stdout_is_coloured();

}  // namespace picortex
