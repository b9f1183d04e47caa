#pragma once

#include <span>
#include <string>
#include <string_view>

#include "handlers/json/document.h"

namespace picortex {

// A body as the HTTP side hands it on: alterable, with kJsonPadding bytes behind it.
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
