// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/compiler_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string_view>

#include "peal/base/error.h"

extern char** environ;

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_message_bytes = std::size_t{1} << 20;

[[noreturn]] void refuse(const std::string& compiler, int code) {
  throw UsageError(fmt::format("compiler `{}` cannot be started: {}; install g++ or set CXX",
                               compiler, std::strerror(code)));
}

bool is_program(const fs::path& path, struct stat& status) {
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

// The path of a program, searched for as execvp(3) does; empty if there is none.
fs::path found_program(const std::string& name, struct stat& status) {
  if (name.find('/') != name.npos) return is_program(name, status) ? fs::path(name) : fs::path();
  const char* const value = std::getenv("PATH");
  std::istringstream folders(value == nullptr ? "/bin:/usr/bin" : value);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path path = fs::path(folder.empty() ? "." : folder) / name;
    if (is_program(path, status)) return path;
  }
  return {};
}

// The environment of a child: this process's, with TMPDIR set to `folder`.
CommandWords environment(const fs::path& folder) {
  CommandWords result{"TMPDIR=" + folder.string()};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("TMPDIR=")) result.emplace_back(*entry);
  }
  return result;
}

std::vector<char*> pointers_to(CommandWords& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

// Reads a pipe to its end, so that the writer never blocks, and keeps the first part of the text.
std::string read_to_end(int pipe) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(pipe, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    if (text.size() < max_message_bytes) text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

ChosenCompiler chosen_compiler() {
  const char* const chosen = std::getenv("CXX");
  std::istringstream text(chosen == nullptr ? "" : chosen);
  ChosenCompiler result;
  for (std::string word; text >> word;) result.words.push_back(word);
  if (result.words.empty()) result.words = {"g++"};
  struct stat status = {};
  const fs::path program = found_program(result.words.front(), status);
  if (program.empty()) refuse(result.words.front(), ENOENT);
  struct utsname machine = {};
  ::uname(&machine);
  result.identity = fmt::format("{} {} {}.{:09} {}", program.string(), status.st_size,
                                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, machine.machine);
  return result;
}

ProgramResult run_program(const CommandWords& words, const fs::path& folder) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) refuse(words.front(), errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  CommandWords arguments = words, variables = environment(folder);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, arguments.front().c_str(), &actions, nullptr,
                                    pointers_to(arguments).data(), pointers_to(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  ProgramResult result;
  if (failed == 0) result.messages = read_to_end(ends[0]);
  ::close(ends[0]);
  if (failed != 0) refuse(words.front(), failed);
  int status = 0;
  pid_t ended = 0;
  while ((ended = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {
  }
  // If the caller ignores SIGCHLD, the system reaps the child and its status is lost. Assume
  // success then: the caller checks the files that the program has to write.
  if (ended < 0) status = 0;
  result.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return result;
}

}  // namespace peal
