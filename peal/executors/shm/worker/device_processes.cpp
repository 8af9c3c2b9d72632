// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/worker/device_processes.h"

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <new>
#include <string>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/sanitizers.h"
#include "peal/executors/shm/rank_process.h"
#include "peal/executors/shm/worker/device_supervisor.h"

namespace peal {
namespace {

using Clock = std::chrono::steady_clock;

// How long the supervisor has to exit after `quit`, before it is killed.
constexpr int patience_ms = 5000;

// The thread sanitizer runs a thread of its own.
constexpr std::ptrdiff_t max_threads = is_thread_sanitized ? 2 : 1;

std::ptrdiff_t count_threads() {
  std::error_code failed;  // a container may lack /proc; then assume one thread
  const std::filesystem::directory_iterator threads("/proc/self/task", failed);
  return failed ? 1 : std::distance(threads, std::filesystem::directory_iterator());
}

void check_threads() {
  // A thread that was joined stays listed for a moment.
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(100);
  while (count_threads() > max_threads && Clock::now() < end) ::sched_yield();
  const std::ptrdiff_t count = count_threads();
  if (count <= max_threads) return;
  throw UsageError(
      fmt::format("worker: the process has {} threads, and devices of platform shm are processes, "
                  "which cannot be forked safely then; open the worker before threads are started",
                  count));
}

ShmArena arena_for(const std::vector<int>& numbers) {
  if (numbers.size() > static_cast<std::size_t>(ShmArena::max_ranks)) {
    throw UsageError(fmt::format("worker: {} devices; platform shm takes 1 to {}", numbers.size(),
                                 ShmArena::max_ranks));
  }
  check_threads();
  ShmArena arena = ShmArena::make(static_cast<int>(numbers.size()));
  arena.close_file();
  return arena;
}

[[noreturn]] void refuse_supervisor() {
  throw UsageError(fmt::format(
      "worker: the process that keeps its devices cannot be started: {}",
      explain_failure("fork", errno, "raise the limits of `ulimit -u` and `ulimit -n`")));
}

}  // namespace

DeviceProcesses::DeviceProcesses(std::vector<int> numbers, Platform platform)
    : numbers_(std::move(numbers)), platform_(std::move(platform)), arena_(arena_for(numbers_)) {
  // A wrong PEAL_TIMEOUT throws here, before any process starts.
  static_cast<void>(arena_.wait_policy());
  arena_.restart_symmetric(memory_bytes());
  const std::size_t offset =
      arena_.take_symmetric("mailboxes", DevicesControl::bytes_of(numbers_.size()));
  control_ = new (arena_.part(0) + offset) DevicesControl{};
  symmetric_begin_ = arena_.control().symmetric_bytes.load();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) refuse_supervisor();
  socket_ = ends[0];
  const pid_t parent = ::getpid();
  flush_output();  // otherwise both processes would write what is buffered
  supervisor_ = ::fork();
  if (supervisor_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::close(socket_);
    // The terminal sends SIGINT to all processes of the group; only the driver's handles it.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGCHLD, SIG_DFL);
    DeviceSupervisor(arena_, *control_, numbers_, platform_, ends[1]).work();
    ::_exit(0);
  }
  ::close(ends[1]);
  if (supervisor_ > 0) handle_ = static_cast<int>(::syscall(SYS_pidfd_open, supervisor_, 0));
  if (handle_ < 0) {
    const int code = errno;
    ::close(socket_);  // makes the supervisor exit
    if (supervisor_ > 0) ::waitpid(supervisor_, nullptr, 0);
    errno = code;
    refuse_supervisor();
  }
  arena_.exclude_from_fork();
}

DeviceProcesses::~DeviceProcesses() {
  if (arena_.is_mapped()) end_supervisor();  // false in a process that the driver's has forked
  ::close(handle_);
  ::close(socket_);
}

void DeviceProcesses::end_supervisor() const {
  send(SupervisorMessage::quit);
  pollfd end{.fd = handle_, .events = POLLIN, .revents = 0};
  while (::poll(&end, 1, patience_ms) < 0 && errno == EINTR) {
  }
  if (end.revents == 0) ::kill(supervisor_, SIGKILL);
  while (::waitpid(supervisor_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// An error means that the supervisor has ended, which wait_for_ack() reports.
void DeviceProcesses::send(SupervisorMessage message) const {
  while (::send(socket_, &message, 1, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

bool DeviceProcesses::supervisor_lives() const {
  pollfd end{.fd = handle_, .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, 0) <= 0;
}

bool DeviceProcesses::wait_for_ack(SharedWord& word, std::uint32_t target) const {
  constexpr std::chrono::milliseconds most(100);
  const WaitPolicy policy = arena_.wait_policy();
  while (!wait_briefly(word.word(), target, policy, most)) {
    if (!supervisor_lives() || have_failed()) return false;
  }
  return true;
}

std::string DeviceProcesses::end_of_supervisor() const {
  return fmt::format(
      "the process {}, which kept the worker's devices, has ended, and the devices with it; open a "
      "new worker",
      supervisor_);
}

void DeviceProcesses::add_programs(std::string_view packed) {
  control_->programs = packed.data();
  control_->programs_bytes = packed.size();
  control_->is_refused = false;
  send(SupervisorMessage::programs);
  if (!wait_for_ack(control_->answers, ++answers_)) throw RunError(end_of_supervisor());
  if (control_->is_refused) throw UsageError(control_->refusal);
}

bool DeviceProcesses::start() {
  if (started_ && !have_failed()) return false;
  stop();
  arena_.reset();
  for (std::size_t device = 0; device < numbers_.size(); ++device) {
    new (&control_->mailbox(static_cast<int>(device))) TaskMailbox{};
  }
  control_->ready.value = 0;
  started_ = true;
  send(SupervisorMessage::start);
  // If a device could not be started, the first wait for a task reports it.
  static_cast<void>(wait_for_ack(control_->ready, static_cast<std::uint32_t>(numbers_.size())));
  return true;
}

void DeviceProcesses::stop() {
  if (!started_) return;
  send(SupervisorMessage::stop);
  ++stops_;
  // If the supervisor has ended, the system has killed the devices.
  while (!wait_for_ack(control_->stops, stops_) && supervisor_lives()) {
  }
  started_ = false;
}

std::optional<std::string> DeviceProcesses::end() {
  if (std::optional<std::string> failure = arena_.failure()) {
    stop();
    // After stop() its text is complete.
    return arena_.failure();
  }
  if (!supervisor_lives()) return end_of_supervisor();
  return std::nullopt;
}

}  // namespace peal
