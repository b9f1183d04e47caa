#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <optional>

#include "cli/bypass_attempts.h"
#include "cli/descriptor.h"
#include "cli/egress.h"
#include "netfilter/fenced_user.h"

namespace picortex {
namespace {

struct User {
  uid_t uid;
  gid_t gid;
};

// The UIDs to act under: the user's own, and one that it is granted, if any.
struct Users {
  User own;
  std::optional<User> sub;
};

Result<Users> find_users(const std::string& name) {
  const auto fenced = find_fenced_user(name);
  if (!fenced) return std::unexpected(fenced.error());
  const passwd* entry = getpwuid(fenced->uid());
  Users users{.own = {fenced->uid(), entry != nullptr ? entry->pw_gid : fenced->uid()}, .sub = {}};
  if (fenced->ranges.size() > 1) {
    users.sub = User{fenced->ranges[1].first, fenced->ranges[1].first};
  }
  return users;
}

// Listens on a port of the kernel's choice; the kernel itself makes the connections.
std::uint16_t listen_on_loopback(int socket, bool is_v6) {
  sockaddr_storage address{};
  socklen_t size = is_v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  address.ss_family = is_v6 ? AF_INET6 : AF_INET;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (is_v6) {
    v6.sin6_addr = in6addr_loopback;
  } else {
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket, raw, size) != 0 || listen(socket, 64) != 0) return 0;
  if (getsockname(socket, raw, &size) != 0) return 0;
  return ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
}

enum class Outcome : int { came_through = 0, stopped = 1, not_run = 2 };

// The attempt in a process of its own, as `user` or as who we are.
Outcome run_as(const std::function<bool()>& attempt, const std::optional<User>& user) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return Outcome::not_run;
  if (child == 0) {
    if (user && (setgroups(0, nullptr) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)) {
      _exit(static_cast<int>(Outcome::not_run));
    }
    _exit(static_cast<int>(attempt() ? Outcome::came_through : Outcome::stopped));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return Outcome::not_run;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) > 2) return Outcome::not_run;
  return static_cast<Outcome>(WEXITSTATUS(status));
}

// What became of all attempts.
struct Tally {
  int passed = 0;
  int holes = 0;
};

void say(const char* word, const std::string& name, const char* why = "") {
  std::printf("%s  %s%s\n", word, name.c_str(), why);
}

void judge(const BypassAttempt& attempt, const Users& users, Tally& tally) {
  if (attempt.as_sub_uid && !users.sub)
    return say("skip", attempt.name, ": /etc/subuid grants none");
  // What fails for root as well says nothing about the fence.
  if (run_as(attempt.run, std::nullopt) != Outcome::came_through) {
    return say("skip", attempt.name, ": not possible for root either");
  }
  switch (run_as(attempt.run, attempt.as_sub_uid ? *users.sub : users.own)) {
    case Outcome::came_through:
      ++tally.holes;
      return say("FAIL", attempt.name);
    case Outcome::stopped:
      ++tally.passed;
      return say("pass", attempt.name);
    case Outcome::not_run:
      say("skip", attempt.name, ": no process could be made");
  }
}

}  // namespace

int egress_selftest(const EgressOptions& options) {
  if (geteuid() != 0) {
    return egress_failed(1, "selftest acts as the fenced user: run it as root");
  }
  const auto users = find_users(options.user);
  if (!users) return egress_failed(1, users.error().what);
  const Descriptor v4(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor v6(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const LoopbackService loopback{.tcp_port = listen_on_loopback(v4.number(), false),
                                 .tcp6_port = listen_on_loopback(v6.number(), true)};
  const BypassNames& names = options.names;
  if (run_as([&] { return reaches(names.allowed); }, users->own) != Outcome::came_through) {
    std::printf("note  the user does not reach %s as it may: refusals there prove little\n",
                names.allowed.c_str());
  }
  if (names.allowed_http.empty()) {
    say("skip", "HTTP with another Host", ": no host that is allowed on port 80 was named");
  }
  Tally tally;
  for (const BypassAttempt& attempt : bypass_attempts(options.targets, names, loopback)) {
    judge(attempt, *users, tally);
  }
  std::printf("%d stopped, %d came through\n", tally.passed, tally.holes);
  if (tally.holes > 0) return 1;
  return tally.passed > 0 ? 0 : egress_failed(1, "nothing could be tried");
}

}  // namespace picortex
