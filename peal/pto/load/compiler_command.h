// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace peal {

using CommandWords = std::vector<std::string>;

// The compiler that the user has chosen: $CXX, which may have options behind it, or g++.
struct ChosenCompiler {
  CommandWords words;
  std::string identity;  // changes when another compiler stands under the same name
};
// Throws Error where there is none of that name.
[[nodiscard]] ChosenCompiler chosen_compiler();

struct ProgramResult {
  bool succeeded = false;
  int signal = 0;        // that has ended it, or 0
  std::string messages;  // what it has printed, up to a limit
};

// Runs a program found on the PATH, which keeps its temporary files in `folder`. Throws Error where
// it cannot be started.
[[nodiscard]] ProgramResult run_program(const CommandWords& words,
                                        const std::filesystem::path& folder);

}  // namespace peal
