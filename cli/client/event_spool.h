#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "daemon/config/settings.h"

namespace picortex {

// Keeps events that a client command could not deliver, as lines of JSON in a file of the user's
// own, until a later command delivers them. Bounded: what does not fit is lost, and the caller
// reports it. Several commands may use it at the same time.
class EventSpool {
 public:
  static constexpr std::size_t kSizeMax = 256 * 1024;

  // In $XDG_STATE_HOME or $HOME/.local/state; none when the environment has neither.
  explicit EventSpool(const Environment& environment);

  const std::string& path() const noexcept { return path_; }

  // Adds lines, each ended by a newline. The error says why they are not kept.
  Result<void> append(const std::string& lines) const;
  // Passes all lines to `post` and deletes them if it succeeds. Does not call it when there are
  // none. Returns its result.
  Result<void> deliver(const std::function<Result<void>(const std::string&)>& post) const;

 private:
  std::string path_;
};

}  // namespace picortex
