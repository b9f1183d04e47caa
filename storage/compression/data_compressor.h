#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/compression/dictionary_builder.h"
#include "storage/compression/zstd_handles.h"
#include "storage/sqlite/database.h"

namespace picortex {

// Compresses the data of events as they are stored, with a dictionary of their type. The first events of a
// type are stored as they are; once there are enough the store makes a dictionary of them.
// `event.compressed` is the dictionary's number as a varint and a frame of zstd (RFC 8878) without its
// magic number, which would be the same in each.
//
// Part of the EventStore; all calls must be within a write transaction, except commit() and
// rollback().
class DataCompressor {
 public:
  // Data of fewer bytes are stored as they are: there is little to gain.
  static constexpr std::size_t kSizeMin = 64;
  // More types than these stay as they are. A dictionary takes about 50 KiB of memory.
  static constexpr std::size_t kTypesMax = 64;

  StoreResult<void> prepare(Database& database);
  // Nothing is compressed, and nothing learned, until it is said.
  void enable();

  // Returns what `event.compressed` gets, valid until the next call; empty where the data are to be stored
  // as they are. `type`, `chat`: the numbers of both; 0: in no chat.
  StoreResult<std::string_view> compress(std::int64_t type, std::int64_t chat,
                                         std::string_view data);

  void commit() noexcept { made_.clear(); }
  void rollback() noexcept;

 private:
  struct Type {
    std::int64_t number = 0;  // of its dictionary
    ZstdHandle<ZSTD_CDict> dictionary;
    DictionaryBuilder samples;  // while there is no dictionary
    std::string prefix;         // the number as a varint
  };

  StoreResult<Type*> find(std::int64_t type);
  StoreResult<void> learn(std::int64_t type, Type& known);
  void use(Type& type, std::int64_t number, std::string_view dictionary);

  ZstdHandle<ZSTD_CCtx> context_;  // null: nothing is compressed
  std::unordered_map<std::int64_t, Type> types_;
  std::vector<std::int64_t> made_;  // types whose dictionary is of the open transaction
  std::string frame_;
  std::string compressed_;
  Statement find_;
  Statement add_;
};

}  // namespace picortex
