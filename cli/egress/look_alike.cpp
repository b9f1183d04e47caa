#include "cli/egress/look_alike.h"

#include <algorithm>
#include <utility>

namespace picortex {
namespace {

// Shorter names are within one edit of too many others.
constexpr std::size_t kSizeMin = 5;

// Returns the name with characters that look alike replaced by one of them.
std::string skeleton(std::string_view name) {
  std::string text;
  for (const char c : name) {
    text += c == '0' ? 'o' : c == '1' || c == 'i' ? 'l' : c;
    if (text.ends_with("rn")) text.replace(text.size() - 2, 2, "m");
    if (text.ends_with("vv")) text.replace(text.size() - 2, 2, "w");
  }
  return text;
}

// True if the texts differ by one character added, removed or replaced, or by two neighbours
// swapped.
bool is_one_edit_apart(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  a.remove_prefix(at);
  b.remove_prefix(at);
  if (a.size() < b.size()) return a == b.substr(1);
  if (a.substr(1) == b.substr(1)) return true;
  return a.size() >= 2 && a[0] == b[1] && a[1] == b[0] && a.substr(2) == b.substr(2);
}

bool is_below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() && name.ends_with(parent) &&
         name[name.size() - parent.size() - 1] == '.';
}

}  // namespace

std::string_view resembled(std::string_view name, const std::vector<std::string>& trusted) {
  for (const std::string& known : trusted) {
    if (name == known || is_below(name, known)) return {};
  }
  const std::string own = skeleton(name);
  for (const std::string& known : trusted) {
    if (known.size() < kSizeMin) continue;
    const bool is_part = known.find('.') != known.npos && name.find(known) != name.npos;
    if (is_part || is_one_edit_apart(name, known) || own == skeleton(known)) return known;
  }
  return {};
}

}  // namespace picortex
