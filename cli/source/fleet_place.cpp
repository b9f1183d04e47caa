#include "cli/source/fleet_place.h"

#include <utility>

#include "cli/source/fleet_source.h"
#include "cli/source/local_source.h"

namespace picortex {

Result<std::optional<FleetPlace>> read_fleet(Settings& settings) {
  const std::string url = settings.one(
      kFromUrl, [](std::string_view text) { return std::optional(std::string(text)); });
  const std::string host = settings.one(kFromHost, parse_host_label);
  if (url.empty()) {
    if (host.empty()) return std::nullopt;
    return failure("--host names a host of a fleet: give the fleet's table with --from too");
  }
  auto table = ShipTarget::parse(url);
  if (!table) return failure("--from: " + table.error().what);
  if (table->kind != ShipTarget::Kind::clickhouse) {
    return failure("--from: only ClickHouse can be asked: give clickhouse+http://HOST:8123/DB");
  }
  return FleetPlace{*std::move(table), host};
}

Result<std::unique_ptr<EventSource>> open_source(const std::string& data_dir,
                                                 const std::optional<FleetPlace>& fleet) {
  if (fleet) return TRY(FleetSource::open(*fleet));
  return TRY(LocalSource::open(data_dir));
}

}  // namespace picortex
