#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/ingest/sentry/sentry_values.h"

namespace picortex {

// An event's exception in Sentry's terms: the one that was caught, and those that caused it. SDKs
// send the causes first, and the outermost frame of a stack first; here the order is reversed.
// Views are valid as long as the parsed document; frames and causes beyond a bound are dropped.
class SentryException {
 public:
  struct Frame {
    std::string_view function;  // empty: not known
    std::string_view file;      // a path, a URL or a module
    std::uint64_t line = 0;     // 0: not known
    std::uint64_t column = 0;
    bool in_app = true;  // the application's own, not a library's
  };
  struct Link {
    std::string_view type;
    std::string value;  // in the language's own form: a text, or JSON
    std::vector<Frame> frames;
  };

  // Reads an event's member `exception`, in any shape of last_values(). Anything malformed counts
  // as absent.
  void read(const SentryValue& exception);
  // Reads the stack of an event whose exception has none: from its member `threads`, the thread
  // that crashed, else the current one; else from its member `stacktrace`.
  void read_threads(const std::optional<SentryValue>& threads,
                    const std::optional<SentryValue>& stacktrace);
  void clear() noexcept { chain_.clear(); }

  bool is_empty() const noexcept { return chain_.empty(); }
  bool has_frames() const noexcept;
  // The exception that was caught; there must be one.
  const Link& caught() const noexcept { return chain_.front(); }

  // Appends "Type: value".
  static void append_title(std::string& out, const Link& link);
  // Appends the stacks in V8's form, most recent call first, each cause after its effect: "Type:
  // value\n    at function (file:line:column)\n…\nCaused by: …". Appends nothing without frames.
  void append_stack(std::string& out) const;
  // Appends what stays the same when the same error happens again: the type and the application's
  // last calls, without lines, which change with every edit; without frames the type and the value.
  void append_identity(std::string& out) const;

 private:
  std::vector<Link> chain_;  // the caught one, followed by its cause, and so on
};

}  // namespace picortex
