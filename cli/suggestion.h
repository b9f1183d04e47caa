#pragma once

#include <span>
#include <string>
#include <string_view>

namespace picortex {

// Returns the name that `text` probably means: the one that begins with it, or the nearest by
// missing, wrong, added or swapped letters, at most a third of them. Returns an empty text if none
// is near.
std::string nearest_name(std::string_view text, std::span<const std::string> names);

}  // namespace picortex
