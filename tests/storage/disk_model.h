#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace picortex::test {

// A file as a disk with a volatile cache may hold it: what was written before a completed fsync
// began is there; of what was written since, each block has any of its versions, in no order.
class FileModel {
 public:
  static constexpr std::size_t kBlock = 512;

  void load(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    write(0, bytes);
    synced(mark());
  }

  void write(std::size_t offset, std::string_view bytes) {
    ++time_;
    for (std::size_t done = 0; done < bytes.size();) {
      const std::size_t at = offset + done;
      const std::size_t part = std::min(kBlock - at % kBlock, bytes.size() - done);
      auto& versions = blocks_[at / kBlock];
      Version next{time_, versions.empty() ? std::string(kBlock, '\0') : versions.back().bytes};
      if (versions.empty()) versions.push_back({0, next.bytes});
      next.bytes.replace(at % kBlock, part, bytes.substr(done, part));
      versions.push_back(std::move(next));
      done += part;
    }
    size_ = std::max(size_, offset + bytes.size());
  }

  // An fsync begins at a mark, and has made durable what came before it once it ends.
  std::uint64_t mark() {
    marked_size_ = size_;
    return time_;
  }
  void synced(std::uint64_t mark) {
    for (auto& [number, versions] : blocks_) {
      std::size_t last = 0;
      while (last + 1 < versions.size() && versions[last + 1].time <= mark) ++last;
      versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(last));
    }
    durable_size_ = std::max(durable_size_, marked_size_);
  }

  // After a power cut. Whole pages change at once, or single sectors; and any version is as likely
  // as another, or most of what was not synced is there, or least.
  void cut(std::mt19937& random, bool by_page, const std::string& path) const {
    const std::size_t size =
        std::uniform_int_distribution<std::size_t>(0, 1)(random) != 0 ? size_ : durable_size_;
    const auto leaning = random() % 3;
    std::string bytes(size_, '\0');
    std::size_t page = ~std::size_t{0};
    std::uint64_t page_time = 0;
    for (const auto& [number, versions] : blocks_) {
      std::size_t chosen = random() % versions.size();
      if (leaning != 0 && random() % 8 != 0) chosen = leaning == 1 ? 0 : versions.size() - 1;
      if (by_page) {
        if (number / 8 != page) {
          page = number / 8;
          page_time = versions[chosen].time;
        }
        chosen = 0;
        while (chosen + 1 < versions.size() && versions[chosen + 1].time <= page_time) ++chosen;
      }
      const std::size_t at = number * kBlock;
      const std::size_t part = std::min(kBlock, size_ - at);
      bytes.replace(at, part, versions[chosen].bytes, 0, part);
    }
    std::remove(
        path.c_str());  // a file that is cut short and written again is flushed, which takes long
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(size));
  }

 private:
  struct Version {
    std::uint64_t time;
    std::string bytes;
  };

  std::map<std::size_t, std::vector<Version>> blocks_;  // the first version of each is durable
  std::uint64_t time_ = 0;
  std::size_t size_ = 0;
  std::size_t durable_size_ = 0;
  std::size_t marked_size_ = 0;
};

// The database and its log.
struct DiskModel {
  FileModel database;
  FileModel log;
};

// Stands in front of SQLite's default VFS, for all connections of the process: reports to `disk`, where
// there is one, of each write and sync. What uses SQLite's own VFS otherwise is none the wiser.
class RecordingVfs {
 public:
  inline static DiskModel* disk = nullptr;
  inline static void (*before_write)() = nullptr;  // a power cut may be now
  // Whether a sync of the log, or of the database, is to reach the simulated disk.
  inline static bool (*before_sync)(bool is_log) = nullptr;

  static void install() {
    base_ = sqlite3_vfs_find(nullptr);
    static sqlite3_vfs vfs = *base_;
    vfs.zName = "recording";
    vfs.pNext = nullptr;
    vfs.xOpen = open;
    sqlite3_vfs_register(&vfs, 1);
  }

 private:
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    const int code = base_->xOpen(base_, name, file, flags, out);
    const bool is_log = (flags & SQLITE_OPEN_WAL) != 0;
    if (code != SQLITE_OK || (!is_log && (flags & SQLITE_OPEN_MAIN_DB) == 0)) return code;
    is_log_[file] = is_log;
    auto& methods = methods_[file->pMethods];
    methods = *file->pMethods;
    originals_[&methods] = file->pMethods;
    methods.xWrite = write;
    methods.xSync = sync;
    file->pMethods = &methods;
    return code;
  }

  static FileModel* model_of(sqlite3_file* file) {
    if (disk == nullptr) return nullptr;
    return is_log_[file] ? &disk->log : &disk->database;
  }

  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    if (disk != nullptr && before_write != nullptr) before_write();
    const int code = originals_[file->pMethods]->xWrite(file, bytes, size, offset);
    if (FileModel* model = model_of(file); model != nullptr && code == SQLITE_OK) {
      model->write(static_cast<std::size_t>(offset),
                   {static_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    }
    return code;
  }

  static int sync(sqlite3_file* file, int flags) {
    FileModel* model = model_of(file);
    if (model != nullptr) {  // the simulated disk is the one that counts
      if (before_sync == nullptr || before_sync(is_log_[file])) model->synced(model->mark());
      return SQLITE_OK;
    }
    return originals_[file->pMethods]->xSync(file, flags);
  }

  inline static sqlite3_vfs* base_ = nullptr;
  inline static std::map<sqlite3_file*, bool> is_log_;
  inline static std::map<const sqlite3_io_methods*, sqlite3_io_methods> methods_;
  inline static std::map<const sqlite3_io_methods*, const sqlite3_io_methods*> originals_;
};

}  // namespace picortex::test
