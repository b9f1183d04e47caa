#pragma once

#include <cstdint>

namespace picortex {

// Divides time into steps: hours or days of the process's time zone, or steps of one length.
class TimeSteps {
 public:
  // Steps of `step_ms`, at least one millisecond, of which one begins at `offset_ms` before 1970 began in UTC:
  // a zone's distance from UTC makes days of that zone.
  static TimeSteps every(std::int64_t step_ms, std::int64_t offset_ms = 0) noexcept;
  // By tzset(3): a day has the hours that it has there.
  static TimeSteps local_hours() noexcept;
  static TimeSteps local_days() noexcept;

  // The first moment of the step that the time, in Unix milliseconds, is in.
  std::int64_t begin_of(std::int64_t time_ms) noexcept;
  // Whether a step ends within the hour of UTC that begins then.
  bool divides_hour(std::int64_t hour_ms) noexcept;

 private:
  enum class Kind { fixed, local_hours, local_days };

  explicit TimeSteps(Kind kind) noexcept : kind_(kind) {}
  std::int64_t begin_of_local(std::int64_t time_ms) const noexcept;

  Kind kind_;
  std::int64_t step_ms_ = 1;
  std::int64_t offset_ms_ = 0;
  // The last answer of a zone, which holds from the first to the second.
  std::int64_t known_from_ms_ = 0;
  std::int64_t known_to_ms_ = -1;
  std::int64_t known_begin_ms_ = 0;
};

}  // namespace picortex
