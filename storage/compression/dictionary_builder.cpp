#include "storage/compression/dictionary_builder.h"

#include <zdict.h>

#include <algorithm>
#include <ranges>
#include <utility>

namespace picortex {
namespace {

// What is in one of so many samples is shared.
constexpr std::size_t kSharedPart = 16;

// One token of JSON: a string with its quotes, another value, or what stands in between.
struct Token {
  enum class Kind { name, value, mark };
  Kind kind;
  std::string_view text;
};

bool is_mark(char c) noexcept {
  return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':';
}

// The token at the beginning of `rest`, which is not empty and may be cut off anywhere.
Token first_token(std::string_view rest) noexcept {
  if (is_mark(rest.front())) return {Token::Kind::mark, rest.substr(0, 1)};
  if (rest.front() != '"') {
    const auto* const end = std::ranges::find_if(rest.substr(1), is_mark);
    return {Token::Kind::value, std::string_view(rest.begin(), end)};
  }
  std::size_t size = 1;
  while (size < rest.size() && rest[size] != '"') size += rest[size] == '\\' ? 2 : 1;
  size = std::min(size + 1, rest.size());
  const bool is_name = size < rest.size() && rest[size] == ':';
  return {is_name ? Token::Kind::name : Token::Kind::value, rest.substr(0, size)};
}

template <class Take>
void for_each_token(std::string_view json, Take take) {
  while (!json.empty()) {
    const Token token = first_token(json);
    take(token);
    json.remove_prefix(token.text.size());
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

// The sample without the values that are its own.
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
