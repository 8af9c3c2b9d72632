# SPDX-License-Identifier: Apache-2.0
"""How PTO programs are written as C++, and the case that they are run with."""

from statements import Writer

UNITS_IN, UNITS_OUT, UNITS_DATA, UNITS_TILES = 16, 16, 24, 24
UNIT = 16  # numbers
CHANNELS, MOST_RANKS = 8, 4


def place_of(statement):
    if statement.where == "data":
        return f"w.data({statement.rank}, {statement.unit})"
    return f"w.{statement.where}({statement.unit})"


def text_of(s):
    if s.kind == "load":
        return f"load({s.to}, {place_of(s)}, {s.n});"
    if s.kind in ("store", "store_add"):
        return f"{s.kind}({place_of(s)}, {s.source}, {s.n});"
    if s.kind in ("add", "most"):
        return f"{s.kind}({s.to}, {s.a}, {s.b}, {s.n});"
    if s.kind in ("plus", "times"):
        return f"{s.kind}({s.to}, {s.a}, {s.scalar}, {s.n});"
    if s.kind == "fill":
        return f"fill({s.to}, {s.scalar}, {s.n});"
    if s.kind == "move":
        return f"move({s.to}, {s.a}, {s.n});"
    if s.kind == "get_value":
        return f"x += tile({s.tile}).GetValue({s.element});"
    if s.kind == "set_value":
        return f"tile({s.tile}).SetValue({s.element}, {s.scalar});"
    if s.kind in ("set_flag", "wait_flag"):
        return f"{s.kind}(PIPE_{s.source}, PIPE_{s.to}, {s.id});"
    if s.kind == "barrier":
        return f"pipe_barrier(PIPE_{s.pipe});"
    if s.kind == "drain":
        return "pipe_sync();"
    if s.kind == "notify":
        return f"notify(w.cell({s.rank}, {s.channel}, me));"
    if s.kind == "wait":
        return f"wait(w.cell(me, {s.channel}, {s.sender}), {s.threshold});"
    raise ValueError(s.kind)


def write_source(programs):
    """The source with these programs; their statements get to know their lines."""
    writer = Writer(text_of)
    writer.add("// SPDX-License-Identifier: Apache-2.0", '#include "words.h"', "",
               "using namespace words;", "")
    for number, program in enumerate(programs):
        writer.add(f"static void program_{number}(const Memory& w) {{",
                   "  [[maybe_unused]] const int me = w.me, P = w.ranks;",
                   "  [[maybe_unused]] unsigned x = 1;")
        writer.body(program.body)
        # What has been read from tiles counts as used, or the compiler leaves out the reads.
        writer.add('  asm volatile("" : : "r"(x));', "}", "")
    names = ", ".join(f"program_{number}" for number in range(len(programs)))
    writer.add('extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {',
               "  const Memory w(args);",
               f"  constexpr void (*programs[])(const Memory&) = {{{names}}};",
               "  programs[w.program](w);", "}")
    return "\n".join(writer.lines) + "\n"


def write_case(source, include):
    return f"""# SPDX-License-Identifier: Apache-2.0
ranks = [1, 2, 3, 4]
rank_limit = [1, {MOST_RANKS}]
calls = 1
include = ["{include}"]
args = [ {{ in = "i32[{UNITS_IN * UNIT}]", fill = "i + 100*rank" }},
         {{ out = "i32[{UNITS_OUT * UNIT}]" }},
         {{ window = "data" }}, {{ window = "signals" }}, {{ scalar = "program" }},
         {{ context = "data" }}, {{ context = "signals" }} ]

[[kernel]]
id = 0
file = "{source}"

[window.data]
dtype = "i32"
count = "{UNITS_DATA * UNIT}"
fill = "3*i + 1000*rank"

[window.signals]
dtype = "i32"
count = "{CHANNELS * MOST_RANKS * UNIT}"

[values]
program = 0
"""
