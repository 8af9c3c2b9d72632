#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program that the thread sanitizer has instrumented. That takes addresses only where it
# expects them, and vm.mmap_rnd_bits above 28 may place them elsewhere; so the program runs without
# random addresses, where the system lets it: a container may not.
if setarch -R true 2>/dev/null; then
  exec setarch -R "$@"
fi
exec "$@"
