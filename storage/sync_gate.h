#pragma once

#include <sqlite3.h>

namespace picortex {

// The name of the VFS (sqlite.org/vfs.html) that Database opens its files with: SQLite's default
// one, but for the syncs that a SyncGate stops and the frames that a FrameGatherer makes one write
// of. Registers it at the first call; none where that
// failed.
const char* gated_vfs() noexcept;

// Lets the owner of a connection do its fsyncs itself, in the order that SQLite wants them. While
// it is closed, a sync that SQLite asks for is not done but answered with SQLITE_BUSY, on which
// SQLite leaves off before whatever depends on it: a checkpoint does not count the copied frames
// as copied, a COMMIT leaves the transaction open. The owner syncs the file that is owed, and
// makes the same call again, this time with a permission: SQLite writes the same bytes again, and
// is told that they are on the disk, which they are.
//
// One for each connection, inside the database's sqlite3_file. Open, it changes nothing.
class SyncGate {
 public:
  enum class File { none, log, database };

  // Closes the gate for as long as it lives, but for the files that it names.
  class Closed {
   public:
    struct Permissions {
      bool log = false;
      bool database = false;
    };
    Closed(SyncGate& gate, Permissions synced) noexcept : gate_(gate) {
      gate_.closed_ = true;
      gate_.synced_ = synced;
      gate_.owed_ = File::none;
    }
    Closed(const Closed&) = delete;
    Closed& operator=(const Closed&) = delete;
    ~Closed() { gate_.closed_ = false; }

   private:
    SyncGate& gate_;
  };

  // Of a connection whose VFS is gated_vfs().
  static SyncGate& of(sqlite3* connection) noexcept;

  // The file whose sync was stopped since the gate was closed last.
  File owed() const noexcept { return owed_; }
  // SQLite's own descriptor of the database: a second one, when closed, would drop SQLite's locks.
  int database_descriptor() const noexcept { return database_descriptor_; }
  // Whether the connection's read transaction keeps the log from starting anew. (One that began
  // when all of the log was copied does not.)
  bool pins_log() const noexcept { return read_mark_ > 0; }

 private:
  friend struct GatedFile;

  bool stops(File file) noexcept;

  bool closed_ = false;
  Closed::Permissions synced_;
  File owed_ = File::none;
  int database_descriptor_ = -1;
  int read_mark_ = -1;  // the wal-index's read lock that the connection holds, from 0
};

}  // namespace picortex
