#include "tests/support/allocation_counter.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::uint64_t count = 0;  // of the one thread that the tests have

}  // namespace

namespace picortex::test {

std::uint64_t allocations() noexcept { return count; }

}  // namespace picortex::test

// glibc's own, under the names that it keeps for those who replace malloc.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t items, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) {
  ++count;
  return __libc_malloc(size);
}

void* calloc(std::size_t items, std::size_t size) {
  ++count;
  return __libc_calloc(items, size);
}

void* realloc(void* block, std::size_t size) {
  ++count;
  return __libc_realloc(block, size);
}

void free(void* block) { __libc_free(block); }

}  // extern "C"

void* operator new(std::size_t size) {
  if (void* block = malloc(size)) return block;
  throw std::bad_alloc();
}

void operator delete(void* block) noexcept { free(block); }
void operator delete(void* block, std::size_t) noexcept { free(block); }
