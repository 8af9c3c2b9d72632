// SPDX-License-Identifier: Apache-2.0
#pragma once

// The version of these headers, as CMake's package has it, too. Before 1.0 a new minor version may
// change the public interface.
#define PEAL_VERSION "0.2.0"
