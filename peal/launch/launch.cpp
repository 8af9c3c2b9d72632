// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/launch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "peal/base/error.h"
#include "peal/executors/shm/executor.h"
#include "peal/executors/sim/executor.h"
#include "peal/launch/platforms.h"

namespace peal {
namespace {

constexpr std::string_view simulated = "sim";
constexpr const char* real = "shm";
constexpr const char* real_target = "host";  // its costs decide which algorithm is chosen

std::vector<std::string> simulated_names() {
  std::vector<std::string> names = target_names();
  for (std::string& name : names) name += simulated;
  return names;
}

}  // namespace

std::vector<std::string> platform_names() {
  std::vector<std::string> names = simulated_names();
  names.emplace_back(real);
  return names;
}

std::string platform_meant(const std::string& name) {
  return name != real && is_target(name) ? name + std::string(simulated) : name;
}

bool is_simulated(const std::string& platform) { return platform != real; }

Platform simulated_target(const std::string& platform) {
  return simulated_target(platform, simulated_names());
}

Platform simulated_target(const std::string& platform, const std::vector<std::string>& offered) {
  if (platform.ends_with(".toml")) return load_platform(platform);
  const std::vector<std::string> names = simulated_names();
  if (!is_simulated(platform)) {
    throw UsageError(
        fmt::format("platform `{}` runs for real, which this cannot do; use one of {}, or "
                    "the path of a .toml file",
                    platform, fmt::join(names, ", ")));
  }
  if (names.empty()) {
    throw UsageError(
        fmt::format("platform `{}` is not found, nor any other; set PEAL_PLATFORM_PATH to "
                    "the folder of the platform files, such as <prefix>/share/peal/platforms",
                    platform));
  }
  if (std::find(names.begin(), names.end(), platform) == names.end()) {
    throw UsageError(
        fmt::format("platform `{}` is unknown; use one of {}, or the path of a .toml file",
                    platform, fmt::join(offered, ", ")));
  }
  return load_platform(platform.substr(0, platform.size() - simulated.size()));
}

std::unique_ptr<Executor> open_executor(const std::string& platform) {
  if (!is_simulated(platform)) return std::make_unique<ShmExecutor>(load_platform(real_target));
  return std::make_unique<SimExecutor>(simulated_target(platform, platform_names()));
}

std::unique_ptr<Executor> open_executor(const Platform& platform) {
  return std::make_unique<SimExecutor>(platform);
}

RunReport run_ranks(const std::string& platform, int ranks,
                    const std::function<void(Team&)>& program, const RunOptions& options) {
  return open_executor(platform)->run(ranks, program, options);
}

}  // namespace peal
