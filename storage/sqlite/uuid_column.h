#pragma once

#include <algorithm>
#include <string_view>

#include "base/uuid/uuid.h"

namespace picortex {

// The UUID that a column's bytes are. Of another number of bytes, which only a damaged database has,
// it is some UUID.
inline Uuid uuid_of(std::string_view bytes) noexcept {
  Uuid uuid;
  std::copy_n(bytes.begin(), std::min(bytes.size(), uuid.bytes.size()), uuid.bytes.begin());
  return uuid;
}

}  // namespace picortex
