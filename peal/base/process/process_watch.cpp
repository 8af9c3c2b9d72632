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
constexpr double max_elapsed_seconds = 0.3;  // the maximum that one sample adds to elapsed time
// The time limit from a published failure to the complete answer.
constexpr double max_report_seconds = 10;
// The time limit from SIGVTALRM to a published failure.
constexpr double max_ending_seconds = 1;
constexpr std::size_t max_text_bytes = std::size_t{1} << 30;
// Tolerance, since the process measures its limit by ticks of user time only, and this watchdog
// measures user and system time.
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
    // End of file on the pipe does not show that the process has ended: a kernel may have closed
    // the pipe, or passed it on to a process that it forked. So the process is polled, too.
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
  from_ = -1;  // stop reading: only a kernel gone wild writes that much
}

bool ProcessWatch::has_ended() const {
  siginfo_t info{};
  const int failed =
      ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT);
  if (failed != 0) return errno == ECHILD;
  return info.si_pid == process_;
}

// The process runs if any of its threads does; otherwise its state is the greatest of its threads'
// states in the order of `State`. It also counts as running if /proc cannot be read.
ProcessWatch::State ProcessWatch::state() const {
  State result = State::sleeps;
  std::error_code failed;
  for (const auto& thread :
       std::filesystem::directory_iterator(folder_of(process_) + "/task", failed)) {
    std::ifstream file(thread.path() / "stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(") ");
    if (name_end == text.npos) continue;  // the thread has just ended
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

// One sample. In this order: a process that has published its failure gets time for its report; one
// that was found to stall gets time to publish its place; otherwise progress resets all clocks, and
// sleeping or spinning without progress beyond a limit is a stall.
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
  // While no kernel runs `moves` stands still, and any use of the processor counts as progress.
  const bool computes = guarded == 0 && (has_used || now == State::runs);
  if (computes || guarded != guarded_seconds_ || moves != moves_ ||
      words_.rightful_waits.load() != 0) {
    guarded_seconds_ = guarded;
    moves_ = moves;
    used_at_move_ = used;
    waited_seconds_ = 0;
    return;
  }
  // While kernels run, one that wakes up briefly between sleeps counts as waiting, too. A process
  // in uninterruptible sleep that uses the processor does not: it may be paging in.
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

// A stopped process handles no signal until SIGCONT continues it; it then handles the pending
// SIGVTALRM before it executes anything else.
void ProcessWatch::ask() {
  ::kill(process_, SIGVTALRM);
  if (words_.stall.load() == Stall::stopped) ::kill(process_, SIGCONT);
}

}  // namespace peal
