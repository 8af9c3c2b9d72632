// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "peal/checks/finding.h"
#include "peal/checks/synchronisations.h"
#include "peal/machine/platform.h"
#include "peal/machine/run.h"

namespace peal {

// Something that can be run again and again, on any number of ranks.
struct CheckSubject {
  // What is typed to check it, without ranks and schedule: "peal check all_reduce -a ring".
  std::string command;
  Platform::Switches switches;
  // Runs it and compares its results: the first wrong element, or nothing.
  std::function<std::optional<std::string>(int ranks, const RunOptions& options)> run;
};

struct CheckRequest {
  int ranks = 2;
  std::string schedule = "virtual";  // of the first run
  std::string save_schedule = {};    // where it is recorded, if anywhere
  // Runs under other schedules, where one run does not decide.
  int schedules = 64;
  std::vector<SkippedSync> skipped = {};
  std::vector<EventReader*> readers = {};  // beside the checks, of the first run
  std::function<void(int done, int of)> progress = {};
};

// A finding, and how to see it again.
struct CheckedFinding {
  Finding finding;
  std::string schedule;      // of those that show it, the one with the fewest events
  std::uint64_t events = 0;  // of that run
};

// What the checks say of one subject on one number of ranks.
struct CheckResult {
  int ranks = 0;
  std::vector<CheckedFinding> findings;    // the most important first; advice comes last
  std::string undecided;                   // why one run does not decide; empty if it does
  int schedules = 1;                       // that were run
  bool has_grown = false;                  // the checks needed memory as long as the run went on
  std::vector<SyncUnit> synchronisations;  // that the first run met

  [[nodiscard]] bool is_clean() const;
};

[[nodiscard]] CheckResult check(const CheckSubject& subject, const CheckRequest& request);

// "clean (exact)", "clean (64 schedules searched)" or "3 findings".
[[nodiscard]] std::string verdict(const CheckResult& result);

}  // namespace peal
