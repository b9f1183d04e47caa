#include "cli/output/chart.h"

#include <algorithm>

namespace picortex {

std::string bar(std::int64_t number, std::int64_t largest, int width) {
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string out;
  if (number <= 0 || largest <= 0) return out;
  const double share = static_cast<double>(number) / static_cast<double>(largest);
  const int eighths = std::clamp(static_cast<int>(share * width * 8 + 0.5), 1, width * 8);
  for (int i = 0; i < eighths / 8; ++i) out += "█";
  return out + kEighths[eighths % 8];
}

}  // namespace picortex
