// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// The program `peal`. Returns its exit code: 0, 1 for a wrong result or a run that failed, 2 for
// misuse, which is told in one sentence on stderr.
[[nodiscard]] int command_line(int argc, char** argv);

}  // namespace peal
