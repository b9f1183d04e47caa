#pragma once

#include <cstdint>
#include <string>

#include "base/object_pool.h"
#include "handlers/pipeline/event_writer.h"
#include "storage/egress_host_table.h"
#include "storage/event_sink.h"

namespace picortex {

// Brings what the daemon itself reports, the fence's rows and alerts, to the writer of the database.
// Each is copied and waits there until it is stored; a row that finds too many waiting, or a store
// that is down, is dropped and counted: its line in the log remains.
class InternalEventSink final : public EventSink {
 public:
  static constexpr std::size_t kWaitingMax = 4096;

  // `writer` must outlive this object.
  explicit InternalEventSink(EventWriter& writer) : writer_(writer) {}

  void store(const Event& event) noexcept override;

  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  // One row being stored.
  struct Delivery {
    explicit Delivery(InternalEventSink& sink) : owner(sink) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    InternalEventSink& owner;
    Event event;
    EgressAttempt attempt;
    EgressTraffic traffic;
    std::string texts;  // the texts of all
    Submission submission{Callback<StoreOutcome>::to<&Delivery::on_outcome>(*this)};
  };

  static void copy(const Event& event, Delivery& delivery);

  EventWriter& writer_;
  ObjectPool<Delivery> deliveries_{kWaitingMax};
  std::uint64_t dropped_ = 0;
};

}  // namespace picortex
