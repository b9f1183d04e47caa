#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json/document.h"

namespace picortex {

// A body as the HTTP side passes it on: writable, followed by kJsonPadding bytes.
class PaddedBody {
 public:
  explicit PaddedBody(std::string_view text) : bytes_(text), size_(text.size()) {
    bytes_.append(kJsonPadding, '\0');
  }

  std::span<char> bytes() { return {bytes_.data(), size_}; }

 private:
  std::string bytes_;
  std::size_t size_;
};

}  // namespace picortex
