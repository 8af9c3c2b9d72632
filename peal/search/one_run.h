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

// An output of a run, and which lines wrote it last.
struct WrittenOutput {
  RunOutput output;
  std::vector<Checker::LastWrite> writes;
};

// The result of checking one run under one schedule.
struct OneRun {
  std::vector<Finding> findings;
  std::int64_t calls = 0;
  std::uint64_t instructions = 0, window_accesses = 0;
  bool has_windows = false;
  std::vector<WrittenOutput> outputs;       // only of a run that ended with right results
  std::string undecided;                    // Checker::undecided()
  std::vector<PolledWord> polled_words;     // Checker::polled_words()
  bool knows_all_looks = true;              // Checker::knows_all_looks()
  std::vector<LookRecord> looks;            // Checker::looks()
  std::vector<LookInQuestion> in_question;  // Checker::looks_in_question()
  std::vector<KernelLine> loops;            // Checker::loops()
  std::vector<KernelLine> contradicted;     // Checker::contradicted()
  std::uint64_t program = 0;                // Checker::program()
  bool is_deadlock = false, is_whole = false;
  bool has_grown = false;
  std::uint64_t events = 0;
  std::vector<SyncUnit> synchronisations;
};

// Serialises a run (CBOR), to pass it to another process of this program, and back.
[[nodiscard]] std::string packed(const OneRun& run);
[[nodiscard]] OneRun unpacked_run(const std::string& bytes);

}  // namespace peal
