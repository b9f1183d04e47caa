#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/egress_report.h"
#include "cli/run_listener.h"
#include "handlers/egress.h"
#include "handlers/event_writer.h"
#include "handlers/events.h"
#include "handlers/http/router.h"
#include "handlers/own_events.h"
#include "netfilter/egress_journal.h"
#include "netfilter/run_registry.h"

namespace picortex {

// All that tells of the fence's decisions, put together for the daemon: the journal with what it
// stands on, GET /api/egress, and what `picortex run` registers.
class EgressTelling {
 public:
  struct Settings {
    EgressMode mode = EgressMode::off;
    std::string data_dir;
  };

  // After writer.open(): the hosts known so far are read from its database. A failure of that is
  // logged, and every host is new then. What is passed by reference outlives this.
  static Result<std::unique_ptr<EgressTelling>> create(Reactor& reactor, Log& log, OwnEvents& rows,
                                                       AlertCommand& alerts,
                                                       const Settings& settings);

  // The route of GET /api/egress, and the ear for `picortex run`.
  void connect(http::Router& router, EventsEndpoint& events);

  // Whom the fence tells.
  EgressObserver& observer() noexcept { return journal_; }
  // For turn hooks: one runs before the fence's own, which sends the verdicts, the other behind it.
  void work_ahead() noexcept { journal_.work_ahead(); }
  void work_behind() noexcept { journal_.work_behind(); }
  EgressFigures figures() const noexcept { return journal_.figures(); }

  // Once no verdict comes any more: tells what is only counted yet. The writer may close when it is
  // idle after that.
  void stop();
  bool is_idle() const noexcept { return journal_.is_idle(); }

 private:
  EgressTelling(Reactor& reactor, Log& log, OwnEvents& rows, AlertCommand& alerts,
                const Settings& settings, SocketQuery sockets, std::span<const EgressHost> known);
  void on_tick() noexcept;

  Reactor& reactor_;
  RunRegistry runs_;
  RunListener listener_{runs_};
  EgressJournal journal_;
  EgressReport report_;
  EgressEndpoint endpoint_;
  DeadlineList ticks_;
  Deadline tick_ = Deadline::to<&EgressTelling::on_tick>(*this);
};

}  // namespace picortex
