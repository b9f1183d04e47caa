#pragma once

#include <string>

#include "base/result.h"
#include "cli/source/event_source.h"

namespace picortex {

// "6 events (2 error, 1 warn)": how many events fit the filter, and how many of these are of level
// warn and above. Empty where only reading all of them could say it.
Result<std::string> count_in_words(EventSource& source, const EventFilter& filter);

// A line for each hour of the local zone, or each day where there are more than 48 hours, with the
// number of events that fit and a bar.
Result<std::string> draw_histogram(EventSource& source, const EventFilter& filter);

}  // namespace picortex
