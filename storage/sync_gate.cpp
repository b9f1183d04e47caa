#include "storage/sync_gate.h"

#include <sys/stat.h>

#include <memory>
#include <new>

#include "base/check.h"
#include "storage/frame_gatherer.h"

namespace picortex {
namespace {

constexpr const char* kVfsName = "picortex";
// The wal-index's locks: write, checkpoint, recover, and from here on one for each read mark
// (sqlite.org/walformat.html, section 2.3).
constexpr int kWriteLock = 0;
constexpr int kFirstReadLock = 3;

sqlite3_vfs* base_vfs(sqlite3_vfs* vfs) noexcept {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

}  // namespace

// A file of the gated VFS. The real one lies behind it.
struct GatedFile {
  sqlite3_file file;
  SyncGate::File kind;
  GatedFile* database;   // the connection's; null: this is neither that nor its log
  SyncGate gate;         // used in the database's, as is the next
  FrameGatherer frames;  // on their way to the log

  static GatedFile& of(sqlite3_file* file) noexcept { return *reinterpret_cast<GatedFile*>(file); }
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
  static int lock_shared_memory(sqlite3_file* file, int offset, int count, int flags) noexcept;

  void note_descriptor(sqlite3_vfs* base) noexcept;
  int write_gathered() noexcept;
};

namespace {

// Hands a method's call on to the real file.
template <auto Method>
struct Forward;

template <class... Arguments, int (*sqlite3_io_methods::*Method)(sqlite3_file*, Arguments...)>
struct Forward<Method> {
  static int call(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* real = GatedFile::real(file);
    return (real->pMethods->*Method)(real, arguments...);
  }
};

void barrier(sqlite3_file* file) {
  sqlite3_file* real = GatedFile::real(file);
  real->pMethods->xShmBarrier(real);
}

using Methods = sqlite3_io_methods;

constexpr Methods kMethods = {
    .iVersion = 3,
    .xClose = GatedFile::close,
    .xRead = GatedFile::read,
    .xWrite = GatedFile::write,
    .xTruncate = GatedFile::truncate,
    .xSync = GatedFile::sync,
    .xFileSize = GatedFile::get_size,
    .xLock = Forward<&Methods::xLock>::call,
    .xUnlock = Forward<&Methods::xUnlock>::call,
    .xCheckReservedLock = Forward<&Methods::xCheckReservedLock>::call,
    .xFileControl = Forward<&Methods::xFileControl>::call,
    .xSectorSize = Forward<&Methods::xSectorSize>::call,
    .xDeviceCharacteristics = Forward<&Methods::xDeviceCharacteristics>::call,
    .xShmMap = Forward<&Methods::xShmMap>::call,
    .xShmLock = GatedFile::lock_shared_memory,
    .xShmBarrier = barrier,
    .xShmUnmap = Forward<&Methods::xShmUnmap>::call,
    .xFetch = Forward<&Methods::xFetch>::call,
    .xUnfetch = Forward<&Methods::xUnfetch>::call,
};

// What an fstat(2) of SQLite's was asked about last: how its descriptor is learned.
int descriptor_seen = -1;

int noting_fstat(int descriptor, struct stat* status) {
  descriptor_seen = descriptor;
  return fstat(descriptor, status);
}

sqlite3_vfs make_vfs(sqlite3_vfs& base) noexcept {
  sqlite3_vfs vfs = base;
  vfs.szOsFile += static_cast<int>(sizeof(GatedFile));
  vfs.pNext = nullptr;
  vfs.zName = kVfsName;
  vfs.pAppData = &base;
  vfs.xOpen = GatedFile::open;
  // The others take the VFS that they are called with for their own.
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

const char* gated_vfs() noexcept {
  static const bool registered = [] {
    sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
    if (base == nullptr || base->iVersion < 3) return false;
    static sqlite3_vfs vfs = make_vfs(*base);
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
  }();
  return registered ? kVfsName : nullptr;
}

SyncGate& SyncGate::of(sqlite3* connection) noexcept {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  CHECK(code == SQLITE_OK && file->pMethods == &kMethods);
  return GatedFile::of(file).gate;
}

bool SyncGate::stops(File file) noexcept {
  if (file == File::log ? synced_.log : synced_.database) return false;
  owed_ = file;
  return true;
}

int GatedFile::open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                    int* out_flags) noexcept {
  sqlite3_vfs* base = base_vfs(vfs);
  GatedFile& gated = *new (file) GatedFile{};
  const int code = base->xOpen(base, name, real(file), flags, out_flags);
  // Only a file with methods is closed.
  if (real(file)->pMethods == nullptr || real(file)->pMethods->iVersion < 3) {
    if (real(file)->pMethods != nullptr) real(file)->pMethods->xClose(real(file));
    return code != SQLITE_OK ? code : SQLITE_CANTOPEN;
  }
  gated.file.pMethods = &kMethods;
  if (code != SQLITE_OK) return code;
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
    gated.kind = SyncGate::File::database;
    gated.database = &gated;
    gated.note_descriptor(base);
  } else if ((flags & SQLITE_OPEN_WAL) != 0) {
    gated.kind = SyncGate::File::log;
    gated.database = &of(sqlite3_database_file_object(name));
  }
  return SQLITE_OK;
}

void GatedFile::note_descriptor(sqlite3_vfs* base) noexcept {
  const auto noting = reinterpret_cast<sqlite3_syscall_ptr>(noting_fstat);
  if (base->xSetSystemCall(base, "fstat", noting) != SQLITE_OK) return;
  sqlite3_int64 size = 0;
  descriptor_seen = -1;
  const int code = real(&file)->pMethods->xFileSize(real(&file), &size);
  base->xSetSystemCall(base, "fstat", nullptr);
  if (code == SQLITE_OK) gate.database_descriptor_ = descriptor_seen;
}

int GatedFile::close(sqlite3_file* file) noexcept {
  const int code = real(file)->pMethods->xClose(real(file));
  std::destroy_at(&of(file));
  return code;
}

// What has gathered for the log goes there before anything else is done with it.
int GatedFile::write_gathered() noexcept {
  if (kind != SyncGate::File::log || database->frames.is_empty()) return SQLITE_OK;
  FrameGatherer& gathered = database->frames;
  const int code =
      real(&file)->pMethods->xWrite(real(&file), gathered.bytes().data(),
                                    static_cast<int>(gathered.bytes().size()), gathered.offset());
  gathered.clear();
  return code;
}

int GatedFile::write(sqlite3_file* file, const void* bytes, int size,
                     sqlite3_int64 offset) noexcept {
  GatedFile& gated = of(file);
  if (gated.kind == SyncGate::File::log) {
    FrameGatherer& frames = gated.database->frames;
    const bool is_taken = frames.take(bytes, static_cast<std::size_t>(size), offset);
    if (is_taken && !frames.is_due()) return SQLITE_OK;
    const int code = gated.write_gathered();
    if (is_taken || code != SQLITE_OK) return code;
  }
  return real(file)->pMethods->xWrite(real(file), bytes, size, offset);
}

int GatedFile::read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) noexcept {
  const int code = of(file).write_gathered();
  return code != SQLITE_OK ? code : real(file)->pMethods->xRead(real(file), bytes, size, offset);
}

int GatedFile::get_size(sqlite3_file* file, sqlite3_int64* size) noexcept {
  const int code = of(file).write_gathered();
  return code != SQLITE_OK ? code : real(file)->pMethods->xFileSize(real(file), size);
}

int GatedFile::sync(sqlite3_file* file, int flags) noexcept {
  GatedFile& gated = of(file);
  if (const int code = gated.write_gathered(); code != SQLITE_OK) return code;
  if (gated.database == nullptr || !gated.database->gate.closed_) {
    return real(file)->pMethods->xSync(real(file), flags);
  }
  return gated.database->gate.stops(gated.kind) ? SQLITE_BUSY : SQLITE_OK;
}

// A checkpoint truncates the database to the size that it nearly always has already; the file
// system may wait for its journal even then.
int GatedFile::truncate(sqlite3_file* file, sqlite3_int64 size) noexcept {
  if (const int code = of(file).write_gathered(); code != SQLITE_OK) return code;
  sqlite3_int64 before = 0;
  const auto* methods = real(file)->pMethods;
  if (methods->xFileSize(real(file), &before) == SQLITE_OK && before == size) return SQLITE_OK;
  return methods->xTruncate(real(file), size);
}

int GatedFile::lock_shared_memory(sqlite3_file* file, int offset, int count, int flags) noexcept {
  const int code = real(file)->pMethods->xShmLock(real(file), offset, count, flags);
  if (code != SQLITE_OK) return code;
  if ((flags & SQLITE_SHM_SHARED) != 0 && offset >= kFirstReadLock) {
    of(file).gate.read_mark_ = (flags & SQLITE_SHM_LOCK) != 0 ? offset - kFirstReadLock : -1;
  }
  if ((flags & SQLITE_SHM_EXCLUSIVE) != 0 && offset == kWriteLock) of(file).frames.reset();
  return code;
}

}  // namespace picortex
