// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests: peal::check(kernel, {.ranks = 4}) runs a kernel under every check.
#include "peal/launch/check_kernel.h"
#include "peal/peal.h"
