#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace picortex {

// Rows of texts in columns that are as wide as their widest text, two spaces apart. Whatever the
// texts hold, each row is one line, and does nothing to a terminal.
class Table {
 public:
  enum class Side { left, right };
  struct Column {
    std::string name;
    Side side = Side::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many texts as there are columns.
  void add(std::vector<std::string> texts);
  void append(std::string& out) const;

 private:
  static constexpr std::size_t kWidthMax = 80;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // as they are shown
};

// The number of columns of a terminal that a text takes, if each of its characters takes one.
std::size_t width_of(std::string_view text) noexcept;

// 1234567 as "1,234,567".
std::string grouped_digits(std::int64_t number);

// Returns at most four digits after the point, and none that is not needed.
std::string rounded(double number);

}  // namespace picortex
