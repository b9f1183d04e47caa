#include <fcntl.h>
#include <unistd.h>

#include "base/terminal.h"
#include "cli/doctor/checks.h"
#include "handlers/http/middleware/named_tokens.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

std::string octal(mode_t mode) {
  const unsigned bits = mode & 07777;
  return {'0', static_cast<char>('0' + (bits >> 6 & 7)), static_cast<char>('0' + (bits >> 3 & 7)),
          static_cast<char>('0' + (bits & 7))};
}

// `user:group` for chown(1), by number, since a user may have no name.
std::string owner_of(const HostUser& user) {
  return std::to_string(user.uid) + ':' + std::to_string(user.gid);
}

void check_directory(const Examined& examined, const std::string& directory, Findings& findings) {
  const auto status = examined.host.look(directory);
  if (!status) {
    return findings.warning("data_dir.exists",
                            "there is no data directory " + shell_word(directory) +
                                ": either serve has never run, or it uses another one (--data-dir)",
                            "install -d -m 700 " + shell_word(directory));
  }
  if (!S_ISDIR(status->st_mode)) {
    return findings.problem("data_dir.exists", shell_word(directory) + " is not a directory",
                            "mv " + shell_word(directory) + ' ' + shell_word(directory + ".old") +
                                " && install -d -m 700 " + shell_word(directory));
  }
  if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    findings.problem("data_dir.mode",
                     shell_word(directory) + " has mode " + octal(status->st_mode) +
                         ": other users may replace the token and the database",
                     "chmod 700 " + shell_word(directory));
  } else if ((status->st_mode & S_IRWXO) != 0) {
    findings.warning("data_dir.mode",
                     shell_word(directory) + " has mode " + octal(status->st_mode) +
                         ": other users may look into it",
                     "chmod o= " + shell_word(directory));
  } else {
    findings.ok("data_dir.mode", shell_word(directory) + " has mode " + octal(status->st_mode) +
                                     " and belongs to " + examined.daemon_user.name);
  }
}

// A file with secrets: the daemon rejects one that is open to others or not its own.
void check_secret(const Examined& examined, const std::string& path, std::string_view check,
                  Findings& findings) {
  const auto status = examined.host.look(path);
  if (!status) return;
  if (status->st_uid != examined.daemon_user.uid) {
    return findings.problem(
        std::string(check) + ".owner",
        shell_word(path) + " belongs to " + examined.host.user_of(status->st_uid).name +
            ", and the directory to " + examined.daemon_user.name + ", so the daemon cannot use it",
        "chown " + owner_of(examined.daemon_user) + ' ' + shell_word(path));
  }
  if ((status->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return findings.problem(std::string(check) + ".mode",
                            shell_word(path) + " has mode " + octal(status->st_mode) +
                                ": the daemon does not start with it, and other users may have "
                                "read the secret; replace it if they have",
                            "chmod 600 " + shell_word(path));
  }
  findings.ok(std::string(check) + ".mode", shell_word(path) + " can be read by its owner alone");
}

void check_tokens(const Examined& examined, const std::string& directory, Findings& findings) {
  check_secret(examined, directory + "/token", "token", findings);
  const std::string path = directory + '/' + std::string(kTokensFile);
  check_secret(examined, path, "tokens", findings);
  const auto readable = examined.host.may(examined.host.user_of(examined.host.uid), path, R_OK);
  if (!examined.host.exists(path) || !readable || !*readable) return;
  if (const auto tokens = load_named_tokens(directory); !tokens) {
    findings.problem("tokens.content", tokens.error().what,
                     "mv " + shell_word(path) + ' ' + shell_word(path + ".broken") +
                         "  # then make the tokens again: picortex token create");
  }
}

// A restore or an import as root leaves files that the daemon cannot write.
void check_owners(const Examined& examined, const std::string& directory, Findings& findings) {
  std::string foreign;
  for (const std::string& name : examined.host.list(directory)) {
    if (name == "token" || name == kTokensFile) continue;
    const auto status = examined.host.look(directory + '/' + name);
    if (!status || status->st_uid == examined.daemon_user.uid) continue;
    foreign += (foreign.empty() ? "" : ", ") + shell_word(name);
  }
  if (foreign.empty()) {
    return findings.ok("data_dir.owner", "its files belong to " + examined.daemon_user.name);
  }
  findings.problem("data_dir.owner",
                   "in " + shell_word(directory) + " these do not belong to " +
                       examined.daemon_name() + ": " + foreign,
                   "chown -R " + owner_of(examined.daemon_user) + ' ' + shell_word(directory));
}

}  // namespace

void check_data_dir(const Examined& examined, Findings& findings) {
  const std::string& directory = examined.options().data_dir;
  check_directory(examined, directory, findings);
  if (!examined.has_data_dir) return;
  const auto reachable =
      examined.host.obstacle(examined.host.user_of(examined.host.uid), directory, R_OK | X_OK);
  if (reachable && !reachable->empty()) {
    return findings.skipped("data_dir.files", "this user may not look into " +
                                                  shell_word(directory) + ": run it as root or " +
                                                  examined.daemon_user.name);
  }
  check_owners(examined, directory, findings);
  check_tokens(examined, directory, findings);
}

void check_database(const Examined& examined, Findings& findings) {
  const std::string path = examined.options().data_dir + "/picortex.db";
  if (!examined.host.exists(path)) {
    return findings.skipped("database.schema",
                            "there is no " + shell_word(path) + " here to look at");
  }
  auto database = Database::open_read_only(path);
  if (!database) {
    const auto readable = examined.host.may(examined.host.user_of(examined.host.uid), path, R_OK);
    if (readable && !*readable) return findings.skipped("database.schema", database.error().what);
    return findings.problem(
        "database.open", database.error().what,
        "picortex db check --data-dir " + shell_word(examined.options().data_dir));
  }
  const auto version = (*database)->integer_of("PRAGMA user_version");
  if (!version) {
    return findings.problem(
        "database.open", version.error().what,
        "picortex db check --data-dir " + shell_word(examined.options().data_dir));
  }
  const std::string names = shell_word(path) + " has schema " + std::to_string(*version);
  if (*version > kSchemaVersion) {
    return findings.problem("database.schema",
                            names + "; this picortex knows " + std::to_string(kSchemaVersion) +
                                ": a newer one has made it",
                            "apt install --only-upgrade picortex");
  }
  if (*version < kSchemaVersion) {
    return findings.warning(
        "database.schema",
        names + ", and this picortex needs " + std::to_string(kSchemaVersion) +
            ": the daemon upgrades it when it starts, and logs, why and stats "
            "read it only then",
        examined.host.has_systemd()
            ? "systemctl restart picortex"
            : "picortex serve --data-dir " + shell_word(examined.options().data_dir));
  }
  findings.ok("database.schema", names + ", which is current");
}

}  // namespace picortex
