// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peal/run/executor.h"

namespace peal {

// The platforms that can be named: "a2a3sim", "a5sim", "hostsim" and other files of the platforms
// folders, in order of their names, all simulated; and "shm", processes on this host.
[[nodiscard]] std::vector<std::string> platform_names();

// The platform that a name means: a target's, such as "a2a3", means its simulation, "a2a3sim". A
// name that means nothing comes back as it is.
[[nodiscard]] std::string platform_meant(const std::string& name);

// Whether a platform of that name is simulated; another one runs for real, on this host.
[[nodiscard]] bool is_simulated(const std::string& platform);

// The target of a simulated platform: a name of platform_names(), or the path of a .toml file.
// Throws Error with the list of names.
[[nodiscard]] Platform simulated_target(const std::string& platform);
// The same where more can be named than what is simulated: `offered`.
[[nodiscard]] Platform simulated_target(const std::string& platform,
                                        const std::vector<std::string>& offered);

// The executor for a platform: a name of platform_names(), or the path of a .toml file, which is
// simulated. Throws Error with the list of names.
[[nodiscard]] std::unique_ptr<Executor> open_executor(const std::string& platform);

[[nodiscard]] std::unique_ptr<Executor> open_executor(const Platform& platform);

// Runs `program` once on every rank of a team of `ranks` on that platform: the shortest way to a
// collective. Throws what the program throws.
RunReport run_ranks(const std::string& platform, int ranks,
                    const std::function<void(Team&)>& program, const RunOptions& options = {});

}  // namespace peal
