#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.h"
#include "handlers/http/kept_buffer.h"

namespace picortex::http {

// The answers not yet sent to one client. The exchange appends to one string while the kernel sends
// another, which stays unchanged until all of it has been sent.
class AnswerBuffer {
 public:
  // Where answers are appended.
  std::string& gathering() noexcept { return gathering_; }
  std::size_t gathered_size() const noexcept { return gathering_.size(); }

  // Returns everything that has gathered, for the kernel. Call it only while nothing is being sent.
  std::string_view begin_sending() noexcept {
    CHECK(sending_.empty());
    gathering_.swap(sending_);
    return sending_;
  }
  // The kernel has taken `size` bytes. Returns the rest, which must be sent next; empty if that was
  // all.
  std::string_view note_sent(std::size_t size) noexcept {
    sent_ += size;
    if (sent_ < sending_.size()) return std::string_view(sending_).substr(sent_);
    sending_.clear();
    sent_ = 0;
    return {};
  }

  std::size_t unsent_size() const noexcept { return gathering_.size() + sending_.size() - sent_; }
  std::size_t held() const noexcept { return size_held(gathering_) + size_held(sending_); }

  // Prepares for the next client. Nothing may be being sent.
  void reset() noexcept {
    empty_buffer(gathering_);
    empty_buffer(sending_);
    sent_ = 0;
  }

 private:
  std::string gathering_;
  std::string sending_;
  std::size_t sent_ = 0;  // of sending_
};

}  // namespace picortex::http
