// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// This folder is the program `peal`. command_line.cpp parses the options into a request, one struct
// per command, and calls <command>_command(). `peal run` goes on to run_plan.h (a request with its
// defaults), run_outcome.h (the run) and run_record.h (the report); read those first.

// Runs the program. Returns its exit code: 0; 1 for a wrong result or a failed run; 2 for misuse,
// which is reported in one sentence on stderr.
[[nodiscard]] int command_line(int argc, char** argv);

}  // namespace peal
