#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace picortex {

// Collects data of events of one type and makes a dictionary of them: zstd compresses each event's data
// alone, a few hundred bytes, and finds little to refer to without one (RFC 8878, section 5).
//
// A dictionary stays while an event of its type does, longer than the events it was made of. So it
// has only what a sixteenth of them share: the names of members, and of the values the words of more
// than one chat. What a single person wrote is not among them, and `forget` leaves nothing of a chat.
class DictionaryBuilder {
 public:
  // How many samples make a dictionary, or how many bytes of them.
  static constexpr std::size_t kSamples = 256;
  static constexpr std::size_t kSampleBytes = 128 * 1024;
  // Of data that are longer only the beginning is used.
  static constexpr std::size_t kSampleSizeMax = 2048;
  static constexpr std::size_t kSizeMax = 8 * 1024;

  // `data`: a JSON object on one line. `chat`: a number for the event's chat; 0 for none.
  void add(std::string_view data, std::int64_t chat);
  bool is_ready() const noexcept {
    return sizes_.size() >= kSamples || samples_.size() >= kSampleBytes;
  }
  // Returns a dictionary of zstd of at most kSizeMax bytes; empty where the samples share too little.
  // What was added is dropped.
  std::string make();

 private:
  struct Seen {
    std::size_t samples = 0;      // that have it
    std::size_t last_sample = 0;  // counts a sample once
    std::int64_t chat = -1;       // of the first
    bool is_in_chats = false;     // in more than one
  };

  std::string shared_part(std::string_view sample) const;

  std::string samples_;  // one after the other
  std::vector<std::size_t> sizes_;
  std::unordered_map<std::string, Seen> tokens_;
};

}  // namespace picortex
