# SPDX-License-Identifier: Apache-2.0
"""How verb programs are written as C++: Peal kernels, all programs of a source as one."""

from statements import Writer

UNITS_IN, UNITS_OUT, UNITS_SLOTS = 12, 12, 16
UNIT = 16  # numbers
PAIR_CHANNELS, COUNTERS, MOST_RANKS = 6, 2, 4

PRELUDE = f"""// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/kernel.h"

namespace {{

using peal::Device;
using peal::KernelArguments;
using peal::Rank;
using peal::ReduceOp;

// All memory is in units of {UNIT} numbers; a view has `n` units in a row.
struct Memory {{
  explicit Memory(const KernelArguments& arguments) : args(arguments) {{}}
  peal::View in(int first, int n) const {{ return part("in", first, n); }}
  peal::View out(int first, int n) const {{ return part("out", first, n); }}
  peal::View slots(int first, int n) const {{ return part("slots", first, n); }}
  // The cell that only `sender` notifies, and one that all ranks notify.
  peal::Signal cell(int channel, int sender) const {{
    return args.signals("cells")[channel * {MOST_RANKS} + sender];
  }}
  peal::Signal counter(int channel) const {{ return args.signals("counters")[channel]; }}
  peal::View part(const char* name, int first, int n) const {{
    return args.buffer(name).part(static_cast<std::size_t>({UNIT} * first),
                                  static_cast<std::size_t>({UNIT} * n));
  }}
  const KernelArguments& args;
}};
"""


def view(s, name):
    return f"w.{s.operands[name + '_in']}({s.operands[name]}, {s.n})"


def signal(s):
    if "counter" in s.operands:
        return f"w.counter({s.counter})"
    return f"w.cell({s.channel}, {s.sender})"


def text_of(s):
    if s.kind in ("put", "put_notify"):
        news = f", {signal(s)}" if s.kind == "put_notify" else ""
        return f"self.{s.kind}(Rank{{{s.rank}}}, {view(s, 'to')}, {view(s, 'source')}{news});"
    if s.kind == "put_reduce":
        return (f"self.put_reduce(Rank{{{s.rank}}}, {view(s, 'to')}, {view(s, 'source')}, "
                "ReduceOp::sum);")
    if s.kind == "get":
        return f"self.get({view(s, 'to')}, Rank{{{s.rank}}}, {view(s, 'source')});"
    if s.kind == "copy":
        return f"self.copy({view(s, 'to')}, {view(s, 'source')});"
    if s.kind == "reduce":
        return f"self.reduce({view(s, 'to')}, {view(s, 'source')}, ReduceOp::{s.op});"
    if s.kind == "notify":
        return f"self.notify(Rank{{{s.rank}}}, {signal(s)});"
    if s.kind == "wait":
        return f"self.wait({signal(s)}, {s.count});"
    if s.kind == "flush":
        return "self.flush();"
    raise ValueError(s.kind)


def write_source(programs):
    """The source with these programs; their statements get to know their lines."""
    writer = Writer(text_of)
    writer.add(*PRELUDE.split("\n"))
    for number, program in enumerate(programs):
        writer.add(f"void program_{number}(Device& self, const Memory& w) {{",
                   "  [[maybe_unused]] const int me = self.rank(), P = self.ranks();")
        writer.body(program.body)
        writer.add("}", "")
    names = ", ".join(f"program_{number}" for number in range(len(programs)))
    writer.add("void run(Device& self, const KernelArguments& args) {",
               f"  constexpr void (*programs[])(Device&, const Memory&) = {{{names}}};",
               '  programs[args.value("program")](self, Memory(args));', "}", "", "}  // namespace",
               "", "peal::Kernel peal_kernel() {", "  using Kind = peal::KernelBuffer::Kind;",
               "  constexpr auto i32 = peal::DType::i32;", "  return {",
               '      .name = "random_verbs",', "      .run = run,",
               f'      .buffers = {{{{"in", Kind::input, "{UNITS_IN * UNIT}",',
               '                   "i + 100*rank + 1000*call", i32},',
               f'                  {{"out", Kind::output, "{UNITS_OUT * UNIT}", "", i32}},',
               f'                  {{"slots", Kind::window, "{UNITS_SLOTS * UNIT}", "", i32}}}},',
               f'      .signals = {{{{"cells", "{PAIR_CHANNELS * MOST_RANKS}"}}, '
               f'{{"counters", "{COUNTERS}"}}}},',
               f"      .max_ranks = {MOST_RANKS},",
               '      .values = {{"program", "0"}},', "  };", "}")
    return "\n".join(writer.lines) + "\n"
