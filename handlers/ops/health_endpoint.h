#pragma once

#include <string>

#include "handlers/http/exchange.h"
#include "handlers/ops/tmux_probe.h"
#include "handlers/pipeline/event_writer.h"

namespace picortex {

// GET /health, /livez and /readyz. Nothing here reads a disk or waits. The body of /health is
// rendered again only when something in it has changed, including the seconds of its uptime.
class HealthEndpoint {
 public:
  // References passed in must outlive this object. `version` and `commit` are those of this build.
  HealthEndpoint(Reactor& reactor, EventWriter& writer, const TmuxProbe& probe,
                 std::string_view version, std::string_view commit);

  void health(http::Exchange& exchange) noexcept;
  void livez(http::Exchange& exchange) noexcept;
  void readyz(http::Exchange& exchange) noexcept;

  // Reports not ready from now on: the daemon is about to end.
  void drain() noexcept { draining_ = true; }

  std::uint64_t renderings() const noexcept { return renderings_; }

 private:
  // Everything in the body that can change.
  struct State {
    std::int64_t uptime_s = -1;
    bool db_ok = false;
    bool tmux_ok = false;
    Metrics metrics;

    bool operator==(const State&) const = default;
  };

  void render();

  Reactor& reactor_;
  EventWriter& writer_;
  const TmuxProbe& probe_;
  Instant started_at_;
  std::string build_;  // the body's members "version" and "commit"
  State state_;
  std::string body_;
  std::uint64_t renderings_ = 0;
  bool draining_ = false;
};

}  // namespace picortex
