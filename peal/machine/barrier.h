// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/base/api.h"
#include "peal/machine/device.h"

namespace PEAL_API peal {

// How many signals `barrier` needs: one per round, ceil(log2(ranks)).
[[nodiscard]] int barrier_rounds(int ranks);

// Returns when every rank of the team has entered; what any rank did before is visible to all
// after. Dissemination (Hensgen, Finkel and Manber 1988): in round k, from 0, rank r notifies rank
// r + 2^k and waits for rank r - 2^k, modulo ranks. After round k it has heard, directly or through
// others, from the 2^(k+1) ranks that end with itself. A notify is a release and a wait an acquire,
// so visibility follows the same paths. Each cell has one notifier.
// Needs: `rounds` of barrier_rounds(ranks) signals.
void barrier(Device& self, const SignalRow& rounds, SourcePlace place = SourcePlace::here());

}  // namespace peal
