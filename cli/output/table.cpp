#include "cli/output/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/json/json_text.h"
#include "base/text.h"

namespace picortex {

std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string grouped_digits(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t place = digits.size(); place > sign + 3;) {
    place -= 3;
    digits.insert(place, ",");
  }
  return digits;
}

std::string rounded(double number) {
  // Beyond it a double has no digits after the point.
  if (std::abs(number) >= 1e15 || !std::isfinite(number)) {
    std::string text;
    append_json_number(text, number);
    return text;
  }
  char digits[64];
  const int size = std::snprintf(digits, sizeof digits, "%.4f", number);
  std::string text(digits, static_cast<std::size_t>(size));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

void Table::add(std::vector<std::string> texts) {
  texts.resize(columns_.size());
  for (std::string& text : texts) {
    std::string shown;
    append_visible(shown, text);
    if (width_of(shown) > kWidthMax) shown = std::string(cut_to(shown, kWidthMax - 1)) + "…";
    text = std::move(shown);
  }
  rows_.push_back(std::move(texts));
}

void Table::append(std::string& out) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].name);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  const auto append_row = [&](const auto& text_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& text = text_of(i);
      const std::size_t blanks = widths[i] - width_of(text);
      if (i > 0) line += "  ";
      if (columns_[i].side == Side::right) line.append(blanks, ' ');
      line += text;
      if (columns_[i].side == Side::left) line.append(blanks, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  append_row([this](std::size_t i) -> const std::string& { return columns_[i].name; });
  for (const auto& row : rows_) {
    append_row([&row](std::size_t i) -> const std::string& { return row[i]; });
  }
}

}  // namespace picortex
