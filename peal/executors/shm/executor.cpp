// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/executor.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/executors/shm/rank_device.h"
#include "peal/executors/shm/rank_process.h"
#include "peal/executors/shm/wait/signal_owner_state.h"
#include "peal/executors/shm/wait/team_watch.h"

namespace peal {
namespace {

using Clock = std::chrono::steady_clock;

// How long ranks may go on after one has failed, before they are killed.
constexpr double grace_seconds = 5;

void check_options(const RunOptions& options) {
  if (!options.save_schedule.empty()) {
    throw UsageError(
        fmt::format("platform shm: a schedule for `{}` cannot be saved, because ranks run as the "
                    "system lets them; use a simulated platform",
                    options.save_schedule));
  }
  if (options.schedule != "virtual") {
    throw UsageError(
        fmt::format("platform shm: schedule `{}` cannot be chosen, because ranks run as the "
                    "system lets them; use a simulated platform",
                    options.schedule));
  }
  if (!options.readers.empty() || !options.skipped.empty()) {
    throw UsageError("platform shm: a real run has no events to be read; use a simulated platform");
  }
}

// A barrier before the program starts, so that the time of the run does not include the forks.
void meet(const ShmMembership& team) {
  SignalCell& start = team.arena().control().start;
  add_and_wake(wait_word(start), 1);
  wait_until_reached(wait_word(start), static_cast<std::uint32_t>(team.ranks()), team.watch(),
                     team.policy(), "the start of the run",
                     SourcePlace::here(SourceOrigin::runtime));
}

// Runs the program as one rank; returns its exit code. Any exception is recorded in the arena as
// the rank's failure, which ends the others' waits.
int run_rank(const ShmArena& arena, int rank, const Platform& platform,
             const std::function<void(Team&)>& program, const RunOptions& options,
             const WaitPolicy& policy) {
  RankControl& control = arena.rank(rank);
  control.state.store(RankState::running);
  std::string failure;
  RankState state = RankState::failed;
  try {
    ShmTeamWatch watch(arena, rank, policy);
    ShmMembership membership(arena, whole_team(arena, rank, watch, policy));
    watch.set_team(membership);
    ShmDevice device(membership, {.values = options.values, .signal_start = options.signal_start});
    Team team(device, platform);
    meet(membership);
    const Clock::time_point begin = Clock::now();
    program(team);
    control.time_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count();
    control.counts = device.counts();
    device.show_calls();
    control.state.store(RankState::finished);
    return 0;
  } catch (const RunError& error) {
    failure = error.what();
  } catch (const Error& error) {
    failure = error.what();
    state = RankState::refused;
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "it throws what is no std::exception";
  }
  arena.abort(rank, state, fmt::format("rank {}: {}", rank, failure));
  return 1;
}

}  // namespace

ShmExecutor::ShmExecutor(Platform platform, Ranks kind)
    : platform_(std::move(platform)), kind_(kind) {}

ShmExecutor::~ShmExecutor() {
  if (shared_ != nullptr) ::munmap(shared_, shared_bytes_);
}

std::span<std::byte> ShmExecutor::share(std::size_t size_bytes) {
  if (shared_ != nullptr) ::munmap(shared_, shared_bytes_);
  shared_bytes_ = std::max<std::size_t>(1, size_bytes);
  void* const memory = ::mmap(nullptr, shared_bytes_, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  shared_ = memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
  if (shared_ == nullptr) throw std::bad_alloc();
  return {shared_, size_bytes};
}

RunReport ShmExecutor::run(int ranks, const std::function<void(Team&)>& program,
                           const RunOptions& options) {
  check_options(options);
  arena_.reset();
  const ShmArena& arena = arena_.emplace(ShmArena::make(ranks));
  // A wrong PEAL_TIMEOUT throws here, before any rank starts.
  const WaitPolicy policy = arena.wait_policy();
  const auto body = [&](int rank) {
    return run_rank(arena, rank, platform_, program, options, policy);
  };
  if (kind_ == Ranks::threads) {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank) threads.emplace_back([&body, rank] { body(rank); });
  } else {
    RankProcesses processes(arena);
    for (int rank = 0; rank < ranks; ++rank) processes.fork([&body, rank] { return body(rank); });
    static_cast<void>(processes.wait(grace_seconds));
  }
  arena.check_failure();
  RunReport report;
  for (int rank = 0; rank < ranks; ++rank) {
    report.time_ps = std::max(report.time_ps, arena.rank(rank).time_ns * 1000);
    report.ranks.push_back(arena.rank(rank).counts);
  }
  return report;
}

}  // namespace peal
