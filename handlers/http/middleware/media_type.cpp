#include "handlers/http/middleware/media_type.h"

#include "base/ascii.h"
#include "base/text.h"

namespace picortex {

bool is_media_type(std::string_view content_type, std::string_view type) noexcept {
  const std::string_view essence = content_type.substr(0, content_type.find(';'));
  return equals_ignoring_case(trimmed(essence), type);
}

}  // namespace picortex
