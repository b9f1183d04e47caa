#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "cli/bypass_attempts.h"
#include "cli/descriptor.h"
#include "cli/display.h"
#include "cli/egress.h"

namespace picortex {
namespace {

struct User {
  uid_t uid;
  gid_t gid;
};

Result<User> find_user(const std::string& name) {
  uid_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool is_number = error == std::errc{} && end == name.data() + name.size();
  const passwd* entry = is_number ? getpwuid(number) : getpwnam(name.c_str());
  if (entry == nullptr && !is_number) return failure("there is no user " + display(name));
  const User user = entry != nullptr ? User{entry->pw_uid, entry->pw_gid} : User{number, number};
  if (user.uid == 0) return failure("root cannot be the fenced user");
  return user;
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
Outcome run_as(const BypassAttempt& attempt, const std::optional<User>& user) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return Outcome::not_run;
  if (child == 0) {
    if (user && (setgroups(0, nullptr) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)) {
      _exit(static_cast<int>(Outcome::not_run));
    }
    _exit(static_cast<int>(attempt.run() ? Outcome::came_through : Outcome::stopped));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return Outcome::not_run;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) > 2) return Outcome::not_run;
  return static_cast<Outcome>(WEXITSTATUS(status));
}

}  // namespace

int egress_selftest(const EgressOptions& options) {
  if (geteuid() != 0) {
    return egress_failed(1, "selftest acts as the fenced user: run it as root");
  }
  const auto user = find_user(options.user);
  if (!user) return egress_failed(1, user.error().what);
  const Descriptor v4(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor v6(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const LoopbackService loopback{.tcp_port = listen_on_loopback(v4.number(), false),
                                 .tcp6_port = listen_on_loopback(v6.number(), true)};
  int passed = 0;
  int holes = 0;
  for (const BypassAttempt& attempt :
       bypass_attempts(options.targets, "api.anthropic.com", loopback)) {
    // What fails for root as well says nothing about the fence.
    const bool is_possible = run_as(attempt, std::nullopt) == Outcome::came_through;
    const Outcome outcome = is_possible ? run_as(attempt, *user) : Outcome::not_run;
    const bool is_hole = outcome == Outcome::came_through;
    passed += outcome == Outcome::stopped ? 1 : 0;
    holes += is_hole ? 1 : 0;
    std::printf("%s  %s%s\n",
                is_hole                       ? "FAIL"
                : outcome == Outcome::stopped ? "pass"
                                              : "skip",
                attempt.name.c_str(), is_possible ? "" : ": not possible for root either");
  }
  std::printf("%d stopped, %d came through\n", passed, holes);
  if (holes > 0) return 1;
  return passed > 0 ? 0 : egress_failed(1, "nothing could be tried");
}

}  // namespace picortex
