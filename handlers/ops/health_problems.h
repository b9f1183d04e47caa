#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "handlers/ops/status_endpoint.h"
#include "handlers/ops/tmux_probe.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/output.h"

namespace picortex {

// Something that does not work, in words for the operator.
struct HealthProblem {
  std::string_view part;  // database, disk, tmux or log
  std::string reason;
  std::string fix;  // a command for a shell
};

// Why /health is degraded, or about to be: the member "health" of GET /api/status. /health itself
// does not say it, since anybody may ask there.
class HealthProblems final : public StatusSection {
 public:
  // References passed in must outlive this object.
  HealthProblems(const EventWriter& writer, const TmuxProbe& probe, const Output& output,
                 std::string data_dir)
      : writer_(writer), probe_(probe), output_(output), data_dir_(std::move(data_dir)) {}

  std::vector<HealthProblem> find() const;

  void append_status(JsonObject& status) const override;

 private:
  const EventWriter& writer_;
  const TmuxProbe& probe_;
  const Output& output_;
  const std::string data_dir_;
};

// Returns the command that makes tmux answer, by the socket (empty: tmux's default) and what tmux
// has said.
std::string tmux_fix(std::string_view socket, std::string_view reason);

}  // namespace picortex
