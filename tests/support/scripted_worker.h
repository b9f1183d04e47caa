#pragma once

namespace picortex::test {

// The stand-in for reactor/worker.cpp that unit tests link. A job runs at once, within run(), and
// its end is delivered in the reactor's next iteration. While jobs are held they neither run nor
// end: so a test chooses when a disk answers.
struct ScriptedWorker {
  inline static bool holds_jobs = false;

  // Runs the job that is held for longest, if there is one; its end comes in the next iteration.
  static bool let_one_end();
};

}  // namespace picortex::test
