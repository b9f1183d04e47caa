#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// The result of running a program.
struct ProgramResult {
  int status = 0;  // exit status; 128 + the signal that ended it
  std::string output;
  std::string errors;
};

// Runs a program to its end with `input` on stdin. Blocks: only for use before the loop runs and in
// commands. Looks the program up in PATH, then in /usr/sbin, which a user's PATH may lack. Fails
// only if it cannot be started.
Result<ProgramResult> run_program(std::span<const std::string> arguments, std::string_view input);

}  // namespace picortex
