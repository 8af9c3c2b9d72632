// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "peal/cases/case_file.h"
#include "peal/runtime/args.h"
#include "peal/runtime/callable.h"

namespace peal {

// A described graph of tasks. The form of the file is docs/graph_files.md's.
struct GraphFile {
  // An instance of a buffer, or of a domain's, where the task runs unless a device is named.
  struct Instance {
    std::size_t buffer = 0;             // index of it, or of the domain's buffer
    std::optional<std::size_t> domain;  // index
    std::optional<int> device;
    std::optional<std::size_t> first, count;  // of a part: indexes of `numbers`
  };
  struct Argument {
    TaskArgument::Kind kind{};
    TaskDirection direction{};
    Instance place;          // of an array
    std::size_t number = 0;  // of a scalar: index of `numbers`
    std::size_t domain = 0;  // of a context: index
  };
  struct NamedCallable {
    std::string name;
    Callable callable;
  };
  struct Domain {
    std::string name;
    std::vector<int> devices;
    std::size_t window_bytes = 0;  // index of `numbers`
    struct Buffer {
      std::string name;
      DType dtype{};
      std::size_t count = 0;  // index of `numbers`
    };
    std::vector<Buffer> buffers;
  };
  struct Buffer {
    std::string name;
    bool on_host = false;
    std::vector<int> devices;             // an instance for each; empty: one, on the host
    std::size_t array = 0;                // index of `numbers`
    std::optional<std::size_t> expected;  // index of `numbers.expected_outputs`
  };
  struct Task {
    std::string name;
    std::optional<std::size_t> callable;  // index; without one it copies arguments[1] to [0]
    std::vector<int> devices;             // empty for a copy
    std::vector<Argument> arguments;
    std::vector<std::size_t> after;  // indexes
  };

  CaseFile numbers;  // all counts, scalars, fills and expected values, as arguments of a case
  std::optional<std::string> platform;
  std::vector<int> devices;
  bool checks = false;
  std::vector<NamedCallable> callables;
  std::vector<Domain> domains;
  std::vector<Buffer> buffers;
  std::vector<Task> tasks;
  std::vector<std::string> sources;  // of its kernels
};

// Reads the file, compiles and loads its kernels. Throws Error with file, key and value.
[[nodiscard]] GraphFile read_graph_file(const std::string& path);

}  // namespace peal
