// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a program or a kernel is written against: kernels and what they may say (machine/), the
// collectives, platforms and executors by name, kernel files, processes of a team, workers, the
// exceptions that all of them throw, and what they note meanwhile. peal/testing.h has what a test
// needs besides.
#include "peal/base/error.h"
#include "peal/base/notes.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/launch.h"
#include "peal/launch/process_team.h"
#include "peal/launch/pto_callable.h"
#include "peal/launch/real_kernel_run.h"
#include "peal/launch/worker.h"
#include "peal/machine/arithmetic.h"
#include "peal/machine/barrier.h"
#include "peal/machine/kernel.h"
#include "peal/run/platform.h"
#include "peal/version.h"
