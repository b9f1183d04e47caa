#pragma once

namespace picortex {

// Opens /dev/null as each of the descriptors 0, 1 and 2 that is closed, as cron wrappers and old
// supervisors leave them. Must run before anything else is opened: the kernel gives a new file the
// lowest free number, and log lines would be written into the file that became number 1. Returns
// false, with errno set, if that is impossible.
bool occupy_standard_descriptors() noexcept;

}  // namespace picortex
