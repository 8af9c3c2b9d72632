// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/checks/finding.h"
#include "peal/checks/rules/synchronisations.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"

namespace peal {

// How a run has ended that nothing has ended before its time.
struct SubjectOutcome {
  SubjectOutcome() = default;
  SubjectOutcome(std::optional<std::string> wrong) : mismatch(std::move(wrong)) {}

  std::optional<std::string> mismatch;  // the first wrong element
  std::int64_t calls = 0;               // that were made; 0 where nobody knows
  // What its outputs held, in one order in every run: compared between schedules.
  std::vector<RunOutput> outputs;
};

// Something that can be run again and again, on any number of ranks.
struct CheckSubject {
  // What is typed to check it, without ranks and schedule: "peal check all_reduce -a ring".
  std::string command;
  Platform::Switches switches;
  // Whether it runs kernels that are not Peal's. Each run of such is made in a process of its own,
  // where this one has no other threads and no debugger, so that whatever they do is a finding.
  bool runs_kernels = false;
  bool is_recorded = false;       // what it runs is a file of events, the same each time
  double time_limit_seconds = 5;  // that a kernel may take between two instructions of the chip
  // Runs it and compares its results.
  std::function<SubjectOutcome(int ranks, const RunOptions& options)> run;
};

struct CheckRequest {
  int ranks = 2;
  std::string schedule = "virtual";  // of the first run
  std::string save_schedule = {};    // where it is recorded, if anywhere
  // Runs under other schedules, where one run does not decide.
  int schedules = 64;
  std::vector<KernelLine> skipped = {};
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
  std::int64_t calls = 0;                  // of the first run; 0 where nobody knows
  bool has_windows = false;                // which it declares
  std::uint64_t window_accesses = 0;       // instructions of it that meant a window
  std::uint64_t instructions = 0;          // of its kernels, of any kind
  std::vector<SyncUnit> synchronisations;  // that the first run met

  [[nodiscard]] bool is_clean() const;
};

[[nodiscard]] CheckResult check(const CheckSubject& subject, const CheckRequest& request);

// "clean (exact; 2 calls, 640 window accesses)", "clean (65 schedules searched, ...)" or "3
// findings".
[[nodiscard]] std::string verdict(const CheckResult& result);

}  // namespace peal
