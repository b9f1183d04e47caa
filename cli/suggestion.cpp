#include "cli/suggestion.h"

#include <algorithm>
#include <vector>

namespace picortex {
namespace {

constexpr std::size_t kTextSizeMax = 32;

// Counts the letters that must be added, removed, replaced or swapped with their neighbour (optimal
// string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string nearest_name(std::string_view text, std::span<const std::string> names) {
  if (text.empty() || text.size() > kTextSizeMax) return {};
  std::string nearest;
  std::size_t least = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string& name : names) {
    const bool is_beginning = text.size() >= 2 && name.starts_with(text);
    const std::size_t far = is_beginning ? 0 : distance(text, name);
    if (far >= least) continue;
    least = far;
    nearest = name;
  }
  return nearest;
}

}  // namespace picortex
