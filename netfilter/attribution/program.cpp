#include "netfilter/attribution/program.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/file_descriptor.h"

extern char** environ;

namespace picortex {
namespace {

constexpr std::size_t kOutputSizeMax = 16 << 20;

// Creates a file in memory: unlike a pipe it never fills, so it need not be read while the program
// runs.
FileDescriptor memory_file(const char* name) {
  return FileDescriptor(memfd_create(name, MFD_CLOEXEC));
}

std::string contents(const FileDescriptor& file) {
  std::string text;
  const off_t size = lseek(file.number(), 0, SEEK_END);
  if (size <= 0) return text;
  text.resize(std::min<std::size_t>(static_cast<std::size_t>(size), kOutputSizeMax));
  const ssize_t got = pread(file.number(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

bool write_all(const FileDescriptor& file, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t size =
        pwrite(file.number(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (size <= 0) return false;
    done += static_cast<std::size_t>(size);
  }
  return true;
}

int spawn(const std::vector<char*>& arguments, const std::string& path, const FileDescriptor& in,
          const FileDescriptor& out, const FileDescriptor& err, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, in.number(), 0);
  posix_spawn_file_actions_adddup2(&files, out.number(), 1);
  posix_spawn_file_actions_adddup2(&files, err.number(), 2);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error =
      posix_spawnp(&pid, path.c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

}  // namespace

Result<ProgramResult> run_program(std::span<const std::string> arguments, std::string_view input) {
  const FileDescriptor in = memory_file("stdin");
  const FileDescriptor out = memory_file("stdout");
  const FileDescriptor err = memory_file("stderr");
  if (!in.is_open() || !out.is_open() || !err.is_open() || !write_all(in, input)) {
    return errno_failure("cannot create a file in memory");
  }
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_t pid = -1;
  int error = spawn(pointers, arguments.front(), in, out, err, pid);
  if (error == ENOENT) error = spawn(pointers, "/usr/sbin/" + arguments.front(), in, out, err, pid);
  if (error != 0) {
    return failure("cannot start " + arguments.front() + ": " + std::strerror(error), error);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return errno_failure("cannot wait");
  }
  return ProgramResult{.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                       .output = contents(out),
                       .errors = contents(err)};
}

}  // namespace picortex
