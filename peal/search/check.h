// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/api.h"
#include "peal/checks/finding.h"
#include "peal/checks/rules/synchronisations.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"

namespace PEAL_API peal {

// The outcome of a run that no error ended early.
struct SubjectOutcome {
  SubjectOutcome() = default;
  SubjectOutcome(std::optional<std::string> wrong) : mismatch(std::move(wrong)) {}

  std::optional<std::string> mismatch;  // describes the first wrong element; nullopt: all right
  std::int64_t calls = 0;               // calls of the kernel; 0 if unknown
  // The contents of its outputs, in the same order in every run, to compare schedules.
  std::vector<RunOutput> outputs;
};

// What is checked: a program that can be run repeatedly, on any number of ranks.
//
// This folder decides which runs a check needs, and makes them. Read check() here, then the
// overview above it in check.cpp; checked_run.h makes one run and checks it (peal/checks/checker.h
// does the checking); mutation.h repeats checks with synchronisations left out.
struct CheckSubject {
  // The command that checks it, without ranks and schedule: "peal check all_reduce -a ring".
  std::string command;
  Platform::Switches switches;
  // True if it runs kernels that are not Peal's. Each run is then made in a process of its own, so
  // that a crash becomes a finding; not if this process has other threads or a debugger
  // (can_watch).
  bool runs_kernels = false;
  bool is_recorded = false;       // replays a file of events, which is the same in each run
  double time_limit_seconds = 5;  // that a kernel may take between two instructions of the chip
  // Runs it and compares its results with the expected ones.
  std::function<SubjectOutcome(int ranks, const RunOptions& options)> run;
};

struct CheckRequest {
  int ranks = 2;
  std::string schedule = "virtual";        // of the first run, see RunOptions::schedule
  std::string save_schedule = {};          // file for the schedule of the first run; empty: none
  int schedules = 64;                      // how many more are searched, if one run does not decide
  std::vector<KernelLine> skipped = {};    // lines whose synchronisation is left out
  std::vector<EventReader*> readers = {};  // also read the events of the first run
  std::function<void(int done, int of)> progress = {};
};

// A finding, and the schedule that reproduces it.
struct CheckedFinding {
  Finding finding;
  std::string schedule;      // the first that showed it, or, of deadlocks and wrong results, the
                             // one with the fewest events
  std::uint64_t events = 0;  // number of events of that run
};

// The result of checking one subject on one number of ranks.
struct CheckResult {
  int ranks = 0;
  std::vector<CheckedFinding> findings;    // the most important first; advice comes last
  std::string undecided;                   // why one run does not decide; empty if it does
  int schedules = 1;                       // how many were run
  bool has_grown = false;                  // the checks' memory grew with the length of the run
  std::int64_t calls = 0;                  // of the first run; 0 if unknown
  bool has_windows = false;                // of the first run
  std::uint64_t window_accesses = 0;       // instructions of the first run that address a window
  std::uint64_t instructions = 0;          // of the first run's kernels, of any kind
  std::vector<SyncUnit> synchronisations;  // of the first run
  std::size_t left_out = 0;  // findings, but for advice, that the caller has taken from `findings`

  // True if every finding is advice.
  [[nodiscard]] bool is_clean() const;
};

// Runs the subject as often as needed and checks every run. If `undecided` stays empty, the
// findings hold for every schedule; otherwise they are those of the schedules searched. A run that
// ends in a RunError (a deadlock, a kernel failure) gives a finding; any other Error is thrown.
[[nodiscard]] CheckResult check(const CheckSubject& subject, const CheckRequest& request);

// One line: "clean (exact; 2 calls, 640 window accesses)", "clean (65 schedules searched, ...)" or
// "3 findings". Exact means that no schedule has a finding. It says how many are left out.
[[nodiscard]] std::string verdict(const CheckResult& result);

}  // namespace peal
