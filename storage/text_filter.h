#pragma once

#include <string>
#include <string_view>

namespace picortex {

// Whether an event holds a text somewhere in its message or its data; ASCII letters in any case.
class TextFilter {
 public:
  // Empty: every event does.
  explicit TextFilter(std::string_view text);

  // `data`: JSON, in which the text is looked for as JSON would have it.
  bool fits(std::string_view msg, std::string_view data) const noexcept;

 private:
  std::string in_msg_;   // lower case
  std::string in_data_;  // the same, escaped
};

}  // namespace picortex
