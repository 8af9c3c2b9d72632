// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace peal {

// What was asked of `peal tune`, as it was typed.
struct TuneRequest {
  std::optional<std::string> ranks, collective;
};

// Measures which algorithm is best where on this host, and remembers it for `auto`; returns the
// exit code.
int tune_command(const TuneRequest& request);

}  // namespace peal
