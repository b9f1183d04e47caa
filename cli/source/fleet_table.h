#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json/document.h"
#include "base/result.h"
#include "ship/http/http_client.h"
#include "ship/ship_target.h"
#include "storage/query/event_reader.h"

namespace simdjson::dom {
class element;
}  // namespace simdjson::dom

namespace picortex {

// Asks a fleet's table in ClickHouse, by HTTP. An answer arrives a row at a time, of which one is
// in memory. Sets no setting of the server, so that a user with `readonly` = 1 suffices.
class FleetTable {
 public:
  // Takes one row; false ends the answer.
  using TakeRow = std::function<Result<bool>(const simdjson::dom::element&)>;
  using TakeEvent = std::function<Result<bool>(EventRow&)>;

  static constexpr std::size_t kRowSizeMax = std::size_t{32} << 20;

  // The error says what to install.
  static Result<std::unique_ptr<FleetTable>> open(ShipTarget target);

  // Asks for "SELECT <columns> FROM <the table> <rest>". FINAL: of a row that was sent twice, one.
  Result<void> select(std::string_view columns, std::string_view rest, const TakeRow& take);
  // The same of whole events.
  Result<void> select_events(std::string_view rest, const TakeEvent& take);

 private:
  explicit FleetTable(ShipTarget target);
  Result<bool> take_bytes(std::string_view bytes, const TakeRow& take);
  Result<bool> take_line(std::string_view line, const TakeRow& take);
  Error error_of(const shipping::HttpAnswer& answer) const;
  Error error_of(std::string_view said) const;

  ShipTarget target_;
  std::atomic<bool> stop_ = false;
  shipping::HttpClient client_;
  JsonDocument document_{kRowSizeMax};
  std::string rest_;  // of a line whose end has not come
  std::string padded_;
};

// A number of a row. ClickHouse quotes those of 64 bits, unless it is set not to.
std::int64_t number_of(const simdjson::dom::element& row, const char* column);
std::string text_of(const simdjson::dom::element& row, const char* column);

}  // namespace picortex
