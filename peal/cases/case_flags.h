// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peal/cases/case_file.h"

namespace peal {

// A case of one kernel in words, each as somebody has typed it: what a case file says, without the
// file.
struct CaseFlags {
  std::string kernel;                 // its source
  std::vector<std::string> args;      // `in f32[256] fill=i+100*rank`, `window scratch`, `scalar P`
  std::vector<std::string> windows;   // `scratch f32[272]`
  std::vector<std::string> expected;  // `all_reduce=sum`, `out0=2*i`
  std::vector<std::string> values;    // `N=256`
  std::vector<std::string> include;   // folders, relative to the working directory
  std::optional<std::string> blocks, cores, core, tolerance;

  // Whether anything is said of a case.
  [[nodiscard]] bool any() const { return first() != nullptr; }
  // The first option of the command line that does, such as "--arg"; nullptr without any.
  [[nodiscard]] const char* first() const;
};

// The case that they describe, on 4 ranks unless others are asked for; throws Error, which names
// the flag or, as in a case file, the key: `args[0]` is the first argument.
[[nodiscard]] CaseFile case_of_flags(const CaseFlags& flags,
                                     const CaseReplacements& replacements = {});

}  // namespace peal
