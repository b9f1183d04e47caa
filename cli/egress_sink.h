#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "handlers/event_writer.h"
#include "netfilter/egress_record.h"

namespace picortex {

// Brings the fence's rows to the writer of the database. Each is copied and waits there until it is
// stored; a row that finds too many waiting, or a store that is down, is dropped and counted: its
// line in the log remains.
class EgressSink final : public EventSink {
 public:
  static constexpr std::size_t kWaitingMax = 4096;

  // `writer` outlives this.
  explicit EgressSink(EventWriter& writer) : writer_(writer) {}

  void store(const Event& event) noexcept override;

  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  // One row on its way.
  struct Delivery {
    explicit Delivery(EgressSink& sink) : owner(sink) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    EgressSink& owner;
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
