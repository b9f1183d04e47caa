#pragma once

#include "base/callback.h"
#include "reactor/reactor.h"

namespace picortex {

// Calls a member function at an interval, from start() until stop(). The next call is due one
// interval after the iteration of the last one: after a pause of the whole process, such as a
// suspended machine, missed calls are not made up for.
class PeriodicTimer {
 public:
  // `reactor` and the callback's owner must outlive the loop's run.
  PeriodicTimer(Reactor& reactor, Nanoseconds interval, Callback<> on_tick)
      : reactor_(reactor), ticks_(interval), on_tick_(on_tick) {
    reactor_.add(ticks_);
  }

  void start() noexcept { ticks_.start(tick_, reactor_.now()); }
  void stop() noexcept { tick_.stop(); }

 private:
  // Started again first, so that the callback may stop it.
  void on_deadline() noexcept {
    start();
    on_tick_();
  }

  Reactor& reactor_;
  DeadlineList ticks_;
  Callback<> on_tick_;
  Deadline tick_ = Deadline::to<&PeriodicTimer::on_deadline>(*this);
};

}  // namespace picortex
