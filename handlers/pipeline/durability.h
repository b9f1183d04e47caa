#pragma once

namespace picortex {

// When an event counts as stored.
enum class Durability {
  power,    // it is fsynced: it survives a power cut
  process,  // it is committed: it survives the process
};

}  // namespace picortex
