#include "handlers/ingest/telemetry_batch.h"

#include <algorithm>
#include <utility>

#include "handlers/ingest/name_based_uuid.h"

namespace picortex {
namespace {

constexpr std::size_t kKeptEvents = 1024;
constexpr std::size_t kKeptTextSize = 1024 * 1024;

}  // namespace

void TelemetryBatch::clear() noexcept {
  events_.clear();
  ends_.clear();
  notes_.clear();
  by_content_.clear();
  texts_.clear();
}

void TelemetryBatch::add(const Event& event, Identity identity) {
  if (identity == Identity::content)
    by_content_.push_back(static_cast<std::uint32_t>(events_.size()));
  events_.push_back(event);
  if (event.turn != nullptr) notes_.push_back(*event.turn);
  TextEnds& ends = ends_.emplace_back();
  ends.event_type = texts_.append(event.event_type).size();
  ends.chat_id = texts_.append(event.chat_id).size();
  ends.msg = texts_.append(event.msg).size();
  ends.data = texts_.append(event.data).size();
}

void TelemetryBatch::finish() {
  std::size_t begin = 0;
  auto note = notes_.begin();
  const auto part = [&](std::size_t end) {
    const std::string_view text(texts_.data() + begin, end - begin);
    begin = end;
    return text;
  };
  for (std::size_t i = 0; i < events_.size(); ++i) {
    events_[i].event_type = part(ends_[i].event_type);
    events_[i].chat_id = part(ends_[i].chat_id);
    events_[i].msg = part(ends_[i].msg);
    events_[i].data = part(ends_[i].data);
    if (events_[i].turn != nullptr) events_[i].turn = &*note++;
  }
  tell_equals_apart();
}

void TelemetryBatch::tell_equals_apart() {
  // By position among equals, so that the n-th of them has the same id each time.
  std::ranges::sort(by_content_, [this](std::uint32_t left, std::uint32_t right) {
    return std::pair(events_[left].id, left) < std::pair(events_[right].id, right);
  });
  Uuid first{};
  std::uint32_t position = 0;
  for (const std::uint32_t index : by_content_) {
    Event& event = events_[index];
    position = event.id == first ? position + 1 : 0;
    first = *event.id;
    if (position == 0) continue;
    std::string name = "telemetry repeat ";
    name.append(reinterpret_cast<const char*>(first.bytes.data()), first.bytes.size());
    name += std::to_string(position);
    event.id = named_uuid(name);
  }
}

void TelemetryBatch::trim() {
  if (events_.size() <= kKeptEvents && texts_.capacity() <= kKeptTextSize) return;
  *this = {};
}

}  // namespace picortex
