// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "cli/command_line.h"

int main(int argc, char** argv) {
  // Who has started this may have left it ignored, and then nobody learns how a process has ended.
  std::signal(SIGCHLD, SIG_DFL);
  return peal::command_line(argc, argv);
}
