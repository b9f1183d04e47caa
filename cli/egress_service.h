#pragma once

#include <memory>

#include "base/result.h"
#include "cli/serve_options.h"
#include "handlers/http/listener.h"
#include "handlers/status.h"
#include "netfilter/fence.h"

namespace picortex {

// The fence as a part of the daemon: built from its options, shown by /api/status. Does nothing
// where PICORTEX_EGRESS_MODE is off.
class EgressService final : public StatusSection {
 public:
  explicit EgressService(EgressMode mode) : mode_(mode) {}

  // Fails rather than let the daemon run with an open fence.
  Result<void> open(Reactor& reactor, Log& log, EgressObserver& observer,
                    const ServeOptions& options, const std::vector<http::Listener>& listeners);
  void start();
  // Reads the allowlist again. An error leaves the rules as they were.
  Result<void> reload();
  void stop();
  bool is_idle() const noexcept { return fence_ == nullptr || fence_->is_idle(); }

  void append_status(std::string& out) const override;

 private:
  EgressMode mode_;
  std::unique_ptr<Fence> fence_;
};

}  // namespace picortex
