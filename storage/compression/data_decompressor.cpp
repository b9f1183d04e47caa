#include "storage/compression/data_decompressor.h"

#include "base/varint.h"
#include "storage/compression/zstd_magic.h"

namespace picortex {

StoreResult<void> DataDecompressor::prepare(Database& database) {
  database_ = &database;
  find_ = TRY(database.prepare("SELECT content FROM dictionary WHERE number = ?1"));
  return {};
}

StoreResult<void> DataDecompressor::read(std::string_view stored, std::string_view compressed,
                                         std::string& data) {
  data = stored;
  if (compressed.empty()) return {};
  const auto damaged = [this] {
    return std::unexpected(make_fault(FaultKind::corrupt, database_->path(),
                                      "the compressed data of an event cannot be read"));
  };
  const auto number = take_varint(compressed);
  if (!number) return damaged();
  const ZSTD_DDict* const dictionary = TRY(find(*number));
  frame_.assign(kZstdMagic).append(compressed);
  const unsigned long long size = ZSTD_getFrameContentSize(frame_.data(), frame_.size());
  if (dictionary == nullptr || size > kSizeMax) return damaged();  // errors are large numbers
  data.resize(size);
  const std::size_t got = ZSTD_decompress_usingDDict(context_.get(), data.data(), data.size(),
                                                     frame_.data(), frame_.size(), dictionary);
  if (got != data.size()) return damaged();
  return {};
}

// Null where there is none, or it is damaged.
StoreResult<const ZSTD_DDict*> DataDecompressor::find(std::uint64_t number) {
  if (const auto found = dictionaries_.find(number); found != dictionaries_.end()) {
    return found->second.get();
  }
  if (!TRY(find_.bind(1, static_cast<std::int64_t>(number)).step())) return nullptr;
  if (!context_) context_ = own_context(ZSTD_createDCtx());
  if (dictionaries_.size() >= kDictionariesMax) dictionaries_.clear();
  const std::string_view content = find_.text(0);
  // Null for one that is damaged.
  ZstdHandle<ZSTD_DDict> made(ZSTD_createDDict(content.data(), content.size()));
  find_.reset();
  return dictionaries_.emplace(number, std::move(made)).first->second.get();
}

}  // namespace picortex
