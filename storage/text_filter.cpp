#include "storage/text_filter.h"

#include <algorithm>

#include "base/json_text.h"

namespace picortex {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

// `needle` is in lower case, and not empty.
bool contains(std::string_view text, std::string_view needle) noexcept {
  return !std::ranges::search(text, needle, {}, [](char c) { return lower(c); }).empty();
}

}  // namespace

TextFilter::TextFilter(std::string_view text) : in_msg_(lower(text)) {
  append_json_escaped(in_data_, text);
  in_data_ = lower(in_data_);
}

bool TextFilter::fits(std::string_view msg, std::string_view data) const noexcept {
  return in_msg_.empty() || contains(msg, in_msg_) || contains(data, in_data_);
}

}  // namespace picortex
