#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_text.h"

namespace picortex {

// Appends the members of a JSON object to `out`, which is empty or begins with one. Who has added
// the last closes it with a brace.
class JsonMembers {
 public:
  explicit JsonMembers(std::string& out) : out_(out) {}

  JsonMembers& text(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(out_, value);
    return *this;
  }
  JsonMembers& number(std::string_view name, std::int64_t value) {
    begin(name);
    append_json_number(out_, value);
    return *this;
  }
  JsonMembers& truth(std::string_view name, bool value) {
    begin(name);
    out_ += value ? "true" : "false";
    return *this;
  }
  void close() { out_ += '}'; }

 private:
  void begin(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    append_json_string(out_, name);
    out_ += ':';
  }

  std::string& out_;
};

}  // namespace picortex
