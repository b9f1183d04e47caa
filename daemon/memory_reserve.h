#pragma once

#include <cstddef>

namespace picortex {

// Address space that is reserved for the moment at which the heap cannot grow (RLIMIT_AS, strict
// overcommit). The std::new_handler releases it and lets the allocation be tried again, so that the
// iteration of the loop that met the shortage can end normally; the owner then sheds load and takes
// the reserve again. A second shortage before that ends the process with one line and exit status
// 1.
//
// One for each process: the handler of the language has no argument, hence the state is static.
class MemoryReserve {
 public:
  // Enough for the allocations of one iteration.
  static constexpr std::size_t kSize = 8 * 1024 * 1024;

  // Takes the reserve and installs the handler. If there is no room for it, a shortage ends the
  // process at once.
  MemoryReserve() noexcept;
  ~MemoryReserve();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

  // False once the handler has released it.
  bool is_whole() const noexcept;
  // Takes it again; returns false while there is still no memory.
  bool refill() noexcept;
};

// A std::new_handler without a reserve: prints one line on stderr and exits with status 1.
[[noreturn]] void end_without_memory() noexcept;

}  // namespace picortex
