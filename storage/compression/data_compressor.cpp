#include "storage/compression/data_compressor.h"

#include <span>

#include "base/varint.h"
#include "storage/compression/zstd_magic.h"

namespace picortex {
namespace {

// The default of zstd.
constexpr int kLevel = 3;

std::span<const std::uint8_t> bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

StoreResult<void> DataCompressor::prepare(Database& database) {
  const std::pair<Statement*, const char*> statements[] = {
      {&find_, "SELECT number, content FROM dictionary WHERE type = ?1 ORDER BY number DESC"},
      {&add_, "INSERT INTO dictionary (type, content) VALUES (?1, ?2) RETURNING number"}};
  return database.prepare_all(statements);
}

void DataCompressor::enable() {
  if (context_) return;
  context_ = own_context(ZSTD_createCCtx());
  // The row says which dictionary, and the page's place in the file which event.
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_dictIDFlag, 0);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 0);
}

StoreResult<std::string_view> DataCompressor::compress(std::int64_t type, std::int64_t chat,
                                                       std::string_view data) {
  if (!context_ || data.size() < kSizeMin) return std::string_view();
  Type* const known = TRY(find(type));
  if (known == nullptr) return std::string_view();
  if (!known->dictionary) {
    known->samples.add(data, chat);
    if (known->samples.is_ready()) TRY(learn(type, *known));
    return std::string_view();
  }
  ZSTD_CCtx_refCDict(context_.get(), known->dictionary.get());
  frame_.resize(ZSTD_compressBound(data.size()));
  const std::size_t size =
      ZSTD_compress2(context_.get(), frame_.data(), frame_.size(), data.data(), data.size());
  if (ZSTD_isError(size) != 0 || size >= data.size()) return std::string_view();
  compressed_.assign(known->prefix).append(frame_, kZstdMagic.size(), size - kZstdMagic.size());
  return compressed_;
}

// Null where there are too many types.
StoreResult<DataCompressor::Type*> DataCompressor::find(std::int64_t type) {
  if (const auto found = types_.find(type); found != types_.end()) return &found->second;
  if (types_.size() >= kTypesMax) return nullptr;
  Type known;
  if (TRY(find_.bind(1, type).step())) {
    use(known, find_.integer(0), find_.text(1));
    find_.reset();
  }
  return &types_.emplace(type, std::move(known)).first->second;
}

StoreResult<void> DataCompressor::learn(std::int64_t type, Type& known) {
  const std::string dictionary = known.samples.make();
  if (dictionary.empty()) return {};
  add_.bind(1, type).bind_blob(2, bytes_of(dictionary));
  const std::int64_t number = TRY(add_.value());
  use(known, number, dictionary);
  made_.push_back(type);
  return {};
}

void DataCompressor::use(Type& type, std::int64_t number, std::string_view dictionary) {
  type.number = number;
  // Null for a dictionary that is damaged: another one is made.
  type.dictionary.reset(ZSTD_createCDict(dictionary.data(), dictionary.size(), kLevel));
  type.prefix.clear();
  append_varint(type.prefix, static_cast<std::uint64_t>(number));
}

void DataCompressor::rollback() noexcept {
  for (const std::int64_t type : made_) types_.erase(type);
  made_.clear();
}

}  // namespace picortex
