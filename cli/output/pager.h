#pragma once

#include <sys/types.h>

namespace picortex {

// Which output goes through a pager: none of what follows, or is for programs.
enum class Paging { off, on };

// Shows what is written to stdout while it lives in a pager, if stdout is a terminal: $PAGER, else
// `less -FRX`, which prints what fits on a screen and ends. There is none where TERM is dumb, PAGER
// is empty or cat, PICORTEX_NO_PAGER is true, or less is missing. The destructor waits until the
// reader has closed the pager.
class Pager {
 public:
  explicit Pager(Paging paging);
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;
  ~Pager();

 private:
  void start(const char* command);

  pid_t child_ = 0;  // 0: none runs
};

}  // namespace picortex
