#pragma once

#include "daemon/config/option.h"

namespace picortex {

// The event store of `picortex serve`.

inline constexpr Option kDataDir{.flag = "--data-dir",
                                 .variable = "PICORTEX_DATA_DIR",
                                 .placeholder = "DIR",
                                 .fallback = "",
                                 .meaning = "the database and the token file live here",
                                 .allowed = "the path of a directory, at most 4000 bytes",
                                 .fallback_text = "$STATE_DIRECTORY, else ./var",
                                 .example = "/var/lib/picortex"};
inline constexpr Option kDurability{
    .flag = "--durability",
    .variable = "PICORTEX_DURABILITY",
    .placeholder = "WHAT",
    .fallback = "power",
    .meaning = "what 2xx means: power: fsynced; process: survives the process, not a power cut",
    .allowed = "power or process",
    .see = "internals/storage-durability"};
inline constexpr Option kCompressData{
    .flag = "--compress-data",
    .variable = "PICORTEX_COMPRESS_DATA",
    .placeholder = "",
    .fallback = "false",
    .meaning =
        "compress the data of new events: half the disk; other programs that read the database "
        "find none there",
    .kind = Option::Kind::toggle,
    .see = "reference/database"};
inline constexpr Option kRetentionDays{
    .flag = "--retention-days",
    .variable = "PICORTEX_RETENTION_DAYS",
    .placeholder = "DAYS",
    .fallback = "90",
    .meaning = "delete events that are older than this; 0 keeps all",
    .range = {0, 36'500},
    .reload = Option::Reload::at_once,
    .see = "operate/capacity-and-overload"};
inline constexpr Option kMaxDbBytes{
    .flag = "--max-db-bytes",
    .variable = "PICORTEX_MAX_DB_BYTES",
    .placeholder = "SIZE",
    .fallback = "0",
    .meaning =
        "size limit of the database and its log on the disk; the oldest events are deleted "
        "for it; 0 lifts the limit",
    .allowed = "0, or bytes from 64M on, such as 500M or 10G",
    .reload = Option::Reload::at_once,
    .example = "10G",
    .see = "operate/capacity-and-overload"};
inline constexpr Option kMinFreeBytes{
    .flag = "--min-free-bytes",
    .variable = "PICORTEX_MIN_FREE_BYTES",
    .placeholder = "SIZE",
    .fallback = "256M",
    .meaning =
        "reject new events with 503 while less than this is free on the disk; 0 disables the "
        "check",
    .allowed = "a whole number of bytes, or such as 500M or 10G",
    .reload = Option::Reload::at_once,
    .example = "1G",
    .see = "operate/capacity-and-overload"};

}  // namespace picortex
