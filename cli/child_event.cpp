#include "cli/child_event.h"

#include <signal.h>

#include <algorithm>
#include <cstring>

#include "base/json_text.h"
#include "base/timestamp.h"

namespace picortex {
namespace {

constexpr std::size_t kArgumentsShown = 32;
constexpr std::size_t kArgumentSizeShown = 256;

// Builds one line; what `,"key":` needs stands before every member but the first.
class Line {
 public:
  Line(const RunIdentity& run, Level level, std::int64_t time_ms, std::string_view event_type) {
    text_ = "{\"level\":";
    append_json_string(text_, level_label(level));
    add("time", iso_time(time_ms)).add("pid", run.pid).add("hostname", run.hostname);
    add("request_id", to_string(run.request_id));
    if (!run.chat_id.empty()) add("chat_id", run.chat_id);
    add("event_type", event_type);
  }

  Line& add(std::string_view key, std::string_view value) {
    add_key(key);
    append_json_string(text_, value);
    return *this;
  }

  Line& add(std::string_view key, std::int64_t value) {
    add_key(key);
    append_json_number(text_, value);
    return *this;
  }

  Line& add(const ProcessKey& child) {
    add("child_pid", child.pid);
    if (child.start_time == 0) return *this;
    return add("child_start_time", static_cast<std::int64_t>(child.start_time));
  }

  Line& add(std::string_view key, const std::vector<std::string>& values) {
    add_key(key);
    text_ += '[';
    for (std::size_t i = 0; i < std::min(values.size(), kArgumentsShown); ++i) {
      if (i > 0) text_ += ',';
      append_json_string(text_, std::string_view(values[i]).substr(0, kArgumentSizeShown));
    }
    text_ += ']';
    return *this;
  }

  std::string end(std::string_view msg) {
    add("msg", msg);
    return std::move(text_) + "}\n";
  }

 private:
  void add_key(std::string_view key) { text_.append(",\"").append(key).append("\":"); }

  std::string text_;
};

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

}  // namespace

std::string render_child_start(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                               const ProcessKey& child, const std::vector<std::string>& arguments) {
  Line line(run, Level::info, time_ms, "child.start");
  line.add("id", to_string(id)).add(child);
  line.add("argc", static_cast<std::int64_t>(arguments.size())).add("argv", arguments);
  return line.end("started " + arguments.front().substr(0, kArgumentSizeShown));
}

std::string render_child_exit(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                              const ProcessKey& child, const ChildEnd& end,
                              std::chrono::milliseconds duration) {
  const bool is_success = end.signal == 0 && end.exit_status == 0;
  Line line(run, is_success ? Level::info : Level::warn, time_ms, "child.exit");
  line.add("id", to_string(id)).add(child);
  std::string how;
  if (end.signal != 0) {
    how = "ended by " + signal_name(end.signal);
    line.add("signal", signal_name(end.signal));
  } else {
    how = "exited with status " + std::to_string(end.exit_status);
    line.add("exit_status", end.exit_status);
  }
  line.add("duration_ms", duration.count());
  return line.end(how);
}

std::string render_run_warning(const RunIdentity& run, std::int64_t time_ms, std::string_view msg) {
  return Line(run, Level::warn, time_ms, "run.warning").end(msg);
}

}  // namespace picortex
