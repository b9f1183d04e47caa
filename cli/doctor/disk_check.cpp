#include "base/terminal.h"
#include "cli/doctor/checks.h"

namespace picortex {
namespace {

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string add_line(const Examined& examined, const std::string& line) {
  const std::string file =
      examined.config.file.empty() ? "/etc/picortex/picortex.conf" : examined.config.file;
  return "printf '%s\\n' " + shell_word(line) + " >> " + shell_word(file);
}

void check_room(const Examined& examined, const DiskRoom& room, Findings& findings) {
  const std::string directory = shell_word(examined.options().data_dir);
  const std::uint64_t least = examined.options().disk_free_min;
  const std::string free = megabytes(room.free_bytes) + " are free at " + directory;
  const std::string look = "du -xh " + directory + " | sort -h | tail; df -h " + directory;
  if (room.free_bytes < least) {
    findings.problem("disk.free",
                     free + ", less than --min-free-bytes (" + megabytes(least) +
                         "): new events are rejected with 503",
                     look);
  } else if (room.free_bytes < 2 * least) {
    findings.warning("disk.free", free + "; below " + megabytes(least) + " new events are rejected",
                     look);
  } else {
    findings.ok("disk.free", free);
  }
  if (room.inodes > 0 && room.free_inodes < room.inodes / 100) {
    findings.warning("disk.inodes",
                     std::to_string(room.free_inodes) + " of " + std::to_string(room.inodes) +
                         " inodes are free at " + directory + ": soon no file can be made",
                     "du -x --inodes " + directory + " | sort -n | tail; df -i " + directory);
  }
}

}  // namespace

void check_disk(const Examined& examined, Findings& findings) {
  const ServeOptions& options = examined.options();
  const auto room = examined.host.room(options.data_dir);
  if (!room) {
    findings.skipped("disk.free",
                     "the disk of " + shell_word(options.data_dir) + " cannot be looked at");
  } else {
    check_room(examined, *room, findings);
    const std::string elsewhere = add_line(examined, "PICORTEX_DATA_DIR=/var/lib/picortex");
    if (room->is_in_memory) {
      findings.warning(
          "disk.kind",
          shell_word(options.data_dir) + " is in memory: its events end with the next reboot",
          elsewhere);
    } else if (room->is_network) {
      findings.problem("disk.kind",
                       shell_word(options.data_dir) +
                           " is on a network file system, whose locks do not protect the database",
                       elsewhere);
    }
  }
  if (options.retention.age_max_ms == 0 && options.retention.size_max == 0) {
    findings.warning("disk.retention",
                     "events are kept for ever (--retention-days 0, --max-db-bytes 0): the "
                     "database grows until the disk is full",
                     add_line(examined, "PICORTEX_MAX_DB_BYTES=10G"));
  } else {
    findings.ok("disk.retention", "old events are deleted");
  }
}

}  // namespace picortex
