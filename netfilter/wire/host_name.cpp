#include "netfilter/wire/host_name.h"

#include <algorithm>

#include "base/ascii.h"

namespace picortex {
namespace {

bool is_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > HostName::kLabelSizeMax) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

// As in the URL standard's "ends in a number".
bool is_number(std::string_view label) noexcept {
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  return label.starts_with("0x") && std::all_of(label.begin() + 2, label.end(), is_hex_digit);
}

}  // namespace

std::optional<HostName> HostName::parse(std::string_view text) noexcept {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kSizeMax) return std::nullopt;
  HostName name;
  std::transform(text.begin(), text.end(), name.text_.begin(), lower);
  name.size_ = static_cast<std::uint8_t>(text.size());

  std::string_view rest = name.view();
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!is_label(label)) return std::nullopt;
    if (dot == rest.npos) {
      if (is_number(label)) return std::nullopt;
      return name;
    }
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace picortex
