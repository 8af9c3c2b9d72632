// SPDX-License-Identifier: Apache-2.0
#include "peal/base/process/descendants.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

#include "peal/base/file_text.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// The parent's pid in /proc/<pid>/stat: the second field after the program's name in parentheses,
// which may itself contain parentheses and spaces. 0 if the process has ended.
pid_t parent_of(const fs::path& process) {
  const std::string text = file_text(process / "stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos) return 0;
  std::istringstream rest(text.substr(name_end + 1));
  std::string state;
  pid_t parent = 0;
  rest >> state >> parent;
  return parent;
}

// A cheap test, since reading all of /proc is slow on a machine with many processes.
bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

}  // namespace

Subreaper::Subreaper() {
  ::prctl(PR_GET_CHILD_SUBREAPER, &before_);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Subreaper::~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, before_); }

std::set<pid_t> own_children() {
  std::set<pid_t> children;
  if (!has_children()) return children;
  std::error_code failed;
  for (fs::directory_iterator entry("/proc", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename();
    pid_t pid = 0;
    const auto [rest, code] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (code != std::errc() || rest != name.data() + name.size()) continue;
    if (parent_of(entry->path()) == ::getpid()) children.insert(pid);
  }
  return children;
}

// Killing a child may turn its own children into ours, so the loop repeats until a pass kills
// nothing. It ends, because killed processes cannot fork.
void end_descendants(std::set<pid_t> spared) {
  for (bool has_ended = true; has_ended;) {
    has_ended = false;
    for (const pid_t child : own_children()) {
      if (spared.contains(child)) continue;
      if (::kill(child, SIGKILL) != 0) {
        spared.insert(child);
        continue;
      }
      has_ended = true;  // its children are this process's now
      while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }
}

}  // namespace peal
