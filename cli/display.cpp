#include "cli/display.h"

#include <unistd.h>

#include <cstdlib>

#include "base/json_text.h"

namespace picortex {

std::string display(std::string_view text) {
  constexpr std::size_t kShown = 200;
  std::string out;
  append_json_string(out, text.substr(0, kShown));
  if (text.size() > kShown) out += "…";
  return out;
}

bool stdout_is_coloured() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace picortex
