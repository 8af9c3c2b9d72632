// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "peal/base/api.h"
#include "peal/launch/rank_results.h"
#include "peal/run/executor.h"

namespace PEAL_API peal {

// This folder starts things: it chooses an executor for a platform's name (this file), and builds
// runs of kernels, cases and workers on it. Read case_run.h (PTO kernels, described by a case) and
// kernel_run.h (Peal kernels) next; process_team.h and supervisor.h start programs as real ranks.
//
// The names of all platforms: "a2a3sim", "a5sim", "hostsim" and further files of the platform
// folders, all simulated and sorted by name; then "shm", processes on this host.
[[nodiscard]] std::vector<std::string> platform_names();

// Resolves a name to a platform's: a target such as "a2a3" stands for its simulation, "a2a3sim".
// Returns any other name unchanged, also an unknown one.
[[nodiscard]] std::string platform_meant(const std::string& name);

// True unless the name is "shm", which runs for real on this host. Does not check that it exists.
[[nodiscard]] bool is_simulated(const std::string& platform);

// The description of a simulated platform: a name of platform_names(), or the path of a .toml file.
// Throws Error, which lists the names, if it is unknown or not simulated.
[[nodiscard]] Platform simulated_target(const std::string& platform);
// The same, for callers that take more platforms: the error for an unknown name lists `offered`.
[[nodiscard]] Platform simulated_target(const std::string& platform,
                                        const std::vector<std::string>& offered);

// A new executor for a platform: a name of platform_names(), or the path of a .toml file, which is
// simulated. Throws Error, which lists the names.
[[nodiscard]] std::unique_ptr<Executor> open_executor(const std::string& platform);

// A new simulator of that platform.
[[nodiscard]] std::unique_ptr<Executor> open_executor(const Platform& platform);

// Ranks may be processes (on `shm` they are): what a program writes to a captured variable is then
// lost when its rank ends. To learn what a rank has computed, return it by run_ranks<T>(), below.
//
// Runs `program` once on each of `ranks` ranks of that platform: the shortest way to a collective.
// Throws as open_executor() and Executor::run() do.
RunReport run_ranks(const std::string& platform, int ranks,
                    const std::function<void(Team&)>& program, const RunOptions& options = {});

// The same for a program that returns a T, on every platform: returns one T for each rank, by rank.
// A T is trivially copyable, or a std::vector of such, or a std::string (see RankResult), of any
// size. An Error of any rank is rethrown, and then no rank has a result.
template <RankResult T>
[[nodiscard]] std::vector<T> run_ranks(const std::string& platform, int ranks,
                                       const std::type_identity_t<std::function<T(Team&)>>& program,
                                       const RunOptions& options = {}) {
  std::vector<T> results;
  for (std::string& bytes : collect_from_ranks(
           *open_executor(platform), ranks,
           [&](Team& team) { return ResultBytes<T>::pack(program(team)); }, options)) {
    results.push_back(ResultBytes<T>::unpack(std::move(bytes)));
  }
  return results;
}

}  // namespace peal
