#pragma once

#include <string>

namespace picortex {

// The pages that are made from the declarations of options.h. A unit test compares the committed
// files with them; the target `reference` writes them again.

// docs/reference/configuration.md
std::string configuration_page();

// picortex.conf(5), in the macros of man(7)
std::string configuration_man_page();

}  // namespace picortex
