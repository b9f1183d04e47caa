#include "handlers/media_type.h"

#include <strings.h>

namespace picortex {

bool is_media_type(std::string_view content_type, std::string_view type) noexcept {
  std::string_view essence = content_type.substr(0, content_type.find(';'));
  while (!essence.empty() && (essence.back() == ' ' || essence.back() == '\t')) {
    essence.remove_suffix(1);
  }
  return essence.size() == type.size() &&
         strncasecmp(essence.data(), type.data(), type.size()) == 0;
}

}  // namespace picortex
