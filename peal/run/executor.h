// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "peal/machine/team.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"

namespace peal {

// A way to run ranks. It can be used again and again; each run starts from zeroed memory.
class Executor {
 public:
  virtual ~Executor() = default;

  [[nodiscard]] virtual const Platform& platform() const = 0;

  // Whether times are those of the platform; otherwise they are this host's, and vary.
  [[nodiscard]] virtual bool is_simulated() const { return true; }

  // Runs `program` once on every rank of a team of `ranks`. An Error of any rank ends the run and
  // is thrown here; a deadlock is a RunError that says who waits for what.
  // What `program` writes to the caller's memory may be lost, except in that of share().
  virtual RunReport run(int ranks, const std::function<void(Team&)>& program,
                        const RunOptions& options) = 0;

  // Zeroed memory that the caller and all ranks of the runs that follow have at the same address,
  // until share() is called again.
  [[nodiscard]] virtual std::span<std::byte> share(std::size_t size_bytes) = 0;
};

}  // namespace peal
