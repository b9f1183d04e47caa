#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"
#include "cli/egress/egress_command.h"
#include "cli/egress/one_way_probes.h"
#include "cli/egress/packet_witness.h"
#include "cli/egress/selftest_probes.h"
#include "netfilter/kernel/fenced_user.h"

namespace picortex {
namespace {

struct User {
  uid_t uid;
  gid_t gid;
};

// The UIDs to act as: the user's own, and one that is granted to the user, if any.
struct Users {
  User own;
  std::optional<User> sub;
};

Result<Users> find_users(const std::string& name) {
  const auto fenced = TRY(find_fenced_user(name));
  const passwd* entry = getpwuid(fenced.uid());
  Users users{.own = {fenced.uid(), entry != nullptr ? entry->pw_gid : fenced.uid()}, .sub = {}};
  if (fenced.ranges.size() > 1) {
    users.sub = User{fenced.ranges[1].first, fenced.ranges[1].first};
  }
  return users;
}

// Listens on a port that the kernel chooses. The kernel itself completes the connections.
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

// Runs the attempt in a process of its own, as `user`, or as the current user if none is given.
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

// Returns sixteen letters that occur in no other packet.
std::string fresh_mark() {
  std::random_device random;
  std::string mark = "picortex";
  for (int letter = 0; letter < 16; ++letter) mark += static_cast<char>('a' + random() % 26);
  return mark;
}

// Returns whether packets of the attempt get past the witness.
Outcome run_before(PacketWitness& witness, const OneWayProbe::Send& send,
                   const std::optional<User>& user) {
  constexpr std::chrono::milliseconds kPatience{300};
  const std::string mark = fresh_mark();
  const auto run = [&] {
    send(mark);
    return false;
  };
  witness.expire();
  if (run_as(run, user) == Outcome::not_run) return Outcome::not_run;
  if (witness.sees(mark, kPatience)) return Outcome::came_through;
  return witness.lost_packets() ? Outcome::not_run : Outcome::stopped;
}

// The results of all attempts.
struct Tally {
  int passed = 0;
  int holes = 0;
};

void say(const char* word, const std::string& name, const char* why = "") {
  std::printf("%s  %s%s\n", word, name.c_str(), why);
}

void record(const std::string& name, Outcome outcome, Tally& tally) {
  switch (outcome) {
    case Outcome::came_through:
      ++tally.holes;
      return say("FAIL", name);
    case Outcome::stopped:
      ++tally.passed;
      return say("pass", name);
    case Outcome::not_run:
      say("skip", name, ": no process could be created, or packets were lost");
  }
}

void judge(const SelftestProbe& attempt, const Users& users, Tally& tally) {
  if (attempt.as_sub_uid && !users.sub)
    return say("skip", attempt.name, ": /etc/subuid grants none");
  // An attempt that fails for root too proves nothing about the fence.
  if (run_as(attempt.run, std::nullopt) != Outcome::came_through) {
    return say("skip", attempt.name, ": not possible for root either");
  }
  record(attempt.name, run_as(attempt.run, attempt.as_sub_uid ? *users.sub : users.own), tally);
}

void judge(const OneWayProbe& attempt, PacketWitness& witness, const Users& users, Tally& tally) {
  const auto& control = attempt.control ? attempt.control : attempt.send;
  if (run_before(witness, control, std::nullopt) != Outcome::came_through) {
    return say("skip", attempt.name, ": not possible for root either");
  }
  record(attempt.name, run_before(witness, attempt.send, users.own), tally);
}

// Watches for packets that need no answer: where they arrive if there is such a place, else where
// they leave.
struct Witnesses {
  PacketWitness leaving;
  std::optional<PacketWitness> arriving;
};

Result<Witnesses> find_witnesses(const std::optional<IpAddress>& oracle) {
  Witnesses witnesses{TRY(PacketWitness::on_the_way_out()), {}};
  if (oracle) witnesses.arriving = TRY(PacketWitness::at(*oracle));
  return witnesses;
}

void judge_one_way(const EgressOptions& options, Witnesses& witnesses, const Users& users,
                   Tally& tally) {
  for (const OneWayProbe& attempt : local_one_way_attempts(options.names, options.targets)) {
    judge(attempt, witnesses.leaving, users, tally);
  }
  const auto targets = options.oracle ? std::vector{*options.oracle} : options.targets;
  PacketWitness& witness = witnesses.arriving ? *witnesses.arriving : witnesses.leaving;
  for (const IpAddress& target : targets) {
    for (const OneWayProbe& attempt : one_way_attempts(target)) {
      judge(attempt, witness, users, tally);
    }
  }
}

}  // namespace

int egress_selftest(const EgressOptions& options) {
  if (geteuid() != 0) {
    return egress_failed(1, "selftest acts as the fenced user: run it as root");
  }
  const auto users = find_users(options.user);
  if (!users) return egress_failed(1, users.error().what);
  auto witnesses = find_witnesses(options.oracle);
  if (!witnesses) return egress_failed(1, witnesses.error().what);
  const FileDescriptor v4(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const FileDescriptor v6(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const LoopbackService loopback{.tcp_port = listen_on_loopback(v4.number(), false),
                                 .tcp6_port = listen_on_loopback(v6.number(), true)};
  const SelftestNames& names = options.names;
  if (run_as([&] { return reaches(names.allowed); }, users->own) != Outcome::came_through) {
    std::printf(
        "note  the user does not reach %s although it is allowed: denials there prove little\n",
        names.allowed.c_str());
  }
  if (names.allowed_http.empty()) {
    say("skip", "HTTP with another Host", ": no host that is allowed on port 80 was named");
  }
  Tally tally;
  for (const SelftestProbe& attempt : bypass_attempts(options.targets, names, loopback)) {
    judge(attempt, *users, tally);
  }
  judge_one_way(options, *witnesses, *users, tally);
  std::printf("%d stopped, %d came through\n", tally.passed, tally.holes);
  if (tally.holes > 0) return 1;
  return tally.passed > 0 ? 0 : egress_failed(1, "nothing could be tried");
}

}  // namespace picortex
