#include "netfilter/attribution/process_description.h"

#include <utility>

namespace picortex {

std::string_view id_source_label(IdSource source) noexcept {
  switch (source) {
    case IdSource::none:
      return "none";
    case IdSource::claimed:
      return "claimed";
    case IdSource::registered:
      break;
  }
  return "registered";
}

ProcessOwner ProcessDescriber::describe(pid_t pid, Instant now) {
  if (const auto kept = kept_.find(pid); kept != kept_.end()) {
    if (is_unchanged(kept->second, now)) {
      ProcessOwner owner = kept->second.owner;
      blame_tracer(owner, kept->second.files);
      return owner;
    }
    kept_.erase(kept);
  }
  ProcessFiles files(pid);
  const auto stat = files.stat();
  ProcessOwner owner{.pid = pid,
                     .start_time = stat ? stat->start_time : 0,
                     .executable = read_executable(pid),
                     .command = read_command_line(pid),
                     .ids = {}};
  find_ids(owner, stat);
  const ProcessOwner untraced = owner;
  blame_tracer(owner, files);
  // Without the addresses, which some systems hide, another program would not be noticed.
  if (stat && stat->has_addresses()) {
    if (kept_.size() >= kKeptMax) kept_.clear();
    kept_.emplace(pid, Kept{.files = std::move(files),
                            .stat = *stat,
                            .runs_changes = runs_.changes(),
                            .until = now + kKeptTime,
                            .owner = untraced});
  }
  return owner;
}

bool ProcessDescriber::is_unchanged(const Kept& kept, Instant now) const {
  return now < kept.until && kept.runs_changes == runs_.changes() &&
         kept.files.stat() == kept.stat && read_executable(kept.owner.pid) == kept.owner.executable;
}

void ProcessDescriber::blame_tracer(ProcessOwner& owner, const ProcessFiles& files) const {
  const pid_t tracer = files.tracer().value_or(0);
  if (tracer == 0) return;
  ProcessOwner by{.pid = tracer, .executable = {}, .command = {}, .ids = {}};
  find_ids(by, read_process_stat(tracer));
  const bool is_same_turn =
      by.id_source == owner.id_source && by.ids.request_id == owner.ids.request_id;
  if (is_same_turn) return;
  owner.tracer_pid = tracer;
  owner.ids = by.ids;
  owner.id_source = by.id_source;
}

// The nearest registered ancestor takes precedence, then the nearest one that claims IDs. `stat` is
// that of the process itself.
void ProcessDescriber::find_ids(ProcessOwner& owner, std::optional<ProcessStat> stat) const {
  pid_t pid = owner.pid;
  for (int level = 0; level <= kAncestorsMax && pid > 1 && stat; ++level) {
    if (const TurnIds* ids = runs_.find({pid, stat->start_time})) {
      owner.ids = *ids;
      owner.id_source = IdSource::registered;
      return;
    }
    if (owner.id_source == IdSource::none) {
      owner.ids = read_claimed_ids(pid);
      if (!owner.ids.request_id.is_nil()) owner.id_source = IdSource::claimed;
    }
    pid = stat->parent;
    stat = read_process_stat(pid);
  }
}

}  // namespace picortex
