// SPDX-License-Identifier: Apache-2.0
#include "peal/base/process/process_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "peal/base/process/watched_process.h"

namespace peal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int look_ms = 100;
constexpr double max_elapsed_seconds = 0.3;  // what a look counts at most
// From the last words to the answer: to compile a report of findings takes less.
constexpr double max_report_seconds = 10;
// From the signal to the last words.
constexpr double max_ending_seconds = 1;
constexpr std::size_t max_text_bytes = std::size_t{1} << 30;
// The process knows its limit by ticks, in which the system's part of the time does not count.
constexpr double spin_factor = 1.5, spin_seconds = 1;

double processor_seconds(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::string folder_of(pid_t process) { return "/proc/" + std::to_string(process); }

bool is_traced(pid_t process) {
  std::ifstream lines(folder_of(process) + "/status");
  constexpr std::string_view key = "TracerPid:";
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key)) return line.find_first_not_of(" \t0", key.size()) != line.npos;
  }
  return false;
}

}  // namespace

ProcessWatch::ProcessWatch(pid_t process, int from, LastWords& words, double blocked_seconds)
    : process_(process),
      from_(from),
      handle_(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))),
      words_(words),
      blocked_seconds_(blocked_seconds) {
  ::fcntl(from_, F_SETFL, O_NONBLOCK);
}

ProcessWatch::~ProcessWatch() {
  if (handle_ >= 0) ::close(handle_);
}

std::string ProcessWatch::read() {
  std::string text;
  for (;;) {
    // A kernel may have closed the pipe, or handed it to a process that it has forked: neither
    // tells of the end of this one.
    pollfd looks[] = {{.fd = from_, .events = POLLIN, .revents = 0},
                      {.fd = handle_, .events = POLLIN, .revents = 0}};
    ::poll(looks, 2, look_ms);
    const bool is_last = has_ended();
    if (from_ >= 0) read_available(text);
    if (is_last) return text;
    look();
  }
}

void ProcessWatch::read_available(std::string& text) {
  while (text.size() < max_text_bytes) {
    char buffer[65536];
    const ssize_t size = ::read(from_, buffer, sizeof(buffer));
    if (size == 0) from_ = -1;
    if (size <= 0) return;
    text.append(buffer, static_cast<std::size_t>(size));
  }
  from_ = -1;  // a kernel writes to it without end
}

bool ProcessWatch::has_ended() const {
  siginfo_t info{};
  const int failed =
      ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT);
  if (failed != 0) return errno == ECHILD;
  return info.si_pid == process_;
}

// A process waits or is stopped when each of its threads is.
ProcessWatch::State ProcessWatch::state() const {
  State result = State::sleeps;
  std::error_code failed;
  for (const auto& thread :
       std::filesystem::directory_iterator(folder_of(process_) + "/task", failed)) {
    std::ifstream file(thread.path() / "stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(") ");
    if (name_end == text.npos) continue;  // it has just ended
    switch (text[name_end + 2]) {
      case 'S':
        break;
      case 'T':
        result = State::stopped;
        break;
      case 'D':
        result = std::max(result, State::waits_for_device);
        break;
      default:
        return State::runs;
    }
  }
  return failed ? State::runs : result;
}

void ProcessWatch::look() {
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_look_).count();
  if (since < look_ms * 1e-3) return;
  last_look_ = now;
  judge(std::min(since, max_elapsed_seconds));
}

void ProcessWatch::judge(double elapsed) {
  if (words_.failure.is_set.load(std::memory_order_acquire)) {
    reporting_seconds_ += elapsed;
    if (reporting_seconds_ > max_report_seconds) ::kill(process_, SIGKILL);
    return;
  }
  if (words_.stall.load() != Stall::none) {
    ending_seconds_ += elapsed;
    if (ending_seconds_ > max_ending_seconds) {
      ::kill(process_, SIGKILL);
    } else {
      ask();
    }
    return;
  }
  const double used = processor_seconds(process_);
  const bool has_used = used - used_ > 0.001;
  used_ = used;
  const double guarded = words_.guarded_seconds.load();
  const std::uint32_t moves = words_.moves.load();
  const State now = state();
  // Without kernels there are no moves, and whatever is computed is right.
  const bool computes = guarded == 0 && (has_used || now == State::runs);
  if (computes || guarded != guarded_seconds_ || moves != moves_ ||
      words_.rightful_waits.load() != 0) {
    guarded_seconds_ = guarded;
    moves_ = moves;
    used_at_move_ = used;
    waited_seconds_ = 0;
    return;
  }
  // With kernels, one that wakes up between its sleeps has waited, too; but what takes its pages
  // back from a disk has not.
  if (now == State::sleeps || now == State::stopped ||
      (now == State::waits_for_device && !has_used)) {
    waited_seconds_ += elapsed;
  }
  const double max_waited =
      guarded == 0 ? blocked_seconds_ : std::min(blocked_seconds_, max_blocked_seconds(guarded));
  if (waited_seconds_ > max_waited) {
    return end_for(now == State::stopped ? Stall::stopped : Stall::waits);
  }
  if (guarded != 0 && used - used_at_move_ > spin_factor * guarded + spin_seconds) {
    end_for(Stall::spins);
  }
}

void ProcessWatch::end_for(Stall stall) {
  if (is_traced(process_)) return;
  words_.stall = stall;
  if (guarded_seconds_ == 0) {
    ::kill(process_, SIGKILL);
  } else {
    ask();
  }
}

// What is stopped takes no signal until it goes on, and then takes them before it does anything
// else.
void ProcessWatch::ask() {
  ::kill(process_, SIGVTALRM);
  if (words_.stall.load() == Stall::stopped) ::kill(process_, SIGCONT);
}

}  // namespace peal
