#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ship/http/http_client.h"
#include "ship/ship_target.h"

namespace picortex::shipping {

// What an answer means for the events that were sent:
//
//   2xx                                       accepted
//   413; 400 and 422; ClickHouse's exceptions   halve: fewer events may fit, or one of them is what
//     about a value that cannot be parsed       the server cannot take
//   all else, and no answer                     retry: the same request again, later
struct AnswerVerdict {
  enum class Kind : std::uint8_t { accepted, halve, retry };

  Kind kind = Kind::retry;
  std::string what;           // for people: what the server said; empty when accepted
  std::int64_t rejected = 0;  // of accepted events those that the server says it did not take
  std::optional<std::chrono::milliseconds> retry_after = {};
};

// `now_s` is the Unix time, to which a date in Retry-After is compared.
AnswerVerdict judge(const Result<HttpAnswer>& answer, ShipTarget::Kind kind, std::int64_t now_s);

}  // namespace picortex::shipping
