#include "cli/run_listener.h"

#include <simdjson.h>

#include <limits>
#include <optional>

namespace picortex {
namespace {

// A child.start holds 32 arguments of 256 bytes, each byte at most 6 when escaped.
constexpr std::size_t kDataSizeMax = 64 * 1024;

std::optional<ProcessKey> child_in(const simdjson::dom::element& data) {
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;
  if (data["child_pid"].get(pid) || data["child_start_time"].get(start_time)) return std::nullopt;
  if (pid < 2 || pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
  return ProcessKey{static_cast<pid_t>(pid), start_time};
}

}  // namespace

RunListener::RunListener(RunRegistry& runs) : runs_(runs), document_(kDataSizeMax) {}

void RunListener::on_event(const Event& event) noexcept {
  const bool is_start = event.event_type == "child.start";
  if (!is_start && event.event_type != "child.exit") return;
  if (event.data.size() > kDataSizeMax || event.request_id.is_nil()) return;
  data_.assign(event.data);
  const std::size_t size = data_.size();
  data_.append(kJsonPadding, ' ');
  if (!document_.parse(std::span(data_).first(size))) return;
  const auto child = child_in(document_.root());
  if (!child) return;
  if (is_start) {
    runs_.add(*child, {event.request_id, std::string(event.chat_id)});
  } else {
    runs_.remove(*child);
  }
}

}  // namespace picortex
