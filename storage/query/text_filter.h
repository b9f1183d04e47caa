#pragma once

#include <string>
#include <string_view>

namespace picortex {

// Whether `text` has `needle`, which is in lower case, somewhere, ASCII letters in any case.
bool contains_lower(std::string_view text, std::string_view needle) noexcept;

// Whether an event holds a text somewhere in its message or its data; ASCII letters in any case.
class TextFilter {
 public:
  // An empty text matches every event.
  explicit TextFilter(std::string_view text);

  // `data` is JSON; the text is searched for in its JSON-escaped form.
  bool fits(std::string_view msg, std::string_view data) const noexcept;

  // What is looked for in the message and in the data, in lower case; empty: nothing.
  const std::string& in_msg() const noexcept { return in_msg_; }
  const std::string& in_data() const noexcept { return in_data_; }

 private:
  std::string in_msg_;   // lower case
  std::string in_data_;  // the same, escaped
};

}  // namespace picortex
