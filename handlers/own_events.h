#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "handlers/event_writer.h"
#include "storage/egress_hosts.h"
#include "storage/event_sink.h"

namespace picortex {

// Brings what the daemon itself has to tell, the fence's rows and alerts, to the writer of the
// database. Each is copied and waits there until it is
// stored; a row that finds too many waiting, or a store that is down, is dropped and counted: its
// line in the log remains.
class OwnEvents final : public EventSink {
 public:
  static constexpr std::size_t kWaitingMax = 4096;

  // `writer` outlives this.
  explicit OwnEvents(EventWriter& writer) : writer_(writer) {}

  void store(const Event& event) noexcept override;

  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  // One row on its way.
  struct Delivery {
    explicit Delivery(OwnEvents& sink) : owner(sink) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    OwnEvents& owner;
    Event event;
    EgressAttempt attempt;
    std::string texts;  // those of both
    Submission submission = Submission::to<&Delivery::on_outcome>(*this);
  };

  static void copy(const Event& event, Delivery& delivery);

  EventWriter& writer_;
  std::deque<Delivery> deliveries_;
  std::vector<Delivery*> free_;
  std::uint64_t dropped_ = 0;
};

}  // namespace picortex
