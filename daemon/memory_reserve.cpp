#include "daemon/memory_reserve.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

namespace picortex {
namespace {

void* reserve = nullptr;  // never touched, so it costs only address space

void give_reserve_up() {
  if (reserve == nullptr) end_without_memory();
  munmap(reserve, MemoryReserve::kSize);
  reserve = nullptr;
}

}  // namespace

void end_without_memory() noexcept {
  constexpr char kText[] = "picortex: out of memory; raise the limit (ulimit -v, LimitAS=)\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText, sizeof kText - 1);
  _exit(EXIT_FAILURE);
}

MemoryReserve::MemoryReserve() noexcept {
  refill();
  std::set_new_handler(give_reserve_up);
}

MemoryReserve::~MemoryReserve() {
  std::set_new_handler(end_without_memory);
  if (reserve != nullptr) munmap(reserve, kSize);
  reserve = nullptr;
}

bool MemoryReserve::is_whole() const noexcept { return reserve != nullptr; }

bool MemoryReserve::refill() noexcept {
  if (reserve != nullptr) return true;
  void* mapping = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return false;
  reserve = mapping;
  return true;
}

}  // namespace picortex
