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

// A graph of tasks that a file describes. docs/graph_files.md specifies the file format. "Index"
// means a place in one of the vectors below; `numbers` evaluates all numbers of the file.
struct GraphFile {
  // A reference to one instance of a buffer, or of a domain's buffer: the one on `device`, or by
  // default the one on the device on which the task runs.
  struct Instance {
    std::size_t buffer = 0;             // index of the buffer, or of the domain's buffer
    std::optional<std::size_t> domain;  // index of the domain
    std::optional<int> device;
    std::optional<std::size_t> first, count;  // a part, if set: indexes in `numbers`
  };
  struct Argument {
    TaskArgument::Kind kind{};
    TaskDirection direction{};
    Instance place;          // of an array
    std::size_t number = 0;  // of a scalar: index in `numbers`
    std::size_t domain = 0;  // of a context: index of the domain
  };
  struct NamedCallable {
    std::string name;
    Callable callable;
  };
  struct Domain {
    std::string name;
    std::vector<int> devices;
    std::size_t window_bytes = 0;  // index in `numbers`
    struct Buffer {
      std::string name;
      DType dtype{};
      std::size_t count = 0;  // index in `numbers`
    };
    std::vector<Buffer> buffers;
  };
  struct Buffer {
    std::string name;
    bool on_host = false;
    std::vector<int> devices;             // one instance on each; empty: one instance on the host
    std::size_t array = 0;                // index in `numbers`
    std::optional<std::size_t> expected;  // index in `numbers.expected_outputs`
  };
  struct Task {
    std::string name;
    std::optional<std::size_t> callable;  // index; none: copies arguments[1] to arguments[0]
    std::vector<int> devices;             // empty for a copy
    std::vector<Argument> arguments;
    std::vector<std::size_t> after;  // indexes of tasks
  };

  CaseFile numbers;  // all counts, scalars, fills and expected values, as arguments of a case
  std::optional<std::string> platform;
  std::vector<int> devices;
  bool checks = false;
  std::vector<NamedCallable> callables;
  std::vector<Domain> domains;
  std::vector<Buffer> buffers;
  std::vector<Task> tasks;
  std::vector<std::string> sources;  // source files of its kernels
};

// Reads the file, compiles and loads its kernels. Throws Error, with file, key and value, if the
// file is invalid.
[[nodiscard]] GraphFile read_graph_file(const std::string& path);

}  // namespace peal
