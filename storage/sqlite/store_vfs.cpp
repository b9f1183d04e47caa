#include "storage/sqlite/store_vfs.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <new>

#include "base/check.h"
#include "storage/sqlite/wal_write_coalescer.h"

namespace picortex {
namespace {

constexpr const char* kVfsName = "picortex";
// The wal-index's locks: write, checkpoint, recover, and from here on one for each read mark
// (sqlite.org/walformat.html, section 2.3).
constexpr int kWriteLock = 0;
constexpr int kFirstReadLock = 3;
// Where the wal-index stores the read marks (section 2.3 there): native 32-bit numbers.
constexpr std::size_t kReadMarksAt = 100;

constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE (madvise(2)), newer than some headers

sqlite3_vfs* base_vfs(sqlite3_vfs* vfs) noexcept {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

}  // namespace

// A file of this VFS, followed in memory by the real one.
struct StoreFile {
  sqlite3_file file;
  StoreFile* database;       // the file whose log this is; null: this is no log
  DatabaseFile connection;   // used in a database's file, like the next member
  WalWriteCoalescer frames;  // pending for the log

  static StoreFile& of(sqlite3_file* file) noexcept { return *reinterpret_cast<StoreFile*>(file); }
  static sqlite3_file* real(sqlite3_file* file) noexcept {
    return reinterpret_cast<sqlite3_file*>(&of(file) + 1);
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                  int* out_flags) noexcept;
  static int close(sqlite3_file* file) noexcept;
  static int read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) noexcept;
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) noexcept;
  static int get_size(sqlite3_file* file, sqlite3_int64* size) noexcept;
  static int sync(sqlite3_file* file, int flags) noexcept;
  static int truncate(sqlite3_file* file, sqlite3_int64 size) noexcept;
  static int map_shared_memory(sqlite3_file* file, int region, int size, int extend,
                               void volatile** out) noexcept;
  static int lock_shared_memory(sqlite3_file* file, int offset, int count, int flags) noexcept;
  static int unmap_shared_memory(sqlite3_file* file, int remove) noexcept;

  int write_gathered() noexcept;
};

namespace {

// Forwards a method call to the real file.
template <auto Method>
struct Forward;

template <class... Arguments, int (*sqlite3_io_methods::*Method)(sqlite3_file*, Arguments...)>
struct Forward<Method> {
  static int call(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* real = StoreFile::real(file);
    return (real->pMethods->*Method)(real, arguments...);
  }
};

void barrier(sqlite3_file* file) {
  sqlite3_file* real = StoreFile::real(file);
  real->pMethods->xShmBarrier(real);
}

using Methods = sqlite3_io_methods;

constexpr Methods kMethods = {
    .iVersion = 3,
    .xClose = StoreFile::close,
    .xRead = StoreFile::read,
    .xWrite = StoreFile::write,
    .xTruncate = StoreFile::truncate,
    .xSync = StoreFile::sync,
    .xFileSize = StoreFile::get_size,
    .xLock = Forward<&Methods::xLock>::call,
    .xUnlock = Forward<&Methods::xUnlock>::call,
    .xCheckReservedLock = Forward<&Methods::xCheckReservedLock>::call,
    .xFileControl = Forward<&Methods::xFileControl>::call,
    .xSectorSize = Forward<&Methods::xSectorSize>::call,
    .xDeviceCharacteristics = Forward<&Methods::xDeviceCharacteristics>::call,
    .xShmMap = StoreFile::map_shared_memory,
    .xShmLock = StoreFile::lock_shared_memory,
    .xShmBarrier = barrier,
    .xShmUnmap = StoreFile::unmap_shared_memory,
    .xFetch = Forward<&Methods::xFetch>::call,
    .xUnfetch = Forward<&Methods::xUnfetch>::call,
};

sqlite3_vfs make_vfs(sqlite3_vfs& base) noexcept {
  sqlite3_vfs vfs = base;
  vfs.szOsFile += static_cast<int>(sizeof(StoreFile));
  vfs.pNext = nullptr;
  vfs.zName = kVfsName;
  vfs.pAppData = &base;
  vfs.xOpen = StoreFile::open;
  // The other methods take the VFS that they are called with for their own.
  vfs.xDelete = [](sqlite3_vfs* self, const char* name, int sync) {
    return base_vfs(self)->xDelete(base_vfs(self), name, sync);
  };
  vfs.xAccess = [](sqlite3_vfs* self, const char* name, int flags, int* out) {
    return base_vfs(self)->xAccess(base_vfs(self), name, flags, out);
  };
  vfs.xFullPathname = [](sqlite3_vfs* self, const char* name, int size, char* out) {
    return base_vfs(self)->xFullPathname(base_vfs(self), name, size, out);
  };
  return vfs;
}

}  // namespace

const char* store_vfs() noexcept {
  static const bool registered = [] {
    sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
    if (base == nullptr || base->iVersion < 3) return false;
    static sqlite3_vfs vfs = make_vfs(*base);
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
  }();
  return registered ? kVfsName : nullptr;
}

DatabaseFile& DatabaseFile::of(sqlite3* connection) noexcept {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  CHECK(code == SQLITE_OK && file->pMethods == &kMethods);
  return StoreFile::of(file).connection;
}

void DatabaseFile::lower_read_mark(std::uint32_t frame) noexcept {
  CHECK(pins_log());
  auto* const marks = reinterpret_cast<std::uint32_t*>(wal_index_ + kReadMarksAt);
  // Only the exclusive holder of the lock may raise a mark; this connection's shared lock keeps all
  // others from doing so.
  std::atomic_ref<std::uint32_t> mark(marks[read_lock_]);
  if (mark.load() > frame) mark.store(frame);
}

DatabaseFile::ReadMarks DatabaseFile::read_marks() const noexcept {
  ReadMarks marks{};
  if (wal_index_ == nullptr) return marks;
  auto* const first = reinterpret_cast<std::uint32_t*>(wal_index_ + kReadMarksAt);
  for (std::size_t i = 1; i < marks.size(); ++i) {
    marks[i] = std::atomic_ref<std::uint32_t>(first[i]).load();
  }
  return marks;
}

bool DatabaseFile::read(std::span<std::uint8_t> bytes, std::int64_t offset) noexcept {
  sqlite3_file* const real = StoreFile::real(file_);
  return real->pMethods->xRead(real, bytes.data(), static_cast<int>(bytes.size()), offset) ==
         SQLITE_OK;
}

int StoreFile::open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                    int* out_flags) noexcept {
  sqlite3_vfs* base = base_vfs(vfs);
  StoreFile& self = *new (file) StoreFile{};
  const int code = base->xOpen(base, name, real(file), flags, out_flags);
  // Only a file with methods needs to be closed.
  if (real(file)->pMethods == nullptr || real(file)->pMethods->iVersion < 3) {
    if (real(file)->pMethods != nullptr) real(file)->pMethods->xClose(real(file));
    return code != SQLITE_OK ? code : SQLITE_CANTOPEN;
  }
  self.file.pMethods = &kMethods;
  if (code != SQLITE_OK) return code;
  self.connection.file_ = file;
  if ((flags & SQLITE_OPEN_WAL) != 0) self.database = &of(sqlite3_database_file_object(name));
  return SQLITE_OK;
}

int StoreFile::close(sqlite3_file* file) noexcept {
  const int code = real(file)->pMethods->xClose(real(file));
  std::destroy_at(&of(file));
  return code;
}

// Frames gathered for the log must be written before anything else is done with it.
int StoreFile::write_gathered() noexcept {
  if (database == nullptr || database->frames.is_empty()) return SQLITE_OK;
  WalWriteCoalescer& gathered = database->frames;
  const int code =
      real(&file)->pMethods->xWrite(real(&file), gathered.bytes().data(),
                                    static_cast<int>(gathered.bytes().size()), gathered.offset());
  gathered.clear();
  return code;
}

int StoreFile::write(sqlite3_file* file, const void* bytes, int size,
                     sqlite3_int64 offset) noexcept {
  StoreFile& self = of(file);
  if (self.database != nullptr) {
    WalWriteCoalescer& frames = self.database->frames;
    const bool is_taken = frames.take(bytes, static_cast<std::size_t>(size), offset);
    if (is_taken && !frames.is_due()) return SQLITE_OK;
    const int code = self.write_gathered();
    if (is_taken || code != SQLITE_OK) return code;
  }
  return real(file)->pMethods->xWrite(real(file), bytes, size, offset);
}

int StoreFile::read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) noexcept {
  const int code = of(file).write_gathered();
  return code != SQLITE_OK ? code : real(file)->pMethods->xRead(real(file), bytes, size, offset);
}

int StoreFile::get_size(sqlite3_file* file, sqlite3_int64* size) noexcept {
  const int code = of(file).write_gathered();
  return code != SQLITE_OK ? code : real(file)->pMethods->xFileSize(real(file), size);
}

int StoreFile::sync(sqlite3_file* file, int flags) noexcept {
  const int code = of(file).write_gathered();
  return code != SQLITE_OK ? code : real(file)->pMethods->xSync(real(file), flags);
}

// A checkpoint truncates the database to a size that it nearly always has already; the file system
// may wait for its journal even then.
int StoreFile::truncate(sqlite3_file* file, sqlite3_int64 size) noexcept {
  if (const int code = of(file).write_gathered(); code != SQLITE_OK) return code;
  sqlite3_int64 before = 0;
  const auto* methods = real(file)->pMethods;
  if (methods->xFileSize(real(file), &before) == SQLITE_OK && before == size) return SQLITE_OK;
  return methods->xTruncate(real(file), size);
}

// SQLite extends the -shm file by writing one byte for each 4 KiB. If the file system has smaller
// blocks that leaves holes, and on a full disk the first access to one is a SIGBUS. Having the
// kernel make all pages writable allocates their blocks, and reports a failure as an error instead.
int StoreFile::map_shared_memory(sqlite3_file* file, int region, int size, int extend,
                                 void volatile** out) noexcept {
  const int code = real(file)->pMethods->xShmMap(real(file), region, size, extend, out);
  if (code != SQLITE_OK || *out == nullptr) return code;
  void* begin = const_cast<void*>(*out);
  // EINVAL: a kernel before 5.14, or pages larger than a region.
  if (madvise(begin, static_cast<std::size_t>(size), kPopulateWrite) != 0 && errno != EINVAL) {
    *out = nullptr;
    return errno == EFAULT ? SQLITE_FULL : SQLITE_IOERR_SHMMAP;
  }
  if (region == 0) of(file).connection.wal_index_ = static_cast<unsigned char*>(begin);
  return SQLITE_OK;
}

int StoreFile::unmap_shared_memory(sqlite3_file* file, int remove) noexcept {
  of(file).connection.wal_index_ = nullptr;
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

int StoreFile::lock_shared_memory(sqlite3_file* file, int offset, int count, int flags) noexcept {
  const int code = real(file)->pMethods->xShmLock(real(file), offset, count, flags);
  if (code != SQLITE_OK) return code;
  if ((flags & SQLITE_SHM_SHARED) != 0 && offset >= kFirstReadLock) {
    of(file).connection.read_lock_ = (flags & SQLITE_SHM_LOCK) != 0 ? offset - kFirstReadLock : -1;
  }
  if ((flags & SQLITE_SHM_EXCLUSIVE) != 0 && offset == kWriteLock) of(file).frames.reset();
  return code;
}

}  // namespace picortex
