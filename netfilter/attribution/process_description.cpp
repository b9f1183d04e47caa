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
  const auto stat = read_process_stat(pid);
  std::string executable = read_executable(pid);
  const auto kept = kept_.find(pid);
  const bool is_known = kept != kept_.end() && stat && kept->second.stat == *stat &&
                        kept->second.owner.executable == executable && now < kept->second.until &&
                        kept->second.runs_changes == runs_.changes();
  ProcessOwner owner;
  if (is_known) {
    owner = kept->second.owner;
  } else {
    owner.pid = pid;
    owner.executable = std::move(executable);
    owner.command = read_command_line(pid);
    if (stat) owner.start_time = stat->start_time;
    find_ids(owner, stat);
    if (kept_.size() >= kKeptMax) kept_.clear();
    // Without the addresses, which some systems hide, another program would not be noticed.
    if (stat && stat->has_addresses()) {
      kept_.insert_or_assign(pid, Kept{.stat = *stat,
                                       .runs_changes = runs_.changes(),
                                       .until = now + kKeptTime,
                                       .owner = owner});
    }
  }
  blame_tracer(owner);
  return owner;
}

void ProcessDescriber::blame_tracer(ProcessOwner& owner) const {
  const pid_t tracer = read_tracer(owner.pid).value_or(0);
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
