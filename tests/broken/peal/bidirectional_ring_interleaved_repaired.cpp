// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "bidirectional_ring_interleaved.cpp"
