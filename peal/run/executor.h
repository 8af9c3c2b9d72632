// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "peal/base/api.h"
#include "peal/machine/team.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"

namespace PEAL_API peal {

// Runs a program on the ranks of a team. An executor can be reused; each run starts from zeroed
// windows.
class Executor {
 public:
  virtual ~Executor() = default;

  [[nodiscard]] virtual const Platform& platform() const = 0;

  // True if times are simulated for the platform; otherwise they are measured here, and vary.
  [[nodiscard]] virtual bool is_simulated() const { return true; }

  // Runs `program` once on every rank of a team of `ranks`. An Error of any rank ends the run and
  // is rethrown here; a deadlock is a RunError that says what each rank waits for. The program's
  // writes to the caller's memory may be lost, except to memory from share().
  virtual RunReport run(int ranks, const std::function<void(Team&)>& program,
                        const RunOptions& options) = 0;

  // Returns zeroed memory that the caller and all ranks of later runs share at the same address. It
  // is valid until the next call.
  [[nodiscard]] virtual std::span<std::byte> share(std::size_t size_bytes) = 0;
};

}  // namespace peal
