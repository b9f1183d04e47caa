#pragma once

#include <cstddef>
#include <span>

namespace picortex {

// Fills `bytes` from getrandom(2), or from /dev/urandom if a seccomp filter forbids that call. If
// neither works, ends the process with one line and exit status 1: nothing that needs random
// numbers (tokens, identifiers, keys of hash tables) can work without them.
void fill_random(std::span<std::byte> bytes) noexcept;

}  // namespace picortex
