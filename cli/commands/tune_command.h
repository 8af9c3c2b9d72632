// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace peal {

// The command line of `peal tune`, as typed.
struct TuneRequest {
  std::optional<std::string> ranks, collective;
};

// Measures which algorithm is best on this host, by collective, size and placement, and stores the
// result for `auto`. Returns the exit code.
int tune_command(const TuneRequest& request);

}  // namespace peal
