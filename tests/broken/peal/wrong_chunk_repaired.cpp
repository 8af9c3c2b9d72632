// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "wrong_chunk.cpp"
