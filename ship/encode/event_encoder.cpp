#include "ship/encode/event_encoder.h"

#include "ship/encode/json_encoders.h"
#include "ship/encode/otlp_encoder.h"

namespace picortex {

std::unique_ptr<EventEncoder> make_encoder(ShipTarget::Kind kind, std::string host) {
  switch (kind) {
    case ShipTarget::Kind::clickhouse:
      return std::make_unique<ClickHouseEncoder>(std::move(host));
    case ShipTarget::Kind::otlp:
      return std::make_unique<OtlpEncoder>(std::move(host));
    case ShipTarget::Kind::ndjson:
      break;
  }
  return std::make_unique<NdjsonEncoder>(std::move(host));
}

}  // namespace picortex
