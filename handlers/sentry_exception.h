#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace simdjson::dom {
class element;
}  // namespace simdjson::dom

namespace picortex {

// What Sentry calls the exception of an event: the one that was caught, and those that caused it.
// SDKs send the causes first, and of a stack the outermost frame first; here it is the other way
// round. Views stay as long as the document that was read; frames and causes beyond a bound go.
class SentryException {
 public:
  struct Frame {
    std::string_view function;  // empty: not known
    std::string_view file;      // a path, a URL or a module
    std::uint64_t line = 0;     // 0: not known
    std::uint64_t column = 0;
    bool in_app = true;  // the application's own, no library
  };
  struct Link {
    std::string_view type;
    std::string_view value;
    std::vector<Frame> frames;
  };

  // Reads an event's member `exception`, {values: […]} or the array alone. What is not as it should
  // be counts as absent.
  void read(const simdjson::dom::element& exception);
  void clear() noexcept { chain_.clear(); }

  bool is_empty() const noexcept { return chain_.empty(); }
  // The one that was caught; there must be one.
  const Link& caught() const noexcept { return chain_.front(); }

  // Appends "Type: value".
  static void append_title(std::string& out, const Link& link);
  // Appends the stacks as V8 writes them, most recent call first, causes behind what they caused:
  // "Type: value\n    at function (file:line:column)\n…\nCaused by: …". Nothing without frames.
  void append_stack(std::string& out) const;
  // Appends what stays the same when the same error happens again: the type and the application's
  // last calls, without lines, which move with every change; without frames the type and the value.
  void append_identity(std::string& out) const;

 private:
  std::vector<Link> chain_;  // the caught one, then its cause, …
};

}  // namespace picortex
