#pragma once

#include <string>

#include "base/result.h"
#include "reactor/file_descriptor.h"

namespace picortex {

// Makes the data directory where there is none, and locks it for as long as the lock lives: only
// one process writes to a database. The error is one line for the person at the command line.
Result<FileDescriptor> claim_data_dir(const std::string& path);

}  // namespace picortex
