// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/process/descendants.h"
#include "peal/executors/shm/rank_process.h"

namespace peal {
namespace {

class PipeEnd {
 public:
  explicit PipeEnd(int file) : file_(file) {}
  ~PipeEnd() { close(); }
  PipeEnd(PipeEnd&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  PipeEnd& operator=(PipeEnd&&) = delete;
  void close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }
  [[nodiscard]] int file() const { return file_; }

 private:
  int file_;
};

[[noreturn]] void refuse(int code) {
  throw UsageError(
      fmt::format("launch: ranks cannot be started: {}; raise the limits of `ulimit -n` "
                  "and `ulimit -u`",
                  std::strerror(code)));
}

struct PipeEnds {
  PipeEnd read, write;
};

PipeEnds make_ends() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) refuse(errno);
  return {PipeEnd(ends[0]), PipeEnd(ends[1])};
}

// The supervisor's result as text: the exit code that `body` has returned, or `!` and the text of
// its Error. It goes through a pipe, not as an exit status: where SIGCHLD is ignored the system
// reaps children itself, and waitpid() gets no status.
std::string result_of(const std::function<int(const SupervisorView&)>& body,
                      const SupervisorView& view) {
  try {
    return fmt::format("{}", body(view));
  } catch (const Error& error) {
    return fmt::format("!{}", error.what());
  }
}

// The supervisor's process. Why no descendant survives:
//  1. The launcher dies: only it holds the write end of `launcher` (closed here; close-on-exec in
//     programs), so the system closes it and `body`, which polls the read end, returns.
//  2. `body` ends: end_descendants() kills all children. As a subreaper this process inherits their
//     orphans, and it repeats until no child is left.
//  3. The supervisor is killed: its children become the launcher's, which is a subreaper, too, and
//     kills them once `result` is at its end (see run_in_supervisor()). Ranks also die by
//     themselves with their parent (PR_SET_PDEATHSIG in RankProcesses), even if both are killed.
// Blocking the terminal's signals keeps the supervisor alive to do this when the user interrupts
// the whole group.
[[noreturn]] void keep(const std::function<int(const SupervisorView&)>& body, PipeEnds launcher,
                       PipeEnd result) {
  launcher.write.close();
  SupervisorView view{.launcher = launcher.read.file()};
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, &view.signals_before);
  const Subreaper subreaper;
  const std::string text = result_of(body, view);
  end_descendants({});
  flush_output();
  // If the launcher is dead, write() has to fail, not to raise SIGPIPE.
  ::signal(SIGPIPE, SIG_IGN);
  const char* rest = text.data();
  for (std::size_t left = text.size(); left > 0;) {
    const ssize_t written = ::write(result.file(), rest, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    rest += written;
    left -= static_cast<std::size_t>(written);
  }
  ::_exit(0);
}

std::string read_to_end(const PipeEnd& pipe) {
  std::string text;
  std::array<char, 256> buffer{};
  for (;;) {
    const ssize_t got = ::read(pipe.file(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

// Reading `result` ends when no process holds its write end: the supervisor has ended, and its
// children have ended or exec'ed. If no text has come by then, the supervisor was killed.
int run_in_supervisor(const std::function<int(const SupervisorView&)>& body) {
  PipeEnds launcher = make_ends(), result = make_ends();
  const std::set<pid_t> others = own_children();
  const Subreaper subreaper;  // inherits the children of a supervisor that is killed
  flush_output();             // otherwise both processes would write what is buffered
  const pid_t supervisor = ::fork();
  if (supervisor < 0) refuse(errno);
  if (supervisor == 0) keep(body, std::move(launcher), std::move(result.write));
  launcher.read.close();
  result.write.close();
  const std::string text = read_to_end(result.read);
  while (::waitpid(supervisor, nullptr, 0) < 0 && errno == EINTR) {
  }
  end_descendants(others);
  if (text.starts_with('!')) throw UsageError(text.substr(1));
  if (!text.empty()) return std::stoi(text);
  throw RunError("launch: the process that watches the ranks was killed, and they with it");
}

}  // namespace peal
