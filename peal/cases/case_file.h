// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/expression.h"
#include "peal/machine/collective.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/run/core_type.h"

// This folder describes a run: arguments, windows and expected results, as expressions over the
// rank and the call. CaseFile below is that description; docs/case_files.md documents the TOML
// syntax. Read case_call.h next, which evaluates it for one rank and call, then case_calls.h for a
// whole run.
//
// These fill a CaseFile. Another syntax has its parser in peal/base and its translation here:
//  - from a TOML file: read_case_file(), by case_node.h and case_arguments.h;
//  - from flags of the command line: case_flags.h, which writes TOML text for read_case_text();
//  - from a Kernel that a Peal source defines: kernel_case.h;
//  - in part, from a graph file or a bare PTO source: peal/tools/graph_file.h,
//  launch/pto_callable.cpp.
namespace PEAL_API peal {

// An integer of a case: an expression over `P` (the number of ranks), `rank`, `call`, the names of
// [values] and, in fills and expected values only, `i`, the index of the element.
struct CaseNumber {
  Expression expression;
  std::string key;  // its place in the file, such as `args[2].scalar`
  bool by_rank = false, by_call = false, by_element = false;  // what it depends on
};

enum class ArgumentKind : std::uint8_t { in, out, inout, temp, window, scalar, context };

[[nodiscard]] const char* name(ArgumentKind kind);

// True for an array that belongs to the rank alone.
[[nodiscard]] constexpr bool is_array(ArgumentKind kind) { return kind <= ArgumentKind::temp; }
// True if a kernel gets the argument as a tensor, false if as a scalar.
[[nodiscard]] constexpr bool is_tensor(ArgumentKind kind) { return kind <= ArgumentKind::window; }
// True for the outputs, which `expect` calls out0, out1, ... in their order.
[[nodiscard]] constexpr bool is_output(ArgumentKind kind) {
  return kind == ArgumentKind::out || kind == ArgumentKind::inout;
}

// The contents of an array before a call.
struct CaseFill {
  CaseNumber number;    // the element's value; the seed if random
  bool random = false;  // floats in [-1, 1), integers over their full range
};

// One argument of the kernel, or of the shim if there is one. A `window` is a tensor; a `context`
// is a scalar: the address of the team's CommContext.
struct CaseArgument {
  ArgumentKind kind{};
  std::string label;             // in reports: "args[2]", or a buffer's name
  DType dtype = DType::u8;       // of an array
  CaseNumber number;             // the count of an array, the value of a scalar
  std::optional<CaseFill> fill;  // of an array; without it, poison
  std::size_t window = 0;        // index of the window of a `window` or `context`
};

// Symmetric memory that all ranks can address.
struct CaseWindow {
  std::string name;
  DType dtype = DType::u8;
  CaseNumber count;  // the same on every rank and at every call
  // Contents before the first call (without it, zeros) and expected after the last (without it,
  // any).
  std::optional<CaseFill> fill = {};
  std::optional<CaseNumber> expect = {};
};

// An entry of [values]: a named expression.
struct CaseValue {
  std::string name;
  CaseNumber number;  // over P, rank, call and the values before it
};

// The source of a PTO kernel, the id by which a shim submits it, and the type of core that it
// needs.
struct CaseKernel {
  int id = 0;
  std::string file;
  CoreType core = CoreType::aiv;
};

// The source of the shim.
struct CaseOrchestration {
  std::string file;
  std::string name;  // of its function; see PtoShim
};

// An expected result given by a collective's name.
struct ExpectedCollective {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;     // of collectives that reduce
  std::optional<CaseNumber> root;  // of collectives that have one; without it, 0
  // Indexes of arguments: send is the first `in`, recv the first `out`; the first `inout` if there
  // is none. An in-place case has one `inout` for both.
  std::size_t send = 0, recv = 0;
};

// An expected result given by an expression for the elements of one output.
struct ExpectedOutput {
  std::size_t argument = 0;
  CaseNumber number;
};

// The whole description, checked as far as it does not depend on the rank and the call.
struct CaseFile {
  std::string subject;                             // starts errors: "case file `ring.toml`"
  std::string path;                                // empty unless read from a file
  std::vector<int> ranks;                          // numbers of ranks that a plain run uses
  int min_ranks = 1, max_ranks = 1;                // numbers of ranks that the kernel supports
  std::optional<CaseNumber> blocks, cores, calls;  // default: 1, blocks, 1
  std::vector<std::string> include;                // include folders
  double tolerance = 0;                            // absolute, of compared outputs
  bool has_calls = true;  // false for a graph, whose numbers cannot depend on `call`
  std::vector<CaseArgument> arguments;
  std::optional<ExpectedCollective> expected_collective;
  std::vector<ExpectedOutput> expected_outputs;
  std::vector<CaseKernel> kernels;
  std::optional<CaseOrchestration> orchestration;  // without it, kernel 0 gets the arguments
  std::vector<CaseWindow> windows;
  std::vector<CaseValue> values;

  [[nodiscard]] const CaseKernel* find_kernel(int id) const;  // null if there is none
};

// Expressions that replace those of the file, by the names of [values].
using CaseReplacements = std::map<std::string, std::string, std::less<>>;

// Parses and checks a case file. Relative paths are resolved against the file's folder. Checks
// everything that does not depend on the number of ranks, and case_setup() for each number in
// `ranks`. Throws Error, which names file, key and value.
[[nodiscard]] CaseFile read_case_file(const std::string& path,
                                      const CaseReplacements& replacements = {});

// The same for TOML text that is not from a file. Relative paths start at the working directory.
[[nodiscard]] CaseFile read_case_text(const std::string& text,
                                      const CaseReplacements& replacements = {});

// Throws Error if the number of ranks is outside min_ranks..max_ranks.
void check_ranks(const CaseFile& file, int ranks);

// Throws Error: "<subject>: `<key>` <what>".
[[noreturn]] void refuse_case(const std::string& subject, std::string_view key,
                              const std::string& what);

}  // namespace peal
