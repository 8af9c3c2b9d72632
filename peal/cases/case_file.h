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

#include "peal/base/expression.h"
#include "peal/machine/collective.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/run/core_type.h"

// A case: what a PTO kernel is run with and what it has to result in. The form of the file is
// docs/case_files.md's; evaluation for a rank and a call is CaseCall's.
namespace peal {

// An integer of a case: an expression over `P`, `rank`, `call`, the names of [values] and, in fills
// and expected values alone, `i`.
struct CaseNumber {
  Expression expression;
  std::string key;  // where it stands, such as `args[2].scalar`
  bool by_rank = false, by_call = false, by_element = false;  // what it depends on
};

enum class ArgumentKind : std::uint8_t { in, out, inout, temp, window, scalar, context };

[[nodiscard]] const char* name(ArgumentKind kind);

// Whether the argument is an array of the rank's own.
[[nodiscard]] constexpr bool is_array(ArgumentKind kind) { return kind <= ArgumentKind::temp; }
// Whether a kernel gets it as a tensor; as a scalar otherwise.
[[nodiscard]] constexpr bool is_tensor(ArgumentKind kind) { return kind <= ArgumentKind::window; }
// Whether it is one of the outputs, which `expect` calls out0, out1, ... in their order.
[[nodiscard]] constexpr bool is_output(ArgumentKind kind) {
  return kind == ArgumentKind::out || kind == ArgumentKind::inout;
}

// What the elements of an array are before a call.
struct CaseFill {
  CaseNumber number;    // the element, or the seed
  bool random = false;  // floats in [-1, 1), integers over their full range
};

struct CaseArgument {
  ArgumentKind kind{};
  std::string label;             // in reports: "args[2]", or a buffer's name
  DType dtype = DType::u8;       // of an array
  CaseNumber number;             // the count of an array, the value of a scalar
  std::optional<CaseFill> fill;  // of an array; poison without one
  std::size_t window = 0;        // index of the window of a `window` or `context`
};

struct CaseWindow {
  std::string name;
  DType dtype = DType::u8;
  CaseNumber count;  // the same on every rank and at every call
  // What it holds before the first call, zeros without; and must hold after the last.
  std::optional<CaseFill> fill = {};
  std::optional<CaseNumber> expect = {};
};

struct CaseValue {
  std::string name;
  CaseNumber number;  // over P, rank, call and the values before it
};

struct CaseKernel {
  int id = 0;
  std::string file;
  CoreType core = CoreType::aiv;
};

struct CaseOrchestration {
  std::string file;
  std::string name;  // of the symbol
};

// `expect` by a collective's name.
struct ExpectedCollective {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;     // of the three that reduce
  std::optional<CaseNumber> root;  // of those that have one; 0 without
  // Indexes of arguments: the first `in`, or `inout` where there is none, and the first `out`, or
  // `inout`. They are the same argument in a case in place.
  std::size_t send = 0, recv = 0;
};

// `expect` by an expression per output.
struct ExpectedOutput {
  std::size_t argument = 0;
  CaseNumber number;
};

struct CaseFile {
  std::string subject;                             // of its errors: "case file `ring.toml`"
  std::string path;                                // empty for a case that is no file
  std::vector<int> ranks;                          // what a plain run uses
  int min_ranks = 1, max_ranks = 1;                // what the kernel can do
  std::optional<CaseNumber> blocks, cores, calls;  // without: 1, as many as blocks, 1
  std::vector<std::string> include;                // folders
  double tolerance = 0;
  bool has_calls = true;  // a graph has none, so its numbers cannot depend on them
  std::vector<CaseArgument> arguments;
  std::optional<ExpectedCollective> expected_collective;
  std::vector<ExpectedOutput> expected_outputs;
  std::vector<CaseKernel> kernels;
  std::optional<CaseOrchestration> orchestration;  // without: kernel 0 gets the arguments
  std::vector<CaseWindow> windows;
  std::vector<CaseValue> values;

  [[nodiscard]] const CaseKernel* find_kernel(int id) const;  // null if there is none
};

// Expressions that stand for those in the file, by the names of [values].
using CaseReplacements = std::map<std::string, std::string, std::less<>>;

// Reads the file, makes its paths relative to it absolute, and checks all that does not depend on
// the number of ranks, and setups for those in `ranks`. Throws Error, which names file, key and
// value.
[[nodiscard]] CaseFile read_case_file(const std::string& path,
                                      const CaseReplacements& replacements = {});

// The same for the text of one that lies nowhere, and names no path; its paths are absolute.
[[nodiscard]] CaseFile read_case_text(const std::string& text,
                                      const CaseReplacements& replacements = {});

// Throws Error for a number of ranks outside rank_limit.
void check_ranks(const CaseFile& file, int ranks);

// Throws the Error of a mistake at `key` of the case that `subject` names.
[[noreturn]] void refuse_case(const std::string& subject, std::string_view key,
                              const std::string& what);

}  // namespace peal
