#include "handlers/pipeline/internal_event_sink.h"

#include <algorithm>

namespace picortex {

void InternalEventSink::store(const Event& event) noexcept {
  if (deliveries_.is_used_up() || !writer_.is_available() || !writer_.has_room(1)) {
    ++dropped_;
    return;
  }
  Delivery& delivery = deliveries_.lend(*this);
  copy(event, delivery);
  writer_.submit(delivery.submission, {&delivery.event, 1});
}

void InternalEventSink::copy(const Event& event, Delivery& delivery) {
  delivery.event = event;
  delivery.attempt = {};
  delivery.traffic = {};
  delivery.texts.assign(event.event_type).append(event.chat_id).append(event.msg);
  delivery.texts.append(event.data);
  if (event.egress != nullptr) {
    delivery.attempt = *event.egress;
    delivery.texts.append(event.egress->host);
    delivery.event.egress = &delivery.attempt;
  }
  if (event.traffic != nullptr) {
    delivery.traffic = *event.traffic;
    delivery.texts.append(event.traffic->host);
    delivery.event.traffic = &delivery.traffic;
  }
  std::string_view rest = delivery.texts;
  for (std::string_view* text :
       {&delivery.event.event_type, &delivery.event.chat_id, &delivery.event.msg,
        &delivery.event.data, &delivery.attempt.host, &delivery.traffic.host}) {
    const std::size_t size = std::min(text->size(), rest.size());
    *text = rest.substr(0, size);
    rest.remove_prefix(size);
  }
}

void InternalEventSink::Delivery::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome != StoreOutcome::stored) ++owner.dropped_;
  owner.deliveries_.give_back(*this);
}

}  // namespace picortex
