// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "peal/collectives/collective.h"
#include "peal/cost/closed_form.h"
#include "peal/kernels/args.h"
#include "peal/machine/device.h"
#include "peal/machine/platform.h"

namespace peal {

// An algorithm of a collective.
struct Algorithm {
  Collective collective{};
  const char* name = "";
  void (*launch)(Device& self, const KernelCall& call) = nullptr;
  bool data_in_window = false;  // peers write to the data itself, so it must be staged
  Formulas formulas{};
};

[[nodiscard]] std::span<const Algorithm> algorithms();
// The algorithm of that name; throws Error with the list of those that the collective has.
[[nodiscard]] const Algorithm& find_algorithm(Collective collective, std::string_view name);
// What one launch of the algorithm on blocks of `count` elements does.
[[nodiscard]] AlgorithmFigures figures(const Algorithm& algorithm, int ranks, std::size_t count);

// The algorithm that the closed forms predict to be fastest for blocks of `count` elements.
[[nodiscard]] const Algorithm& choose_algorithm(Collective collective, int ranks, std::size_t count,
                                                DType dtype, const Platform& platform);

}  // namespace peal
