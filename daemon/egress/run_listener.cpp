#include "daemon/egress/run_listener.h"

#include <simdjson.h>

#include <limits>
#include <optional>
#include <utility>

namespace picortex {
namespace {

// A child.start has 32 arguments of 256 bytes; escaping makes each byte at most six.
constexpr std::size_t kDataSizeMax = 64 * 1024;

std::optional<ProcessKey> process_in(const simdjson::dom::element& data, std::string_view pid_name,
                                     std::string_view start_name) {
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;
  if (data[pid_name].get(pid) || data[start_name].get(start_time)) return std::nullopt;
  if (pid < 2 || pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
  return ProcessKey{static_cast<pid_t>(pid), start_time};
}

}  // namespace

RunListener::RunListener(AgentProcessRegistry& runs, TurnChats& chats)
    : runs_(runs), chats_(chats), document_(kDataSizeMax) {}

void RunListener::on_event(const Event& event) noexcept {
  chats_.note(event.request_id, event.chat_id);
  const bool is_start = event.event_type == "child.start";
  if (!is_start && event.event_type != "child.exit") return;
  if (event.data.size() > kDataSizeMax || event.request_id.is_nil()) return;
  data_.assign(event.data);
  const std::size_t size = data_.size();
  data_.append(kJsonPadding, ' ');
  if (!document_.parse(std::span(data_).first(size))) return;
  for (const auto& [pid, start_time] :
       {std::pair{"child_pid", "child_start_time"}, std::pair{"run_pid", "run_start_time"}}) {
    const auto process = process_in(document_.root(), pid, start_time);
    if (!process) continue;
    if (is_start) {
      runs_.add(*process, {event.request_id, std::string(event.chat_id)});
    } else {
      runs_.remove(*process);
    }
  }
}

}  // namespace picortex
