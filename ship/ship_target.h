#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace picortex {

// Where events are shipped to, as the operator gives it:
//
//   target     = kind "+" ("http" / "https") "://" [ user [ ":" password ] "@" ] host [ ":" port ]
//                [ path ] [ "?" parameter *( "&" parameter ) ]
//   kind       = "clickhouse" / "otlp" / "ndjson"
//   path       = clickhouse: "/" database (default: default); otlp: default /v1/logs
//   parameter  = "table=" name            clickhouse: the table (default: picortex_events)
//              / "batch=" number          events in one request at most, 1 to 100000 (10000)
//              / "header=" name ":" text  an HTTP header; may be there more than once
//              / "ca=" file               certificates to trust instead of the system's
//              / any other                sent to the server as it is
//
// Texts may be percent-encoded. Everything of it is checked: no part can end a header or an
// identifier of SQL.
struct ShipTarget {
  enum class Kind : std::uint8_t { clickhouse, otlp, ndjson };

  static constexpr std::size_t kSizeMax = 4000;
  static constexpr std::uint32_t kBatchMax = 100'000;

  Kind kind = Kind::ndjson;
  std::string origin;  // "http://host:port"
  std::string path;    // of the requests, "/…"; of clickhouse "/"
  std::string query;   // what is sent to the server, without the question mark; may be empty
  std::string user;
  std::string password;
  std::string database;  // clickhouse only, as is `table`
  std::string table;
  std::vector<std::string> headers;  // "Name: text"
  std::string ca_file;
  std::uint32_t batch_max = 10'000;

  std::string shown;  // for people, without password and headers
  std::string name;   // of its directory: the same for the same place, whatever the credentials

  // The error is a sentence that does not show the text, which may hold secrets.
  static Result<ShipTarget> parse(std::string_view text);

  // "http://host:port/path?query&more"
  std::string url(std::string_view more = {}) const;
};

// A host's name as rows have it: at most 253 letters, digits and .-_: ; nothing for another text.
std::optional<std::string> parse_host_label(std::string_view text);

// `text` with everything but letters, digits and -._~ as %XX (RFC 3986, section 2.3).
std::string percent_encoded(std::string_view text);

}  // namespace picortex
