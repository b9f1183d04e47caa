#include "cli/display.h"

#include "base/json_text.h"

namespace picortex {

std::string display(std::string_view text) {
  constexpr std::size_t kShown = 200;
  std::string out;
  append_json_string(out, text.substr(0, kShown));
  if (text.size() > kShown) out += "…";
  return out;
}

}  // namespace picortex
