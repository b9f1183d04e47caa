#include "reactor/output.h"

#include <algorithm>
#include <cerrno>

#include "reactor/reactor.h"

namespace picortex {
namespace {

// What a buffer may keep once a backlog has passed.
constexpr std::size_t kKeptCapacity = 64 * 1024;

void trim(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) std::string().swap(buffer);
}

}  // namespace

Output::Output(Reactor& reactor, int descriptor, std::size_t capacity)
    : reactor_(reactor), descriptor_(descriptor), capacity_(capacity) {}

bool Output::has_room(std::size_t size) const noexcept {
  return gathering_.size() + size <= capacity_ - capacity_ / 8;
}

bool Output::append(std::string_view line, bool important) {
  const bool fits =
      important ? gathering_.size() + line.size() <= capacity_ : has_room(line.size());
  if (!fits || abandoned_) {
    ++lines_dropped_;
    return false;
  }
  gathering_ += line;
  return true;
}

void Output::flush() noexcept {
  if (write_.in_flight() || gathering_.empty() || abandoned_) return;
  std::swap(gathering_, writing_);
  written_ = 0;
  write_rest();
}

void Output::write_rest() {
  reactor_.ring().write(write_, descriptor_, std::string_view(writing_).substr(written_));
}

void Output::on_write(const Completion& completion) noexcept {
  if (completion.result > 0) {
    written_ += static_cast<std::size_t>(completion.result);
  } else if (completion.result != -EINTR && completion.result != -EAGAIN) {
    // Nobody reads any more (EPIPE), or the file's disk is full: what was on its way is lost.
    const auto rest = std::string_view(writing_).substr(written_);
    lines_dropped_ += static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
    written_ = writing_.size();
  }
  if (written_ < writing_.size() && !abandoned_) {
    write_rest();
    return;
  }
  writing_.clear();
  trim(writing_);
}

void Output::abandon() {
  abandoned_ = true;
  gathering_.clear();
  if (write_.in_flight()) reactor_.ring().cancel(write_);
}

}  // namespace picortex
