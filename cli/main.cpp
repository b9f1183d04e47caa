#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "cli/command_line.h"
#include "cli/help_text.h"
#include "cli/output/pager.h"
#include "cli/standard_descriptors.h"
#include "daemon/daemon.h"
#include "daemon/memory_reserve.h"

namespace picortex {
namespace {

int execute(const Answer& answer, Environment) {
  std::FILE* stream = answer.exit_status == 0 ? stdout : stderr;
  std::fputs(answer.text.c_str(), stream);
  return std::fflush(stream) == 0 ? answer.exit_status : 1;
}

int execute(const ServeOptions& options, Environment) { return serve(options); }

int execute(const HealthOptions& options, Environment) { return health(options); }

// Runs a command whose answer people read, in a pager unless it is for programs or never ends.
template <class Options>
int paged(int (*command)(const Options&), const Options& options, bool is_for_reading) {
  const Pager pager(is_for_reading ? Paging::on : Paging::off);
  return command(options);
}

int execute(const LogsOptions& options, Environment) {
  return paged(logs, options, !options.json && !options.follow);
}

int execute(const WhyOptions& options, Environment) { return paged(why, options, !options.json); }

int execute(const StatsOptions& options, Environment) {
  return paged(stats, options, !options.json);
}

int execute(const ChatsOptions& options, Environment) {
  return paged(chats, options, !options.json);
}

int execute(const ErrorsOptions& options, Environment) {
  return paged(errors, options, !options.json && !options.change);
}

int execute(const EgressOptions& options, Environment) { return egress(options); }

int execute(const DbOptions& options, Environment) { return db(options); }

int execute(const ForgetOptions& options, Environment) { return forget(options); }

int execute(const TurnsOptions& options, Environment) {
  return paged(turns, options, !options.json);
}

int execute(const ClaudeOptions& options, const Environment& environment) {
  return claude(options, environment);
}

int execute(const DoctorOptions& options, Environment) { return doctor(options); }
int execute(const ShipOptions& options, Environment) { return ship(options); }

int execute(const TokenOptions& options, Environment) { return token(options); }

int execute(const RunOptions& options, Environment environment) {
  return run(options, std::move(environment));
}

int execute(const EmitOptions& options, Environment environment) {
  return emit(options, environment);
}

int execute(const EgressRulesOptions& options, Environment) { return egress_rules(options); }

}  // namespace
}  // namespace picortex

int main(int argc, char** argv) {
  using namespace picortex;
  // Without these descriptors there is nowhere to report the failure.
  if (!occupy_standard_descriptors()) return EXIT_FAILURE;
  std::set_new_handler(end_without_memory);
  // With a limit on file sizes (ulimit -f, LimitFSIZE=), a write then fails with EFBIG instead of
  // ending the process.
  std::signal(SIGXFSZ, SIG_IGN);
  Environment environment = read_environment(environ);
  const Command command =
      parse_command_line({argv + (argc > 0 ? 1 : 0), argv + argc}, environment, help_width());
  return std::visit(
      [&environment](const auto& options) { return execute(options, std::move(environment)); },
      command);
}
