// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// A barrier in L rounds; see machine/barrier.h. Needs: a signal for each round.
void barrier_dissemination(Device& self, const BarrierArgs& args) { barrier(self, args.rounds); }

}  // namespace peal
