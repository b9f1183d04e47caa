#include "cli/run/child_event.h"

#include <signal.h>

#include <algorithm>
#include <cstring>

#include "base/json/json_object.h"
#include "base/text.h"
#include "cli/run/secret_mask.h"

namespace picortex {
namespace {

constexpr std::size_t kArgumentsShown = 32;
constexpr std::size_t kArgumentSizeShown = 256;

// The members that every line begins with.
JsonObject& begin(JsonObject& line, const RunIdentity& run, Level level, std::int64_t time_ms,
                  std::string_view event_type) {
  line.text("level", level_label(level)).time("time", time_ms);
  line.number("pid", run.pid).text("hostname", run.hostname).id("request_id", run.request_id);
  if (!run.chat_id.empty()) line.text("chat_id", run.chat_id);
  return line.text("event_type", event_type);
}

// The daemon registers both processes: `picortex run` adopts the processes that the child leaves.
void add_processes(JsonObject& line, const RunIdentity& run, const ProcessKey& child) {
  if (run.start_time != 0) {
    line.number("run_pid", run.pid).number("run_start_time", run.start_time);
  }
  line.number("child_pid", child.pid);
  if (child.start_time != 0) line.number("child_start_time", child.start_time);
}

// A line that `fill` adds the members to.
template <class Fill>
std::string render(Fill fill) {
  std::string text;
  fill(JsonObject(text));
  text += '\n';
  return text;
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

}  // namespace

std::string render_child_start(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                               const ProcessKey& child, const std::vector<std::string>& arguments,
                               Arguments shown) {
  std::vector<std::string> masked;
  SecretMask mask;
  for (std::size_t i = 0; i < std::min(arguments.size(), kArgumentsShown); ++i) {
    masked.emplace_back(cut_to(mask.mask(arguments[i]), kArgumentSizeShown));
  }
  return render([&](JsonObject line) {
    begin(line, run, Level::info, time_ms, "child.start").id("id", id);
    add_processes(line, run, child);
    line.number("argc", arguments.size());
    if (shown == Arguments::shown) {
      JsonArray argv = line.array("argv");
      for (const std::string& argument : masked) argv.text(argument);
    }
    line.text("msg", "started " + masked.front());
  });
}

std::string render_child_exit(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                              const ProcessKey& child, const ChildEnd& end,
                              std::chrono::milliseconds duration) {
  const bool is_success = end.signal == 0 && end.exit_status == 0;
  return render([&](JsonObject line) {
    const Level level = is_success ? Level::info : Level::warn;
    begin(line, run, level, time_ms, "child.exit").id("id", id);
    add_processes(line, run, child);
    if (end.signal != 0) {
      line.text("signal", signal_name(end.signal));
    } else {
      line.number("exit_status", end.exit_status);
    }
    line.number("duration_ms", duration.count());
    line.text("msg", end.signal != 0 ? "ended by " + signal_name(end.signal)
                                     : "exited with status " + std::to_string(end.exit_status));
  });
}

std::string render_run_warning(const RunIdentity& run, std::int64_t time_ms, std::string_view msg) {
  return render([&](JsonObject line) {
    begin(line, run, Level::warn, time_ms, "run.warning").text("msg", msg);
  });
}

}  // namespace picortex
