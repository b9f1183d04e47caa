#pragma once

#include <string>
#include <string_view>

namespace picortex {

// Returns why a rule allows more than a person is likely to intend: names below a public suffix
// (publicsuffix.org), where anybody may register one, or a large part of the internet. Returns an
// empty text otherwise. `pattern` must be one valid rule.
std::string width_warning(std::string_view pattern);

}  // namespace picortex
