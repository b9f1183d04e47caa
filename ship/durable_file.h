#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

enum class Synced { yes, no };

// Replaces a file as a whole: after a crash at any moment it has its old content or the pieces of the
// new one. With Synced::yes also after a power cut, from the return on. Only its user may read it.
Result<void> replace_file(const std::string& path, std::initializer_list<std::string_view> pieces,
                          Synced synced);

// Deletes a file if it is there.
Result<void> remove_file(const std::string& path);

// Appends a line to a file, unless that would make it larger than `size_max`.
Result<void> append_line(const std::string& path, std::string_view line, std::size_t size_max);

}  // namespace picortex
