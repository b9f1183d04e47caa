#pragma once

#include <zstd.h>

#include <memory>
#include <new>

namespace picortex {

struct ZstdFree {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_CDict* dictionary) const noexcept { ZSTD_freeCDict(dictionary); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  void operator()(ZSTD_DDict* dictionary) const noexcept { ZSTD_freeDDict(dictionary); }
};

template <class Object>
using ZstdHandle = std::unique_ptr<Object, ZstdFree>;

// Takes a new context. Throws std::bad_alloc for null.
template <class Context>
ZstdHandle<Context> own_context(Context* made) {
  if (made == nullptr) throw std::bad_alloc();
  return ZstdHandle<Context>(made);
}

}  // namespace picortex
