// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "peal/machine/platform.h"
#include "peal/machine/run.h"
#include "peal/machine/team.h"

namespace peal {

// A way to run ranks. It can be used again and again; each run starts from zeroed memory.
class Executor {
 public:
  virtual ~Executor() = default;

  [[nodiscard]] virtual const Platform& platform() const = 0;

  // Runs `program` once on every rank of a team of `ranks`. An Error of any rank ends the run and
  // is thrown here; a standstill is a RunError that says who waits for what.
  virtual RunReport run(int ranks, const std::function<void(Team&)>& program,
                        const RunOptions& options) = 0;
};

}  // namespace peal
