#include "storage/compression/dictionary_builder.h"

#include <zdict.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "base/ascii.h"

namespace picortex {
namespace {

// A sixteenth of the samples must have what is shared.
constexpr std::size_t kSharedPart = 16;

// A run of letters and digits, of a member's name or a value; or a byte of anything else.
struct Token {
  enum class Kind { name, value, mark };
  Kind kind;
  std::string_view text;
};

bool is_of_word(char c) noexcept {
  return is_digit(c) || is_alpha(c) || static_cast<unsigned char>(c) >= 0x80;
}

// The size of the JSON string at the beginning of `rest`, with its quotes; it may be cut off.
std::size_t string_size(std::string_view rest) noexcept {
  std::size_t size = 1;
  while (size < rest.size() && rest[size] != '"') size += rest[size] == '\\' ? 2 : 1;
  return std::min(size + 1, rest.size());
}

template <class Take>
void for_each_part(std::string_view text, Token::Kind kind, Take take) {
  while (!text.empty()) {
    const auto* const end = std::ranges::find_if_not(text, is_of_word);
    const bool is_mark = end == text.begin();
    const std::string_view part =
        text.substr(0, is_mark ? 1 : std::string_view(text.begin(), end).size());
    take(Token{is_mark ? Token::Kind::mark : kind, part});
    text.remove_prefix(part.size());
  }
}

template <class Take>
void for_each_token(std::string_view json, Take take) {
  while (!json.empty()) {
    const bool is_string = json.front() == '"';
    const std::size_t size = is_string ? string_size(json) : std::min(json.find('"'), json.size());
    const bool is_name = is_string && size < json.size() && json[size] == ':';
    for_each_part(json.substr(0, size), is_name ? Token::Kind::name : Token::Kind::value, take);
    json.remove_prefix(size);
  }
}

}  // namespace

void DictionaryBuilder::add(std::string_view data, std::int64_t chat) {
  data = data.substr(0, kSampleSizeMax);
  samples_ += data;
  sizes_.push_back(data.size());
  for_each_token(data, [&](const Token& token) {
    if (token.kind == Token::Kind::mark) return;
    Seen& seen = tokens_[std::string(token.text)];
    if (seen.samples == 0) seen.chat = chat;
    seen.is_in_chats = seen.is_in_chats || seen.chat != chat || token.kind == Token::Kind::name;
    if (std::exchange(seen.last_sample, sizes_.size()) != sizes_.size()) ++seen.samples;
  });
}

// The sample without the words that are its own.
std::string DictionaryBuilder::shared_part(std::string_view sample) const {
  std::string part;
  for_each_token(sample, [&](const Token& token) {
    if (token.kind == Token::Kind::mark) {
      part += token.text;
      return;
    }
    const Seen& seen = tokens_.at(std::string(token.text));
    if (seen.is_in_chats && seen.samples * kSharedPart >= sizes_.size()) part += token.text;
  });
  return part;
}

std::string DictionaryBuilder::make() {
  std::unordered_map<std::string, std::size_t> parts;
  std::string_view rest = samples_;
  for (const std::size_t size : sizes_) {
    ++parts[shared_part(rest.substr(0, size))];
    rest.remove_prefix(size);
  }
  std::vector<std::pair<std::size_t, std::string_view>> ordered;
  for (const auto& [part, count] : parts) ordered.emplace_back(count, part);
  // zstd takes what is near in fewer bits: the most frequent part is the last.
  std::ranges::sort(ordered);
  std::string content;
  for (const std::string_view part : ordered | std::views::values) content += part;
  if (content.size() > kSizeMax) content.erase(0, content.size() - kSizeMax);

  std::string dictionary(kSizeMax, '\0');
  const std::size_t size = ZDICT_finalizeDictionary(
      dictionary.data(), dictionary.size(), content.data(), content.size(), samples_.data(),
      sizes_.data(), static_cast<unsigned>(sizes_.size()), ZDICT_params_t{});
  *this = DictionaryBuilder();
  // Samples that are all the same have no statistics: the bare content serves as well.
  if (ZDICT_isError(size) != 0) return content;
  dictionary.resize(size);
  return dictionary;
}

}  // namespace picortex
