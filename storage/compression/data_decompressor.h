#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/compression/zstd_handles.h"
#include "storage/sqlite/database.h"

namespace picortex {

// Reads the data of events as a connection finds them: as they are, or compressed (storage/compression/
// data_compressor.h). Part of what owns the connection.
class DataDecompressor {
 public:
  // What a file says to have decompressed to more is damaged: no way into the store takes as much.
  static constexpr std::size_t kSizeMax = std::size_t{16} << 20;
  // More than these are read again when they are needed.
  static constexpr std::size_t kDictionariesMax = 64;

  StoreResult<void> prepare(Database& database);

  // Sets `data` to what the two columns of a row of `event` hold. `compressed` is empty where `stored` has
  // it. Returns the `corrupt` fault where it cannot be decompressed.
  StoreResult<void> read(std::string_view stored, std::string_view compressed, std::string& data);

 private:
  StoreResult<const ZSTD_DDict*> find(std::uint64_t number);

  Database* database_ = nullptr;
  ZstdHandle<ZSTD_DCtx> context_;
  std::unordered_map<std::uint64_t, ZstdHandle<ZSTD_DDict>> dictionaries_;
  std::string frame_;
  Statement find_;
};

}  // namespace picortex
