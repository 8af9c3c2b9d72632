// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace peal {

// A kernel that does to its process, or for ever, what no kernel should. On rank 1 of 4 it runs
// `body`; `outside` stands before it, at namespace scope.
struct WrongKernel {
  std::string name;
  std::string body;
  std::string outside = {};
  bool is_right = false;  // it may do that
  bool in_verbs = false;  // in Peal's verbs, else for the PTO tile ISA
  bool is_ours = true;    // stopped at an event of ours, so the process that runs it may live on
  std::string says = {};  // what the report must contain
};

[[nodiscard]] std::vector<WrongKernel> wrong_kernels();

// Its source.
[[nodiscard]] std::string source_of(const WrongKernel& kernel);
// The case for the source of a PTO kernel.
[[nodiscard]] std::string case_of(const std::string& source);

}  // namespace peal
