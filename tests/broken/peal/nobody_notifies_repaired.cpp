// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "nobody_notifies.cpp"
