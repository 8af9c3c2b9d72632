// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/process_team.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/notes.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/rank_device.h"
#include "peal/executors/shm/rank_process.h"
#include "peal/executors/shm/wait/team_watch.h"
#include "peal/launch/platforms.h"
#include "peal/launch/supervisor.h"

namespace peal {
namespace {

constexpr const char* rank_variable = "PEAL_RANK";
constexpr const char* file_variable = "PEAL_SHM_FD";
constexpr int cannot_be_run = 127;   // the shells' exit code for this
constexpr double grace_seconds = 5;  // from the first failure until the other ranks are killed

int number_of(const char* variable) {
  const char* const text = std::getenv(variable);
  int value = -1;
  if (text != nullptr) {
    const std::string_view view(text);
    const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
    if (error == std::errc() && end == view.data() + view.size() && value >= 0) return value;
  }
  throw UsageError(
      fmt::format("team: {} is {}; start the program with `peal launch -n RANKS -- PROGRAM`",
                  variable, text == nullptr ? "not set" : fmt::format("`{}`", text)));
}

// Throws Error if there is no such program. Checked here so that it is reported once, not per rank.
void check_program(const std::string& name) {
  const auto can_be_run = [](const std::string& path) {
    std::error_code none;
    return ::access(path.c_str(), X_OK) == 0 && !std::filesystem::is_directory(path, none);
  };
  const bool is_path = name.find('/') != std::string::npos;
  bool is_found = is_path && can_be_run(name);
  if (!is_path) {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "/bin:/usr/bin" : path);
    for (std::string folder; !is_found && std::getline(folders, folder, ':');) {
      is_found = can_be_run((folder.empty() ? "." : folder) + "/" + name);
    }
  }
  if (is_found) return;
  throw UsageError(
      fmt::format("launch: `{}` is no program that can be run; name an executable file, or "
                  "one of the folders in PATH",
                  name));
}

// The supervisor's body: starts the ranks and waits for them. The ranks get the arena as an
// inherited file descriptor; the file has no name.
int run_ranks(const ShmArena& arena, const std::vector<std::string>& command,
              const SupervisorView& view) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));  // exec does not write to it
  }
  arguments.push_back(nullptr);
  RankProcesses::Settings settings;
  settings.stop = view.launcher;
  RankProcesses processes(arena, std::move(settings));
  for (int rank = 0; rank < arena.ranks(); ++rank) {
    processes.fork([&] {
      ::sigprocmask(SIG_SETMASK, &view.signals_before, nullptr);
      ::setenv(rank_variable, std::to_string(rank).c_str(), 1);
      ::setenv(file_variable, std::to_string(arena.file()).c_str(), 1);
      ::execvp(arguments.front(), arguments.data());
      const std::string text = fmt::format("`{}` cannot be run: {}; name a program",
                                           command.front(), std::strerror(errno));
      give_note({Note::Kind::failure, text});
      return cannot_be_run;
    });
  }
  return processes.wait(grace_seconds);
}

// The text of the uncaught exception.
std::string uncaught_text() {
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "it throws what is no std::exception";
  }
}

// What the terminate handler needs while this process has a team. An uncaught exception fails the
// rank, then the waits of its peers throw, mostly uncaught, too. abort() keeps the first reason in
// the arena, which the launcher prints once; the ranks therefore print nothing.
struct UncaughtErrors {
  const ShmArena* arena = nullptr;
  int rank = 0;
  pid_t process = 0;
  std::terminate_handler otherwise = nullptr;
  std::string told = {};  // the error that the launcher has been told
};
UncaughtErrors uncaught;  // global, since terminate handlers are

[[noreturn]] void end_by_uncaught_error() {
  const bool is_own = uncaught.process == ::getpid() && std::current_exception() != nullptr;
  if (is_own && uncaught.arena != nullptr) {
    uncaught.arena->abort(uncaught.rank, RankState::failed,
                          fmt::format("rank {}: {}", uncaught.rank, uncaught_text()));
    uncaught.told = uncaught_text();
  }
  if (is_own && uncaught_text() == uncaught.told) {
    flush_output();
    ::_exit(EXIT_FAILURE);
  }
  if (uncaught.otherwise != nullptr) uncaught.otherwise();
  std::abort();
}

}  // namespace

struct ProcessTeamParts {
  ProcessTeamParts(ShmArena memory, int rank)
      : arena(std::move(memory)),
        platform(load_platform("host")),
        policy(arena.wait_policy()),
        watch(arena, rank, policy),
        membership(arena, whole_team(arena, rank, watch, policy)),
        device(membership, {}) {
    watch.set_team(membership);
  }
  ~ProcessTeamParts() {
    if (uncaught.arena != &arena) return;
    std::set_terminate(uncaught.otherwise);
    uncaught = {};
  }
  ProcessTeamParts(const ProcessTeamParts&) = delete;
  ProcessTeamParts& operator=(const ProcessTeamParts&) = delete;

  // Installs the terminate handler, which passes uncaught exceptions on to the launcher.
  void hand_over_uncaught_errors(int rank) {
    uncaught = {.arena = &arena, .rank = rank, .process = ::getpid()};
    uncaught.otherwise = std::set_terminate(end_by_uncaught_error);
  }

  ShmArena arena;
  Platform platform;
  WaitPolicy policy;
  ShmTeamWatch watch;
  ShmMembership membership;
  ShmDevice device;
};

ProcessTeamBase::ProcessTeamBase(std::unique_ptr<ProcessTeamParts> parts)
    : parts_(std::move(parts)) {}
ProcessTeamBase::~ProcessTeamBase() = default;
ProcessTeamBase::ProcessTeamBase(ProcessTeamBase&&) noexcept = default;
ProcessTeamBase& ProcessTeamBase::operator=(ProcessTeamBase&&) noexcept = default;

ProcessTeam::ProcessTeam(std::unique_ptr<ProcessTeamParts> parts)
    : ProcessTeamBase(std::move(parts)),
      Team(parts_->device, parts_->platform),
      exceptions_(std::uncaught_exceptions()),
      process_(::getpid()) {}

ProcessTeam::~ProcessTeam() { end(); }

ProcessTeam& ProcessTeam::operator=(ProcessTeam&& other) noexcept {
  if (this == &other) return *this;
  end();
  exceptions_ = other.exceptions_;
  process_ = other.process_;
  Team::operator=(static_cast<Team&&>(other));  // first: its state may refer to the parts
  ProcessTeamBase::operator=(static_cast<ProcessTeamBase&&>(other));
  return *this;
}

void ProcessTeam::end() {
  if (parts_ == nullptr) return;       // moved from
  if (::getpid() != process_) return;  // in a child that the rank has forked
  if (std::uncaught_exceptions() == exceptions_ && !broken()) {
    parts_->device.show_calls();
    parts_->arena.rank(rank()).state.store(RankState::finished);
  } else {
    parts_->arena.abort(rank(), RankState::failed,
                        fmt::format("rank {} has ended with an error", rank()));
  }
}

// Makes the parts. An error, such as a variable without meaning, is the same on every rank: the
// launcher says it once, if the program does not catch it.
static std::unique_ptr<ProcessTeamParts> make_parts(ShmArena arena, int rank, int file) {
  try {
    return std::make_unique<ProcessTeamParts>(std::move(arena), rank);
  } catch (const Error& error) {
    const ShmArena again = ShmArena::attach(::dup(file));
    again.abort(rank, RankState::failed, fmt::format("rank {}: {}", rank, error.what()));
    uncaught = {.process = ::getpid(), .told = error.what()};
    uncaught.otherwise = std::set_terminate(end_by_uncaught_error);
    throw;
  }
}

ProcessTeam team_from_environment() {
  const int rank = number_of(rank_variable), file = number_of(file_variable);
  // Take a duplicate: programs that this process starts inherit the original descriptor.
  const int own = ::dup(file);
  if (own < 0) {
    throw UsageError(
        fmt::format("team: {} is {}, which is no open file; start the program with `peal "
                    "launch -n RANKS -- PROGRAM`",
                    file_variable, file));
  }
  ShmArena arena = ShmArena::attach(own);
  if (rank >= arena.ranks()) {
    throw UsageError(
        fmt::format("team: {} is {}, and the team has ranks 0..{}; start the program with "
                    "`peal launch`",
                    rank_variable, rank, arena.ranks() - 1));
  }
  auto parts = make_parts(std::move(arena), rank, file);
  // Compare-and-swap: of several processes that inherit this environment, one gets the rank.
  RankState nobodys = RankState::absent;
  if (!parts->arena.rank(rank).state.compare_exchange_strong(nobodys, RankState::running)) {
    throw UsageError(fmt::format(
        "team: rank {} has been taken; a rank has one team, once, and the programs that it starts "
        "have none: keep the team, and unset {} for them",
        rank, rank_variable));
  }
  parts->hand_over_uncaught_errors(rank);
  return ProcessTeam(std::move(parts));
}

int launch_processes(int ranks, const std::vector<std::string>& command,
                     const std::function<void(const std::string&)>& report) {
  if (command.empty()) throw UsageError("launch: no program is given; name one behind `--`");
  check_program(command.front());
  const ShmArena arena = ShmArena::make(ranks);
  const int code = run_in_supervisor(
      [&](const SupervisorView& view) { return run_ranks(arena, command, view); });
  if (const std::optional<std::string> failure = arena.failure()) report(*failure);
  return code;
}

}  // namespace peal
