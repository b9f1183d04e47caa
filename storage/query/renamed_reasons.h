#pragma once

#include <string>
#include <string_view>

namespace picortex {

// Reason codes and outcomes of the fence's events that earlier versions stored under other names.
// Databases keep what was stored; every reader shows the current names.

// Returns the current name, or `reason` itself if it was not renamed.
std::string_view current_reason(std::string_view reason) noexcept;

// Renames the members `reason` and `outcome` in the data of one of the fence's events; other types
// keep theirs.
void rename_reason(std::string_view event_type, std::string& data);

}  // namespace picortex
