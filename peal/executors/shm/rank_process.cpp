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
#include <iostream>
#include <optional>

#include "peal/base/error.h"
#include "peal/executors/shm/memory/part_size.h"

namespace peal {
namespace {

// How often wait() looks at the clock after a failure.
constexpr int look_again_ms = 100;

// How a process has ended: its exit code, and a phrase for reports.
struct End {
  int code = 1;
  std::string text;
};

End end_of(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return {128 + signal, fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal))};
  }
  const int code = WEXITSTATUS(status);
  return {code, fmt::format("exited with code {} before its end", code)};
}

// The end of a process that somebody else has reaped.
End unknown_end(bool has_finished) {
  return {has_finished ? 0 : 1,
          "has ended before its end, and its exit code went to somebody else; leave SIGCHLD and "
          "the children that are not yours alone"};
}

}  // namespace

void flush_output() {
  std::cout.flush();
  std::clog.flush();
  std::fflush(nullptr);
}

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
  flush_output();  // otherwise both processes would write what is buffered
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw UsageError(fmt::format(
        "shm: {} cannot be started: {}", settings_.name(rank),
        explain_failure("fork", errno, "use fewer, or raise the limit of `ulimit -u`")));
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // the parent ended before prctl() took effect
    int code = 1;
    // The child must never return into the caller's code, which goes on in the parent.
    try {
      code = body();
      flush_output();
    } catch (...) {
    }
    ::_exit(code);
  }
  arena_.rank(rank).pid.store(pid);
  const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0 && errno == ESRCH) {  // it has ended, and the system has reaped it
    processes_.push_back({pid, -1});
    note_end(static_cast<std::size_t>(rank), std::nullopt);
    return;
  }
  if (handle < 0) {
    const int code = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    throw UsageError(
        fmt::format("shm: {} cannot be watched: {}", settings_.name(rank),
                    explain_failure("pidfd_open", code, "raise the limit of `ulimit -n`")));
  }
  processes_.push_back({pid, handle});
}

void RankProcesses::reap(std::size_t rank) {
  Process& process = processes_[rank];
  int status = 0;
  const pid_t reaped = ::waitpid(process.pid, &status, WNOHANG);
  if (reaped == 0) return;
  ::close(process.handle);
  process.handle = -1;
  note_end(rank, reaped == process.pid ? std::optional(status) : std::nullopt);
}

void RankProcesses::note_end(std::size_t rank, std::optional<int> status) {
  Process& process = processes_[rank];
  std::atomic<RankState>& control = arena_.rank(static_cast<int>(rank)).state;
  // The program has ended without ever joining its team.
  if (status == 0 && control.load() == RankState::absent) control.store(RankState::finished);
  const RankState state = control.load();
  const End end = status ? end_of(*status) : unknown_end(state == RankState::finished);
  if (state != RankState::finished) {
    // A rank that has stored its own state may have died before it could record its text.
    const bool has_said = state != RankState::absent && state != RankState::running;
    arena_.abort(static_cast<int>(rank), has_said ? state : RankState::dead,
                 fmt::format("{} (process {}) {}", settings_.name(static_cast<int>(rank)),
                             process.pid, end.text));
  }
  process.code = end.code;
  if (code_ == 0) code_ = end.code;
}

int RankProcesses::code() const {
  const int failed = arena_.failed_rank();
  if (failed < 0) return code_;
  const int own = processes_[static_cast<std::size_t>(failed)].code;
  return own != 0 ? own : 1;
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
    if (handles.empty()) return code();
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
      throw UsageError(
          fmt::format("shm: the ranks cannot be waited for: {}", std::strerror(errno)));
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
