#pragma once

#include <string>

#include "base/result.h"
#include "storage/directory_lock.h"

namespace picortex {

// Creates the data directory if there is none, and locks it for the lifetime of the lock: only one
// process may write to a database. The error is one line for the operator.
Result<DirectoryLock> claim_data_dir(const std::string& path);

}  // namespace picortex
