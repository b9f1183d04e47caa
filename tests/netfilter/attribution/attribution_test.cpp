#include "netfilter/attribution/attribution.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "tests/netfilter/loopback.h"
#include "tests/support/loop_fixture.h"

using namespace picortex;

namespace {

constexpr const char* kId = "0193391e-9ab4-7def-8abc-0123456789ab";

using Kind = Attribution::Kind;

struct AttributionFixture : LoopFixture {
  ProcessOwner ask(const SocketEnds& ends, Kind kind = Kind::denied) {
    attribution.ask(7, ends, kind);
    work();
    BOOST_REQUIRE(answers.size() == 1u);
    const ProcessOwner found = answers.at(7);
    answers.clear();
    return found;
  }

  void work() {
    while (!attribution.is_idle()) {
      attribution.work_ahead();
      attribution.work_behind();
    }
  }

  void on_process_owner(std::uint32_t ticket, const ProcessOwner& process_owner) noexcept {
    answers[ticket] = process_owner;
  }

  std::map<std::uint32_t, ProcessOwner> answers;
  AgentProcessRegistry runs;
  Attribution attribution{
      *reactor, runs, std::move(*SockDiagQuery::open()),
      Attribution::AnswerCallback::to<&AttributionFixture::on_process_owner>(*this)};
};

// `program` in a child that inherits a socket that no other process holds any more.
struct Client {
  Client(int socket, std::vector<const char*> environment,
         const char* program = "echo; sleep 60 & wait") {
    int ready[2];
    BOOST_REQUIRE(pipe(ready) == 0);
    pid = fork();
    if (pid == 0) {
      dup2(ready[1], 1);
      dup2(socket, 50);  // without close-on-exec
      environment.push_back(nullptr);
      const char* arguments[] = {"sh", "-c", program, "two\nlines", nullptr};
      execve("/bin/sh", const_cast<char**>(arguments), const_cast<char**>(environment.data()));
      _exit(1);
    }
    close(ready[1]);
    char byte;
    BOOST_REQUIRE(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }

  pid_t pid = -1;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(attribution, AttributionFixture)

BOOST_AUTO_TEST_CASE(the_owner_of_each_kind_of_socket_is_found) {
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const LoopbackPair pair(family, type);
      const ProcessOwner process_owner = ask(pair.ends);
      BOOST_TEST(process_owner.pid == getpid());
      BOOST_TEST(process_owner.executable == read_executable(getpid()));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_socket_is_found_by_its_source_when_its_destination_is_not_known) {
  LoopbackPair pair(AF_INET, SOCK_DGRAM);
  pair.ends.destination = {};
  BOOST_TEST(ask(pair.ends).pid == getpid());
  // As when the user's DNS packets are led to the proxy: another destination than the socket's.
  pair.ends.destination = *parse_ip_address("127.0.0.9");
  BOOST_TEST(ask(pair.ends).pid == getpid());
}

BOOST_AUTO_TEST_CASE(a_dual_stack_socket_is_found_by_its_ipv4_packets) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(pair.ends.destination_port);
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr);
  BOOST_REQUIRE(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  SocketEnds ends = pair.ends;
  ends.source_port = ntohs(address.sin6_port);
  BOOST_TEST(ask(ends).pid == getpid());
  close(socket);
}

BOOST_AUTO_TEST_CASE(the_server_that_a_connection_on_loopback_will_reach_is_found) {
  auto query = std::move(*SockDiagQuery::open());
  for (const int family : {AF_INET, AF_INET6}) {
    const LoopbackPair pair(family, SOCK_STREAM);
    const auto server =
        query.find_loopback_server(pair.ends.destination, pair.ends.destination_port);
    BOOST_REQUIRE(server.has_value());
    BOOST_TEST(server->uid == getuid());
    // The client's port has a socket, but no server.
    BOOST_TEST(!query.find_loopback_server(pair.ends.source, pair.ends.source_port).has_value());
  }
  // One that listens on every address of both families.
  const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage any{};
  any.ss_family = AF_INET6;
  socklen_t size = sizeof any;
  BOOST_REQUIRE(bind(socket, reinterpret_cast<sockaddr*>(&any), size) == 0);
  BOOST_REQUIRE(listen(socket, 1) == 0);
  BOOST_REQUIRE(getsockname(socket, reinterpret_cast<sockaddr*>(&any), &size) == 0);
  std::uint16_t port = 0;
  LoopbackPair::address_in(any, port);
  for (const char* address : {"127.0.0.1", "127.0.0.9", "::1"}) {
    const auto server = query.find_loopback_server(*parse_ip_address(address), port);
    BOOST_TEST((server && server->uid == getuid()), address);
  }
  close(socket);
}

BOOST_AUTO_TEST_CASE(the_socket_that_a_datagram_on_loopback_will_reach_is_found) {
  auto query = std::move(*SockDiagQuery::open());
  for (const int family : {AF_INET, AF_INET6}) {
    LoopbackPair pair(family, SOCK_DGRAM);
    const auto server = query.find_loopback_receiver(pair.ends);
    BOOST_REQUIRE(server.has_value());
    BOOST_TEST(server->uid == getuid());
    const auto client = query.find_loopback_receiver({.protocol = pair.ends.protocol,
                                                      .source = pair.ends.destination,
                                                      .source_port = pair.ends.destination_port,
                                                      .destination = pair.ends.source,
                                                      .destination_port = pair.ends.source_port});
    BOOST_REQUIRE(client.has_value());
    BOOST_TEST(client->inode != server->inode);
    // The server receives from any port.
    pair.ends.source_port ^= 1;
    BOOST_TEST(query.find_loopback_receiver(pair.ends)->inode == server->inode);
    close(pair.server);
    BOOST_TEST(!query.find_loopback_receiver(pair.ends).has_value());
    pair.server = -1;
  }
}

BOOST_AUTO_TEST_CASE(a_question_that_is_not_urgent_delays_no_verdict) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  attribution.ask(1, pair.ends, Kind::allowed);
  for (int turn = 0; turn < 100; ++turn) attribution.work_ahead();
  BOOST_TEST(answers.empty());
  while (!attribution.is_idle()) attribution.work_behind();
  BOOST_TEST(answers[1].pid == getpid());
  answers.clear();
  // And once more, now that the process is one of those found before.
  BOOST_TEST(ask(pair.ends, Kind::allowed).pid == getpid());
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_had_another_socket_names_only_what_has_this_one) {
  LoopbackPair first(AF_INET, SOCK_STREAM);
  LoopbackPair second(AF_INET, SOCK_STREAM);
  // Each with the socket as descriptor 50.
  const Client one(first.client, {}, "echo; exec sleep 60");
  const Client other(second.client, {}, "echo; exec sleep 60");
  close(std::exchange(first.client, -1));
  close(std::exchange(second.client, -1));
  for (const Kind kind : {Kind::denied, Kind::allowed, Kind::denied}) {
    BOOST_TEST(ask(first.ends, kind).pid == one.pid);
    BOOST_TEST(ask(second.ends, kind).pid == other.pid);
  }
  attribution.ask(1, first.ends, Kind::allowed);
  attribution.ask(2, second.ends, Kind::denied);
  work();
  BOOST_TEST(answers[1].pid == one.pid);
  BOOST_TEST(answers[2].pid == other.pid);
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_just_started_is_not_taken_for_its_process) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  std::jthread idle([](std::stop_token stop) {
    while (!stop.stop_requested()) usleep(1000);
  });
  BOOST_TEST(ask(pair.ends).pid == getpid());
}

BOOST_AUTO_TEST_CASE(a_search_goes_on_while_others_wait) {
  LoopbackPair pair(AF_INET, SOCK_STREAM);
  const Client client(pair.client, {}, "echo; exec sleep 60");
  close(std::exchange(pair.client, -1));
  // Something has completed, and stays so.
  struct Idle {
    void on_poll(const Completion&) noexcept {}
    Operation poll = Operation::to<&Idle::on_poll>(*this);
  } idle;
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  BOOST_REQUIRE(write(ends[1], "x", 1) == 1);
  reactor->ring().poll(idle.poll, ends[0], POLLIN);
  reactor->ring().submit();
  BOOST_REQUIRE(reactor->ring().has_completions());

  attribution.ask(1, pair.ends, Kind::allowed);
  while (!attribution.is_idle()) attribution.work_behind();
  BOOST_TEST(answers[1].pid == client.pid);
  BOOST_TEST(reactor->ring().has_completions());

  reactor->iterate();
  for (const int end : ends) close(end);
}

BOOST_AUTO_TEST_CASE(an_allowed_connection_that_closed_is_not_searched_for) {
  {
    const LoopbackPair pair(AF_INET, SOCK_STREAM);
    attribution.ask(1, pair.ends, Kind::allowed);
  }
  while (!attribution.is_idle()) attribution.work_behind();
  BOOST_TEST(answers[1].pid == 0);
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_answered_too) {
  SocketEnds ends = LoopbackPair(AF_INET, SOCK_DGRAM).ends;  // closed by now
  BOOST_TEST(ask(ends).pid == 0);
  ends.protocol = kProtocolIcmp;
  BOOST_TEST(ask(ends).pid == 0);
}

BOOST_AUTO_TEST_CASE(ids_are_claimed_by_the_environment_and_registered_by_the_daemon) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  const std::string claim = std::string("PICORTEX_REQUEST_ID=") + kId;
  const Client client(pair.client, {claim.c_str(), "PICORTEX_CHAT_ID=chat-1"});
  // The youngest that holds the socket is the shell's own child, whose environment is the same.
  const ProcessOwner process_owner = ask(pair.ends);
  BOOST_TEST(process_owner.pid != getpid());
  BOOST_TEST(to_string(process_owner.ids.request_id) == kId);
  BOOST_TEST(process_owner.ids.chat_id == "chat-1");
  BOOST_TEST(id_source_label(process_owner.id_source) == "claimed");

  const Uuid registered = *parse_uuid("0193391e-9ab4-7def-8abc-ba9876543210");
  runs.add({client.pid, read_process_stat(client.pid)->start_time + 1}, {registered, "no"});
  BOOST_TEST(id_source_label(ask(pair.ends).id_source) == "claimed");  // another process's number
  runs.add({client.pid, read_process_stat(client.pid)->start_time}, {registered, "yes"});
  const ProcessOwner known = ask(pair.ends);
  BOOST_TEST(id_source_label(known.id_source) == "registered");
  BOOST_TEST((known.ids.request_id == registered));
  BOOST_TEST(known.ids.chat_id == "yes");
}

BOOST_AUTO_TEST_CASE(a_program_that_a_process_executes_is_not_taken_for_its_last_one) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  const std::string gate = "/tmp/picortex-gate-" + std::to_string(getpid());
  BOOST_REQUIRE(mkfifo(gate.c_str(), 0600) == 0);
  const std::string program =
      "echo; read line <" + gate + "; exec env PICORTEX_REQUEST_ID=" + kId + " sleep 60";
  const Client client(pair.client, {"PATH=/usr/bin:/bin"}, program.c_str());
  close(pair.client);
  for (int i = 0; i < 2; ++i) {
    const ProcessOwner before = ask(pair.ends);
    BOOST_TEST(before.pid == client.pid);
    BOOST_TEST(before.command.starts_with("sh -c"));
    BOOST_TEST(id_source_label(before.id_source) == "none");
  }
  std::ofstream(gate) << "go\n";
  for (int i = 0; i < 10'000 && read_command_line(client.pid) != "sleep 60"; ++i) usleep(1000);
  unlink(gate.c_str());
  const ProcessOwner after = ask(pair.ends);
  BOOST_TEST(after.pid == client.pid);
  BOOST_TEST(after.command == "sleep 60");
  BOOST_TEST(id_source_label(after.id_source) == "claimed");
}

BOOST_AUTO_TEST_CASE(a_tracer_that_comes_later_is_noticed) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  const Client other(pair.client, {}, "echo; exec sleep 60");
  close(pair.client);
  BOOST_TEST(ask(pair.ends).tracer_pid == 0);
  runs.add({getpid(), read_process_stat(getpid())->start_time}, {*parse_uuid(kId), "chat-1"});
  runs.add({other.pid, read_process_stat(other.pid)->start_time}, {Uuid{}, "chat-2"});
  BOOST_TEST(ask(pair.ends).tracer_pid == 0);
  BOOST_REQUIRE(ptrace(PTRACE_SEIZE, other.pid, nullptr, nullptr) == 0);
  const ProcessOwner traced = ask(pair.ends);
  BOOST_TEST(traced.tracer_pid == getpid());
  BOOST_TEST(traced.ids.chat_id == "chat-1");
}

BOOST_AUTO_TEST_CASE(a_process_that_forbids_dumps_is_found_although_it_looks_like_roots) {
  if (getuid() != 0) {
    BOOST_TEST_MESSAGE("skipped: only root can see such a process");
    return;
  }
  int ends_pipe[2];
  BOOST_REQUIRE(pipe(ends_pipe) == 0);
  const pid_t hidden = fork();
  if (hidden == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
    prctl(PR_SET_DUMPABLE, 0);
    const LoopbackPair pair(AF_INET, SOCK_STREAM);
    if (write(ends_pipe[1], &pair.ends, sizeof pair.ends) < 0) _exit(1);
    pause();
    _exit(0);
  }
  SocketEnds ends;
  BOOST_REQUIRE(read(ends_pipe[0], &ends, sizeof ends) == sizeof ends);
  BOOST_TEST(ask(ends).pid == hidden);
  kill(hidden, SIGKILL);
  waitpid(hidden, nullptr, 0);
  close(ends_pipe[0]);
  close(ends_pipe[1]);
}

BOOST_AUTO_TEST_CASE(what_a_process_does_for_its_tracer_is_the_tracers) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  // One process alone: a child of it would hold the socket as well, and not be traced.
  const Client other(pair.client, {}, "echo; exec sleep 60");
  runs.add({other.pid, read_process_stat(other.pid)->start_time}, {*parse_uuid(kId), "chat-1"});
  // The child of a fork holds the socket as well: only the traced one shall.
  close(pair.client);
  BOOST_REQUIRE(ptrace(PTRACE_SEIZE, other.pid, nullptr, nullptr) == 0);
  const ProcessOwner traced = ask(pair.ends);
  BOOST_TEST(traced.pid == other.pid);
  BOOST_TEST(traced.tracer_pid == getpid());
  BOOST_TEST((traced.id_source != IdSource::registered));
  BOOST_TEST(traced.ids.chat_id == "");
  // A debugger of the same turn changes nothing.
  runs.add({getpid(), read_process_stat(getpid())->start_time}, {*parse_uuid(kId), "chat-1"});
  const ProcessOwner debugged = ask(pair.ends);
  BOOST_TEST(debugged.tracer_pid == 0);
  BOOST_TEST((debugged.id_source == IdSource::registered));
  BOOST_TEST(debugged.ids.chat_id == "chat-1");
}

BOOST_AUTO_TEST_CASE(a_flood_of_names_leaves_connections_attributed) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  for (std::uint32_t i = 1; i <= 400; ++i) attribution.ask(i, pair.ends, Kind::name);
  attribution.ask(0, pair.ends, Kind::denied);
  work();
  BOOST_TEST(answers[0].pid == getpid());
  BOOST_TEST(answers[400].pid == 0);
}

BOOST_AUTO_TEST_CASE(a_burst_is_answered_whole_and_bounded) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  for (std::uint32_t ticket = 0; ticket < 500; ++ticket)
    attribution.ask(ticket, pair.ends, Kind::denied);
  work();
  BOOST_TEST(answers.size() == 500u);
  BOOST_TEST(answers[0].pid == getpid());
  BOOST_TEST(answers[499].pid == 0);
  BOOST_TEST(attribution.turned_away() == 500u - Attribution::kQuestionsPerIteration);
}

// The loop's time stands still here, so all turns are in one window.
BOOST_AUTO_TEST_CASE(a_flood_over_many_iterations_asks_the_kernel_no_more_than_a_window_allows) {
  constexpr std::uint32_t kAskedATurn = 8;
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  std::uint32_t asked = 0;
  while (asked < 2 * Attribution::kQuestionsPerWindow) {
    for (std::uint32_t i = 0; i < kAskedATurn; ++i)
      attribution.ask(asked++, pair.ends, Kind::denied);
    work();
  }
  BOOST_TEST(attribution.turned_away() == std::uint64_t{Attribution::kQuestionsPerWindow});
  BOOST_TEST(answers[Attribution::kQuestionsPerWindow - 1].pid == getpid());
  BOOST_TEST(answers[Attribution::kQuestionsPerWindow].pid == 0);
}

BOOST_AUTO_TEST_SUITE_END()
