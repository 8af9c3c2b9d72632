// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/rank_set.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "bench/peers/rendezvous.h"

namespace peal::peers {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds look_again{100};
constexpr seconds start_limit{60}, answer_limit{120}, end_limit{5}, signal_limit{2};

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int signal) { interrupted = signal; }

// The last line of a file with a letter or digit in it.
std::string last_words(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    const bool says =
        std::any_of(line.begin(), line.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
    if (says) last = line;
  }
  return last;
}

}  // namespace

void prepare_signals() {
  struct sigaction action {};
  action.sa_handler = note_interrupt;  // no SA_RESTART, so that poll() returns with EINTR
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void check_interrupt() {
  if (interrupted != 0) throw Interrupted();
}

void end_children() {
  // When a child is killed, its own children become children of this process (the subreaper).
  for (int tries = 0; tries < 100; ++tries) {
    std::ifstream children(fmt::format("/proc/self/task/{}/children", ::getpid()));
    for (pid_t child = 0; children >> child;) ::kill(child, SIGKILL);
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0) return;  // no children are left
    ::usleep(10'000);
  }
}

Listener::Listener(const std::string& path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool fits = path.size() < sizeof address.sun_path;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size(), sizeof address.sun_path - 1));
  if (!fits || socket_ < 0 ||
      ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(socket_, Rendezvous::max_ranks) < 0) {
    throw std::runtime_error(fmt::format("no socket can be made at {}: {}", path,
                                         fits ? std::strerror(errno) : "the path is too long"));
  }
}

Listener::~Listener() { ::close(socket_); }

Channel Listener::accept() const {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  const int ready = ::poll(&waiting, 1, look_again.count());
  check_interrupt();
  if (ready <= 0) return {};
  return Channel(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC));
}

RankSet::RankSet(const SetSpec& spec, std::uint32_t index, const Location& place,
                 const Setup& setup, const Listener& listener)
    : name_(spec.name), log_(fmt::format("{}/set{}.log", place.folder, index)) {
  channels_.resize(static_cast<std::size_t>(place.ranks));
  try {
    for (const auto& command : spec.commands) start(command, spec, place);
    connect(index, setup, listener);
  } catch (...) {
    end();
    throw;
  }
}

RankSet::~RankSet() { end(); }

void RankSet::start(const std::vector<std::string>& command, const SetSpec& spec,
                    const Location& place) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));  // exec does not write to it
  }
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) fail(fmt::format("cannot be started: {}", std::strerror(errno)));
  if (child > 0) {
    launchers_.push_back(child);
    return;
  }
  // In a separate process group the child does not get the terminal's Ctrl-C: this process ends it.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int nothing = ::open("/dev/null", O_RDONLY);
  const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::setenv("TMPDIR", place.folder.c_str(), 1);
  for (const std::string& variable : spec.environment) {
    const auto equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  ::execvp(arguments.front(), arguments.data());
  fmt::print(stderr, "{} cannot be run: {}\n", command.front(), std::strerror(errno));
  ::_exit(127);
}

void RankSet::connect(std::uint32_t index, const Setup& setup, const Listener& listener) {
  const int file = ::memfd_create("rendezvous", MFD_CLOEXEC);
  const Channel owner(file);  // closes the file
  if (file < 0 || ::ftruncate(file, Rendezvous::size_bytes) < 0) fail("has no shared memory");
  const Clock::time_point limit = Clock::now() + start_limit;
  for (std::size_t connected = 0; connected < channels_.size();) {
    if (has_ended()) fail("does not start");
    if (Clock::now() > limit)
      fail(fmt::format("takes more than {} s to start", start_limit.count()));
    Channel channel = listener.accept();
    Hello hello;
    if (!channel.open() || !channel.receive(&hello, sizeof hello)) continue;
    const auto rank = static_cast<std::size_t>(hello.rank);
    if (hello.set != index) continue;  // a rank of a set that was abandoned
    if (rank >= channels_.size() || hello.ranks != static_cast<int>(channels_.size())) {
      fail(fmt::format("has a rank {} of {}", hello.rank, hello.ranks));
    }
    channels_[rank] = std::move(channel);
    ++connected;
  }
  for (const Channel& channel : channels_) channel.send_setup(setup, file);
  idle_ = true;
}

Batch RankSet::measure(const Command& command) {
  idle_ = false;
  try {
    for (const Channel& channel : channels_) channel.send(&command, sizeof command);
  } catch (const std::runtime_error&) {
    fail("has lost a rank");
  }
  Batch batch;
  batch.times_ns.resize(channels_.size());
  const Clock::time_point limit = Clock::now() + answer_limit;
  std::vector<pollfd> waiting;
  for (const Channel& channel : channels_) {
    waiting.push_back({.fd = channel.socket(), .events = POLLIN, .revents = 0});
  }
  for (std::size_t answers = 0; answers < channels_.size();) {
    if (Clock::now() > limit) fail(fmt::format("gives no answer for {} s", answer_limit.count()));
    ::poll(waiting.data(), waiting.size(), look_again.count());
    check_interrupt();
    for (std::size_t rank = 0; rank < waiting.size(); ++rank) {
      if (waiting[rank].fd < 0 || waiting[rank].revents == 0) continue;
      Reply reply;
      std::vector<double>& times = batch.times_ns[rank];
      bool complete = channels_[rank].receive(&reply, sizeof reply);
      times.resize(reply.times);
      complete = complete && channels_[rank].receive(times.data(), times.size() * sizeof(double));
      if (!complete) fail(fmt::format("has lost rank {}", rank));
      batch.wrong += reply.wrong;
      batch.line_before_ns = std::max(batch.line_before_ns, reply.line_before_ns);
      batch.line_after_ns = std::max(batch.line_after_ns, reply.line_after_ns);
      waiting[rank].fd = -1;
      ++answers;
    }
  }
  idle_ = true;
  return batch;
}

bool RankSet::has_ended() {
  const std::size_t before = launchers_.size();
  std::erase_if(launchers_, [](pid_t child) { return ::waitpid(child, nullptr, WNOHANG) != 0; });
  return launchers_.size() < before;
}

void RankSet::end() {
  const auto wait = [this](Clock::duration limit) {
    const Clock::time_point end = Clock::now() + limit;
    while (!launchers_.empty() && Clock::now() < end) {
      static_cast<void>(has_ended());
      if (!launchers_.empty()) ::usleep(2'000);
    }
  };
  if (idle_) {
    const Command quit;
    try {
      for (const Channel& channel : channels_) channel.send(&quit, sizeof quit);
      wait(end_limit);
    } catch (const std::runtime_error&) {
      idle_ = false;  // a rank has ended already
    }
  }
  channels_.clear();
  for (const pid_t launcher : launchers_) ::kill(launcher, SIGTERM);
  wait(signal_limit);
  // A rank ends when its launcher does (PR_SET_PDEATHSIG).
  for (const pid_t launcher : launchers_) ::kill(-launcher, SIGKILL);
  wait(signal_limit);
}

void RankSet::fail(const std::string& what) const {
  const std::string words = last_words(log_);
  throw SetFailed(fmt::format("{} {}{}", name_, what,
                              words.empty() ? "" : fmt::format("; it says: {}", words)));
}

}  // namespace peal::peers
