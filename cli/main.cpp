// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "cli/command_line.h"

int main(int argc, char** argv) {
  // The parent may have left SIGCHLD ignored; then waitpid() would not return exit codes.
  std::signal(SIGCHLD, SIG_DFL);
  return peal::command_line(argc, argv);
}
