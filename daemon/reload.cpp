#include "daemon/reload.h"

#include <utility>

namespace picortex {
namespace {

bool is_reloadable(const Option& option, const Settings& started, const Settings& now) {
  if (option.reload == Option::Reload::while_on) {
    return started.is_given(option) && now.is_given(option);
  }
  return option.reload == Option::Reload::at_once;
}

}  // namespace

Result<Reload> read_again(const ServeOptions& started, const ServeOptions& current) {
  auto settings = TRY(current.settings->read_again());
  auto read = TRY(read_serve_options(settings));
  Reload reload{.options = std::move(read), .changed = {}, .needs_restart = {}};
  for (const Option* option : kServeOptions) {
    const bool now = is_reloadable(*option, *started.settings, *reload.options.settings);
    const Settings& before = now ? *current.settings : *started.settings;
    if (!reload.options.settings->differs_in(*option, before)) continue;
    (now ? reload.changed : reload.needs_restart).emplace_back(option->flag);
  }
  return reload;
}

}  // namespace picortex
