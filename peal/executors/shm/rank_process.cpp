// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/rank_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>

#include "peal/base/error.h"

namespace peal {
namespace {

// How often the clock is looked at when a rank has failed.
constexpr int look_again_ms = 100;

// What wait() says about the end of a process.
std::string describe_end(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                       ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("exited with code {} before its end", WEXITSTATUS(status));
}

}  // namespace

void RankProcesses::kill_all() {
  for (const Process& process : processes_) {
    if (process.handle >= 0) ::kill(process.pid, SIGKILL);
  }
}

RankProcesses::~RankProcesses() {
  kill_all();
  for (Process& process : processes_) {
    if (process.handle < 0) continue;
    int status = 0;
    while (::waitpid(process.pid, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(process.handle);
  }
}

void RankProcesses::fork(const std::function<int()>& body) {
  const auto rank = static_cast<int>(processes_.size());
  const pid_t parent = ::getpid();
  // What is buffered would be written by both.
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw Error(
        fmt::format("shm: {} cannot be started: {}; use fewer, or raise the limit of `ulimit -u`",
                    settings_.name(rank), std::strerror(errno)));
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it has ended before
    const int code = body();
    std::fflush(nullptr);
    ::_exit(code);
  }
  arena_.rank(rank).pid.store(pid);
  const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) {
    const int code = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    throw Error(fmt::format("shm: {} cannot be watched: {}; raise the limit of `ulimit -n`",
                            settings_.name(rank), std::strerror(code)));
  }
  processes_.push_back({pid, handle});
}

void RankProcesses::reap(std::size_t rank) {
  Process& process = processes_[rank];
  int status = 0;
  if (::waitpid(process.pid, &status, WNOHANG) != process.pid) return;
  ::close(process.handle);
  process.handle = -1;
  std::atomic<RankState>& control = arena_.rank(static_cast<int>(rank)).state;
  // A program that has no use for its team.
  if (control.load() == RankState::absent && status == 0) control.store(RankState::finished);
  const RankState state = control.load();
  if (state == RankState::absent || state == RankState::running) {
    arena_.break_off(static_cast<int>(rank), RankState::dead,
                     fmt::format("{} (process {}) {}", settings_.name(static_cast<int>(rank)),
                                 process.pid, describe_end(status)));
  }
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (code_ == 0) code_ = code;
}

int RankProcesses::wait(double grace_seconds) {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> deadline;
  bool stopped = false;
  for (;;) {
    std::vector<pollfd> handles;
    std::vector<std::size_t> ranks;
    for (std::size_t rank = 0; rank < processes_.size(); ++rank) {
      if (processes_[rank].handle < 0) continue;
      handles.push_back({.fd = processes_[rank].handle, .events = POLLIN, .revents = 0});
      ranks.push_back(rank);
    }
    if (handles.empty()) return code_;
    if (settings_.stop >= 0 && !stopped) {
      handles.push_back({.fd = settings_.stop, .events = POLLIN, .revents = 0});
    }
    int patience_ms = -1;
    if (arena_.failure()) {
      if (!deadline) {
        deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(grace_seconds));
      }
      if (Clock::now() >= *deadline) kill_all();
      patience_ms = look_again_ms;
    }
    if (::poll(handles.data(), handles.size(), patience_ms) < 0 && errno != EINTR) {
      throw Error(fmt::format("shm: the ranks cannot be waited for: {}", std::strerror(errno)));
    }
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      if (handles[i].revents != 0) reap(ranks[i]);
    }
    if (handles.size() > ranks.size() && handles.back().revents != 0) {
      stopped = true;
      kill_all();
    }
  }
}

}  // namespace peal
