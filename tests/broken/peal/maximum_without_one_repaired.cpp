// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "maximum_without_one.cpp"
