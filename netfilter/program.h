#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// What a program left behind.
struct ProgramResult {
  int status = 0;  // exit status; 128 + the signal that ended it
  std::string output;
  std::string errors;
};

// Runs a program to its end with `input` on stdin. Blocks: for what comes before the loop, and for
// commands of people. The program is looked up in PATH, then in /usr/sbin, which a user's PATH may
// lack. Fails only when it cannot be started.
Result<ProgramResult> run_program(std::span<const std::string> arguments, std::string_view input);

}  // namespace picortex
