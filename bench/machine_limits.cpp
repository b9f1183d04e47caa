// What the machine itself takes, whatever runs on it: measurements of different machines are compared
// with these in mind.
//
//   machine_limits DIRECTORY
//
// DIRECTORY: on the disk to measure; the program makes a file in it and removes it. Prints one JSON
// object of medians: a system call in nanoseconds; and in microseconds the wake-up of a thread on the
// same CPU, on another one, and on another one that was idle for a millisecond, which a hypervisor
// may have given to others; an fdatasync of 4 KiB that were appended or written over, and a
// round trip of one byte between two CPUs over TCP on loopback. Takes about two seconds.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 9;
constexpr int kCalls = 100'000;
constexpr int kExchanges = 2'000;
constexpr int kSyncs = 300;
constexpr int kIdleWakeUps = 300;
constexpr std::size_t kPage = 4096;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Returns the nanoseconds that the call takes.
template <class Work>
double time_of(Work work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

template <class Work>
double median_time(int rounds, Work work) {
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) times.push_back(time_of(work));
  return median(std::move(times));
}

// The CPUs that the program may use: the first and the last of them.
struct Cpus {
  int first = 0;
  int last = 0;
};

Cpus allowed_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) die("sched_getaffinity");
  Cpus cpus{.first = -1, .last = -1};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    if (cpus.first < 0) cpus.first = cpu;
    cpus.last = cpu;
  }
  return cpus;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}

double system_call_ns() {
  return median_time(kRounds,
                     [] {
                       for (int i = 0; i < kCalls; ++i) syscall(SYS_getppid);
                     }) /
         kCalls;
}

void put(int file, std::size_t size) {
  const std::uint64_t value = 1;
  if (write(file, &value, size) != static_cast<ssize_t>(size)) die("write");
}

void take(int file, std::size_t size) {
  std::uint64_t value = 0;
  if (read(file, &value, size) != static_cast<ssize_t>(size)) die("read");
}

// One end of a connection between two threads.
struct End {
  int cpu;
  int from;  // where it reads
  int to;    // where it writes
};

// The threads hand `size` bytes to each other. Returns the microseconds of a round trip.
double round_trip_us(const End& own, const End& other, std::size_t size) {
  std::thread partner([other, size] {
    pin_to(other.cpu);
    for (int i = 0; i < kRounds * kExchanges; ++i) {
      take(other.from, size);
      put(other.to, size);
    }
  });
  pin_to(own.cpu);
  const double time = median_time(kRounds, [&] {
    for (int i = 0; i < kExchanges; ++i) {
      put(own.to, size);
      take(own.from, size);
    }
  });
  partner.join();
  return time / kExchanges / 1000;
}

double wake_up_us(int own_cpu, int other_cpu) {
  const int there = eventfd(0, EFD_CLOEXEC);
  const int back = eventfd(0, EFD_CLOEXEC);
  if (there < 0 || back < 0) die("eventfd");
  const End own{.cpu = own_cpu, .from = back, .to = there};
  const End other{.cpu = other_cpu, .from = there, .to = back};
  const double time = round_trip_us(own, other, sizeof(std::uint64_t)) / 2;
  close(there);
  close(back);
  return time;
}

double wake_up_idle_us(const Cpus& cpus) {
  const int file = eventfd(0, EFD_CLOEXEC);
  if (file < 0) die("eventfd");
  std::atomic<Clock::rep> woken = 0;
  std::thread sleeper([&] {
    pin_to(cpus.last);
    for (int i = 0; i < kIdleWakeUps; ++i) {
      take(file, sizeof(std::uint64_t));
      woken = Clock::now().time_since_epoch().count();
    }
  });
  pin_to(cpus.first);
  std::vector<double> times;
  for (int i = 0; i < kIdleWakeUps; ++i) {
    const auto idle_until = Clock::now() + std::chrono::milliseconds(1);
    while (Clock::now() < idle_until) continue;
    woken = 0;
    const auto start = Clock::now().time_since_epoch().count();
    put(file, sizeof(std::uint64_t));
    while (woken == 0) continue;
    times.push_back(static_cast<double>(woken - start) / 1000);
  }
  sleeper.join();
  close(file);
  return median(std::move(times));
}

double loopback_us(const Cpus& cpus) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) die("bind");
  if (listen(listener, 1) != 0) die("listen");
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) die("getsockname");
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(client, reinterpret_cast<sockaddr*>(&address), size) != 0) die("connect");
  const int server = accept(listener, nullptr, nullptr);
  if (server < 0) die("accept");
  const int on = 1;
  for (const int end : {client, server}) {
    setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const End own{.cpu = cpus.last, .from = client, .to = client};
  const End other{.cpu = cpus.first, .from = server, .to = server};
  const double time = round_trip_us(own, other, 1);
  for (const int each : {client, server, listener}) close(each);
  return time;
}

enum class Place : std::uint8_t { appended, written_over };

double sync_us(const std::string& directory, Place place) {
  std::string path = directory + "/machine-limits.XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) die(path.c_str());
  unlink(path.c_str());
  const std::string page(kPage, 'x');
  off_t offset = 0;
  const double time = median_time(kSyncs, [&] {
    if (pwrite(file, page.data(), page.size(), offset) != static_cast<ssize_t>(kPage)) die("write");
    if (fdatasync(file) != 0) die("fdatasync");
    if (place == Place::appended) offset += static_cast<off_t>(kPage);
  });
  close(file);
  return time / 1000;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: machine_limits DIRECTORY\n", stderr);
    return 2;
  }
  const Cpus cpus = allowed_cpus();
  pin_to(cpus.first);
  const double call = system_call_ns();
  const double appended = sync_us(argv[1], Place::appended);
  const double written_over = sync_us(argv[1], Place::written_over);
  const double wake_up = wake_up_us(cpus.first, cpus.first);
  const double wake_up_other = wake_up_us(cpus.first, cpus.last);
  const double wake_up_idle = wake_up_idle_us(cpus);
  const double loopback = loopback_us(cpus);
  std::printf(
      "{\"system_call_ns\":%.1f,\"wake_up_us\":%.2f,\"wake_up_other_cpu_us\":%.2f,"
      "\"wake_up_idle_cpu_us\":%.2f,\"fdatasync_append_us\":%.1f,\"fdatasync_in_place_us\":%.1f,"
      "\"loopback_round_trip_us\":%.2f}\n",
      call, wake_up, wake_up_other, wake_up_idle, appended, written_over, loopback);
  return 0;
}
