#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace picortex {

// Returns the trusted name that `name` could be mistaken for; empty if there is none, or if it is
// or is below a trusted name. A name can be mistaken if it differs by one character or by two
// neighbours swapped, by characters that look the same (0 and o, 1 and l, rn and m), or if it
// contains a trusted name ("github.com.evil.test", "github.com-login.test").
std::string_view resembled(std::string_view name, const std::vector<std::string>& trusted);

}  // namespace picortex
