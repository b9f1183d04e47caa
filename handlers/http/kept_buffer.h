#pragma once

#include <cstddef>
#include <string>

namespace picortex::http {

// What a buffer may keep from one request to the next: enough for nearly all, so that they allocate
// nothing, and little enough for thousands of clients.
inline constexpr std::size_t kKeptCapacity = 16 * 1024;

// Empties `buffer`, and gives back what it should not keep.
inline void empty_buffer(std::string& buffer) noexcept {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacity) std::string().swap(buffer);
}

// The memory that is accounted for. A large buffer counts whole, as the heap does.
inline std::size_t size_held(const std::string& buffer) noexcept {
  return buffer.capacity() > kKeptCapacity ? buffer.capacity() : buffer.size();
}

}  // namespace picortex::http
