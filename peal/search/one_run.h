// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peal/checks/checker.h"
#include "peal/checks/finding.h"
#include "peal/checks/rules/synchronisations.h"
#include "peal/run/run.h"

namespace peal {

// An output of a run, and which lines have written it.
struct WrittenOutput {
  RunOutput output;
  std::vector<Checker::LastWrite> writes;
};

// What the checks say of one run under one schedule.
struct OneRun {
  std::vector<Finding> findings;
  std::int64_t calls = 0;
  std::uint64_t instructions = 0, window_accesses = 0;
  bool has_windows = false;
  std::vector<WrittenOutput> outputs;  // of a run that nothing was wrong with
  std::string undecided;
  std::vector<PolledWord> polled_words;     // that the next run has to know
  bool knows_all_looks = true;              // Checker::knows_all_looks()
  std::vector<LookRecord> looks;            // Checker::looks()
  std::vector<LookInQuestion> in_question;  // Checker::looks_in_question()
  std::vector<KernelLine> loops;            // lines of looks that are waits
  std::vector<KernelLine> contradicted;     // Checker::contradicted()
  std::uint64_t program = 0;                // Checker::program()
  bool is_deadlock = false, is_whole = false;
  bool has_grown = false;
  std::uint64_t events = 0;
  std::vector<SyncUnit> synchronisations;
};

// As bytes, for another process of this program.
[[nodiscard]] std::string packed(const OneRun& run);
[[nodiscard]] OneRun unpacked_run(const std::string& bytes);

}  // namespace peal
