// SPDX-License-Identifier: Apache-2.0
#include "peal/base/process/watched_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/memory/machine_memory.h"
#include "peal/base/process/descendants.h"
#include "peal/base/process/last_words.h"
#include "peal/base/process/process_watch.h"

namespace peal {
namespace {

// The limit of memory for a process that runs kernels; half of the machine's, if that is less.
constexpr std::uint64_t max_memory_bytes = std::uint64_t{8} << 30;

// The first byte of an encoded answer, which says what follows it.
constexpr char an_answer = 'r', a_mistake = 'm', a_quotation = 'q', no_memory = 'n', a_defect = 'd';

bool in_process_only = false;

std::string first_line_with(const char* file, std::string_view key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return {};
}

// LastWords in memory that this process and its fork share.
class SharedWords {
 public:
  SharedWords() {
    void* const memory = ::mmap(nullptr, sizeof(LastWords), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    words_ = new (memory) LastWords;
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const std::uint64_t half =
        pages > 0 ? static_cast<std::uint64_t>(pages) * page_size_bytes() / 2 : max_memory_bytes;
    words_->max_memory_bytes = std::min(half, max_memory_bytes);
  }
  ~SharedWords() { ::munmap(words_, sizeof(LastWords)); }
  SharedWords(const SharedWords&) = delete;
  SharedWords& operator=(const SharedWords&) = delete;
  [[nodiscard]] LastWords& operator*() const { return *words_; }
  [[nodiscard]] LastWords* operator->() const { return words_; }

 private:
  LastWords* words_;
};

void write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the reader is gone
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// In the fork: writes the answer, preceded by its length, and exits by _exit(), because destructors
// and atexit handlers belong to the parent.
[[noreturn]] void answer(const std::function<std::string()>& work, int to, pid_t watcher) {
  // The fork must not outlive the watcher. The watcher may have ended before prctl() took effect;
  // then the fork has another parent already.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != watcher) ::_exit(1);
  const pid_t process = ::getpid();
  const std::string text = work();
  if (::getpid() != process) ::_exit(1);  // a kernel has forked, and this is the child
  const std::uint64_t size = text.size();
  write_all(to, {reinterpret_cast<const char*>(&size), sizeof(size)});
  write_all(to, text);
  std::fflush(stderr);
  ::_exit(0);
}

std::string what_ended(int status) {
  if (WIFEXITED(status)) {
    return "it ends the process with exit code " + std::to_string(WEXITSTATUS(status));
  }
  const int signal = WTERMSIG(status);
  const char* const name = ::sigabbrev_np(signal);
  return "it ends the process by signal " + std::to_string(signal) +
         (name == nullptr ? "" : std::string(" (SIG") + name + ")");
}

void take(WatchedEnd& end, const LastWords::Sentence& sentence) {
  end.rank = sentence.rank;
  end.core = sentence.core;
  end.place = {.file = sentence.file, .line = sentence.line, .address = sentence.address};
}

}  // namespace

// The process is untrusted, so each statement about its end has its own evidence:
// 1. It has ended: waitpid(). End of file on the pipe would show nothing, since kernels can close
//    the pipe or leak it.
// 2. It has answered: the text is exactly as long as its length prefix says. A process killed while
//    writing, or a kernel that writes to the pipe, fails this test.
// 3. It has not stalled: a stopped process is continued in order to be killed, and might still
//    answer; an answer after a stall counts only if the process has published a failure.
// 4. The cause: the published failure, else the stall, else the exit status. Its place is what
//    LastWords::place says, if set.
WatchedEnd run_watched(const std::function<std::string()>& work, double blocked_seconds) {
  const SharedWords words;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw UsageError(std::string("a process for the kernel cannot be made: ") +
                     std::strerror(errno) + "; close files, or use --in-process");
  }
  std::fflush(nullptr);  // otherwise the fork could write buffered output a second time
  make_temporary_cache();
  const std::set<pid_t> others = own_children();
  const Subreaper subreaper;
  const pid_t watcher = ::getpid();
  const pid_t process = ::fork();
  if (process < 0) {
    const int failed = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw UsageError(std::string("a process for the kernel cannot be made: ") +
                     std::strerror(failed) +
                     "; raise the limit of `ulimit -u`, or use --in-process");
  }
  if (process == 0) {
    ::close(ends[0]);
    set_last_words(&*words);
    answer(work, ends[1], watcher);
  }
  ::close(ends[1]);
  const std::string text = ProcessWatch(process, ends[0], *words, blocked_seconds).read();
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  end_descendants(others);
  const LastWords::Sentence& failure = words->failure;
  const bool has_failed = failure.is_set.load(std::memory_order_acquire);
  const Stall stall = words->stall.load();
  WatchedEnd end;
  std::uint64_t size = 0;
  if (text.size() >= sizeof(size)) std::memcpy(&size, text.data(), sizeof(size));
  // Point 3 above.
  const bool may_answer = stall == Stall::none || has_failed;
  if (may_answer && text.size() >= sizeof(size) && text.size() - sizeof(size) == size) {
    end.has_answered = true;
    end.answer = text.substr(sizeof(size));
    return end;
  }
  if (has_failed) {
    end.what = failure.what;
    take(end, failure);
    return end;
  }
  end.what = stall != Stall::none ? text_of(stall) : what_ended(status);
  if (words->place.is_set.load(std::memory_order_acquire)) take(end, words->place);
  return end;
}

double max_blocked_seconds(double limit_seconds) {
  constexpr double least = 5;
  return std::max(least, 2 * limit_seconds);
}

std::string answer_or_error(const std::function<std::string()>& work) {
  try {
    return an_answer + work();
  } catch (const QuotedError& error) {
    return a_quotation + std::string(error.what());
  } catch (const Error& error) {
    return a_mistake + std::string(error.what());
  } catch (const std::bad_alloc&) {
    return std::string(1, no_memory);
  } catch (const std::exception& error) {
    return a_defect + std::string(error.what());
  }
}

std::string answer_of(const WatchedEnd& end) {
  PEAL_CHECK(end.has_answered && !end.answer.empty());
  std::string text = end.answer.substr(1);
  switch (end.answer.front()) {
    case an_answer:
      return text;
    case no_memory:
      throw std::bad_alloc();
    case a_mistake:
      throw UsageError(text);
    case a_quotation:
      throw QuotedError(text);
    default:
      throw std::runtime_error(text);
  }
}

bool can_watch() {
  if (in_process_only) return false;
  std::error_code failed;
  std::size_t threads = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", failed)) {
    static_cast<void>(thread);
    ++threads;
  }
  if (failed || threads != 1) return false;
  const std::string tracer = first_line_with("/proc/self/status", "TracerPid:");
  return tracer.find_first_not_of(" \t0") == std::string::npos;
}

void run_in_process() { in_process_only = true; }

}  // namespace peal
