// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peal/cases/case_file.h"

namespace peal {

// A case of one kernel, given by flags of the command line instead of a file. The texts are as
// typed.
struct CaseFlags {
  std::string kernel;                 // its source
  std::vector<std::string> args;      // `in f32[256] fill=i+100*rank`, `window scratch`, `scalar P`
  std::vector<std::string> windows;   // `scratch f32[272]`
  std::vector<std::string> expected;  // `all_reduce=sum`, `out0=2*i`
  std::vector<std::string> values;    // `N=256`
  std::vector<std::string> include;   // folders, relative to the working directory
  std::optional<std::string> blocks, cores, core, tolerance;

  // True if any flag describes a case.
  [[nodiscard]] bool any() const { return first() != nullptr; }
  // The first such flag, for example "--arg"; nullptr if there is none.
  [[nodiscard]] const char* first() const;
};

// The case that the flags describe, with `ranks` = [4]. Translates them to TOML, so that one parser
// checks both. Throws Error, which names the flag or the key: `args[0]` is the first --arg.
[[nodiscard]] CaseFile case_of_flags(const CaseFlags& flags,
                                     const CaseReplacements& replacements = {});

}  // namespace peal
