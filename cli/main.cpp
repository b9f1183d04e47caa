#include <unistd.h>

#include <cstdio>

#include "cli/command_line.h"
#include "cli/serve.h"

namespace picortex {
namespace {

int execute(const Answer& answer, Environment) {
  std::FILE* stream = answer.exit_status == 0 ? stdout : stderr;
  std::fputs(answer.text.c_str(), stream);
  return std::fflush(stream) == 0 ? answer.exit_status : 1;
}

int execute(const ServeOptions& options, Environment) { return serve(options); }

int execute(const HealthOptions& options, Environment) { return health(options); }

int execute(const LogsOptions& options, Environment) { return logs(options); }

int execute(const WhyOptions& options, Environment) { return why(options); }

int execute(const EgressOptions& options, Environment) { return egress(options); }

int execute(const DbOptions& options, Environment) { return db(options); }

int execute(const RunOptions& options, Environment environment) {
  return run(options, std::move(environment));
}

int execute(const EgressRulesOptions& options, Environment) { return egress_rules(options); }

}  // namespace
}  // namespace picortex

int main(int argc, char** argv) {
  using namespace picortex;
  Environment environment = read_environment(environ);
  const Command command = parse_command_line({argv + (argc > 0 ? 1 : 0), argv + argc}, environment);
  return std::visit(
      [&environment](const auto& options) { return execute(options, std::move(environment)); },
      command);
}
