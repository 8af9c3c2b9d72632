# SPDX-License-Identifier: Apache-2.0
"""What the rules of the PTO tile ISA say of a program: what is wrong in it, and what it computes.

Every instruction is one or more nodes of a graph; docs/checks.md, "What orders two accesses", has
the rules that give the edges. A load, a store and a vector instruction are issued, then executed
by their pipe; a store, then, can be seen. The scalar unit issues in order, and its own accesses to
tiles are made where they stand.
"""

from collections import defaultdict

from accesses import Access, Verdict, conflicts, judge_pairs, judge_unwritten
from order import Graph
from pto_text import UNIT, UNITS_IN, UNITS_DATA, UNITS_OUT, UNITS_TILES
from statements import evaluate, unrolled

PIPE_OF = {"load": "MTE2", "store": "MTE3", "store_add": "MTE3"}
PIPE_OF |= dict.fromkeys(("add", "most", "plus", "times", "fill", "move"), "V")
PIPES = ("V", "MTE2", "MTE3")
POISON = 0xCDCDCDCD


def wrapped(value):
    """As 32 bits with a sign."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


class CoreModel:
    """The nodes of one rank's core, made in program order."""

    def __init__(self, model, rank):
        self.model, self.graph, self.rank = model, model.graph, rank
        self.issued = self.graph.node()  # the scalar unit's last node
        self.last = {pipe: self.issued for pipe in PIPES}  # of each pipe
        self.scalar_nodes = []  # (node, line)
        self.line = 0
        self.stores = []  # (node of being seen, line) of each store so far
        self.sets, self.waits = defaultdict(list), defaultdict(list)  # of each flag: (node, line)
        self.x = 1  # the program's scalar variable, when the values are worked out

    def scalar_node(self, *before):
        self.issued = self.graph.node(self.issued, *before)
        self.scalar_nodes.append((self.issued, self.line))
        return self.issued

    def pipe_node(self, pipe, *before):
        self.last[pipe] = self.graph.node(self.scalar_node(), self.last[pipe], *before)
        return self.last[pipe]

    def everything(self):
        return list(self.last.values()) + [seen for seen, _ in self.stores]

    def add(self, statement, names):
        self.line = statement.line
        getattr(self, "add_" + {"drain": "barrier", **dict.fromkeys(PIPE_OF, "instruction")}.get(
            statement.kind, statement.kind))(statement, names)

    def add_instruction(self, s, names):
        pipe = PIPE_OF[s.kind]
        node = self.pipe_node(pipe)
        n = s.value("n", names)
        touched = [(("tiles", self.rank), s.value(operand, names), operand == "to")
                   for operand in ("to", "a", "b", "source") if operand in s.operands]
        seen = node
        if pipe != "V":
            rank = s.value("rank", names) if s.where == "data" else self.rank
            touched.append(((s.where, rank), s.value("unit", names), pipe == "MTE3"))
        if pipe == "MTE3":
            seen = self.graph.node(node)
            self.stores.append((seen, s.line))
        for memory, unit, writes in touched:
            is_global = memory[0] != "tiles"
            self.model.accesses.append(
                Access(memory, unit * UNIT, (unit + n) * UNIT, writes, self.rank, start=node,
                       seen=seen if is_global and writes else node, line=s.line,
                       atomic=writes and s.kind == "store_add"))
        taken = []  # the scalar operand, as it is when the instruction is issued
        if "scalar" in s.operands:
            self.model.actions[self.issued].append(
                lambda: taken.append(wrapped(evaluate(s.scalar, {"x": self.x}))))
        reads = [(memory, unit * UNIT) for memory, unit, writes in touched if not writes]
        (target, first), = [(memory, unit * UNIT) for memory, unit, writes in touched if writes]
        self.model.actions[node].append(
            lambda: self.model.carry_out(s.kind, target, first, reads, n * UNIT, taken))

    def add_get_value(self, s, names):
        at = self.add_scalar_access(s, names, writes=False)

        def get():
            self.x = (self.x + self.model.memory[("tiles", self.rank)][at]) % (1 << 32)

        self.model.actions[self.issued].append(get)

    def add_set_value(self, s, names):
        at = self.add_scalar_access(s, names, writes=True)

        def put():
            tiles = self.model.memory[("tiles", self.rank)]
            tiles[at] = wrapped(evaluate(s.scalar, {"x": self.x}))

        self.model.actions[self.issued].append(put)

    def add_scalar_access(self, s, names, writes):
        node = self.scalar_node()
        at = s.value("tile", names) * UNIT + s.value("element", names)
        self.model.accesses.append(Access(("tiles", self.rank), at, at + 1, writes, self.rank,
                                          node, node, s.line))
        return at

    def add_set_flag(self, s, names):
        node = self.scalar_node()
        if s.source != "S":  # when all before it is over; it does not hold what comes after it
            before = [seen for seen, _ in self.stores] if s.source == "MTE3" else []
            before += [node, self.last[s.source]]
            node = self.graph.node(*before)
            self.model.timeless[node] = before
        flag = (s.source, s.to, s.value("id", names))
        self.sets[flag].append((node, s.line))

    def add_wait_flag(self, s, names):
        if s.to == "S":
            node = self.scalar_node()
        else:
            before = [self.last[s.to]]
            node = self.pipe_node(s.to)
            self.model.timeless[node] = before + [self.issued]
        flag = (s.source, s.to, s.value("id", names))
        self.waits[flag].append((node, s.line))

    def add_barrier(self, s, names):
        pipe = "ALL" if s.kind == "drain" else s.pipe
        if pipe == "ALL":
            self.scalar_node(*self.everything())
        else:
            self.pipe_node(pipe, *([seen for seen, _ in self.stores] if pipe == "MTE3" else []))

    def add_notify(self, s, names):
        cell = (s.value("rank", names), s.value("channel", names), self.rank)
        self.model.notifies[cell].append(self.scalar_node())
        self.scalar_node(*self.everything())  # its trailing barrier

    def add_wait(self, s, names):
        cell = (self.rank, s.value("channel", names), s.value("sender", names))
        threshold = s.value("threshold", names)
        before = self.issued
        self.model.waits.append((self.scalar_node(), before, cell, threshold, s.line))

    def end(self):
        # What a pipe has in its queue is carried out, or it stands still.
        self.end_node = self.issued
        self.graph.node(*self.everything())

    def pair_flags(self):
        for flag, waits in self.waits.items():
            sets = self.sets[flag]
            for k, (node, _) in enumerate(waits):
                setting = sets[k][0] if k < len(sets) else self.graph.never
                self.graph.edge(setting, node)
                self.model.flag_of[node] = setting


class PtoModel:
    def __init__(self, program):
        self.graph = Graph()
        self.accesses, self.waits = [], []
        self.notifies = defaultdict(list)
        self.actions = defaultdict(list)  # of each node: what computes the values
        self.timeless = {}  # of flags: the nodes at whose end they are set, or reached by a wait
        self.flag_of = {}  # of each wait: the node that sets its flag
        self.cores = [CoreModel(self, rank) for rank in range(program.ranks)]
        self.memory = {}
        for core in self.cores:
            for statement, names in unrolled(program.body,
                                             {"me": core.rank, "P": program.ranks}):
                core.add(statement, names)
            core.end()
            core.pair_flags()
        for node, _, cell, threshold, _ in self.waits:
            if threshold > 0:
                sent = self.notifies[cell]
                self.graph.edge(
                    sent[threshold - 1] if threshold <= len(sent) else self.graph.never, node)
        self.graph.close()

    def verdict(self):
        graph, verdict = self.graph, Verdict()
        done = [access for access in self.accesses if graph.completes(access.start)]
        pairs = conflicts(graph, done)
        judge_pairs(verdict, pairs,
                    lambda a: "missing_flag" if a.memory[0] == "tiles" else "race")
        judge_unwritten(graph, verdict, done, {"tiles", "out"})
        self.judge_flags(verdict)
        self.judge_ends(verdict)
        self.judge_vacuous(verdict)
        self.judge_deadlock(verdict)
        return verdict

    def judge_flags(self, verdict):
        """A flag is one bit: it must have been waited for before it is set again.

        Setting it and waiting for it takes no time: the wait has passed when the flag has been set
        and all is over that stands before the wait in its pipe's queue. If not, which set is
        lost depends on the schedule, and so does what else goes wrong.
        """
        lost = []
        for core in self.cores:
            for flag, sets in core.sets.items():
                waits = core.waits[flag]
                sets = [(node, line) for node, line in sets if self.graph.completes(node)]
                pairs = [verdict.allow("flag_left_set", sets[k - 1][1], sets[k][1])
                         for k in range(1, len(sets))
                         if k > len(waits)
                         or not self.has_passed(waits[k - 1][0], sets[k][0])]
                if pairs:
                    lost.append(frozenset(pairs[:1]))
                if len(sets) > len(waits):
                    verdict.need(*[verdict.allow("flag_left_set", line) for _, line in sets])
        if lost:
            verdict.needed = lost
            verdict.is_uncertain = True

    def has_passed(self, wait, node):
        if wait not in self.timeless:
            return self.graph.is_before(wait, node)
        return all(self.is_over(earlier, node) for earlier in self.timeless[wait])

    def is_over(self, earlier, node):
        if self.graph.is_before(earlier, node):
            return True
        if earlier not in self.timeless:
            return False
        before = list(self.timeless[earlier])
        if earlier in self.flag_of:
            before.append(self.flag_of[earlier])
        return all(self.is_over(each, node) for each in before)

    def judge_ends(self, verdict):
        """Stores that the scalar unit does not know to be seen when the kernel ends."""
        for core in self.cores:
            if not self.graph.completes(core.end_node):
                continue
            late = [line for seen, line in core.stores
                    if not self.graph.is_before(seen, core.end_node)]
            group = [verdict.allow("not_drained", line) for line in late]
            if late:
                verdict.need(*group)

    def judge_vacuous(self, verdict):
        """A cell has one sender, whose k-th notify a wait for k needs.

        It does not where the core knows of that notify before it waits. Then the wait is vacuous if
        a notify of the cell is in no order with it; else it is only redundant, which is advice.
        """
        of_lines = defaultdict(list)
        is_before = self.graph.is_before
        for node, before, cell, threshold, line in self.waits:
            if not self.graph.completes(node):
                continue
            sent = [notify for notify in self.notifies[cell] if self.graph.completes(notify)]
            known = sum(is_before(notify, before) for notify in sent)
            unordered = any(not is_before(notify, node) and not is_before(node, notify)
                            for notify in sent)
            of_lines[line].append(threshold <= known and unordered)
        for line, vacuous in of_lines.items():
            if all(vacuous):
                verdict.need(verdict.allow("vacuous_wait", line))
            elif any(vacuous):
                verdict.allow("vacuous_wait", line)

    def judge_deadlock(self, verdict):
        """Where each core's scalar unit and pipes stand still, if they do."""
        completes = self.graph.completes
        lines = []
        for core in self.cores:
            lines += [line for node, line in core.scalar_nodes if not completes(node)][:1]
            for waits in core.waits.values():
                lines += [line for node, line in waits if not completes(node)
                          and all(completes(each) for each in self.timeless.get(node, ()))]
        if lines:
            verdict.stand_still(lines)

    def outputs(self):
        """What each rank's output holds at the end; of a program that is right."""
        for core in self.cores:
            rank = core.rank
            self.memory[("tiles", rank)] = [0] * (UNITS_TILES * UNIT)
            self.memory[("in", rank)] = [i + 100 * rank for i in range(UNITS_IN * UNIT)]
            self.memory[("out", rank)] = [wrapped(POISON)] * (UNITS_OUT * UNIT)
            self.memory[("data", rank)] = [3 * i + 1000 * rank for i in range(UNITS_DATA * UNIT)]
        for node in self.graph.order:
            for action in self.actions[node]:
                action()
        return [self.memory[("out", core.rank)] for core in self.cores]

    def carry_out(self, kind, target, first, reads, count, taken):
        sources = [self.memory[memory][begin:begin + count] for memory, begin in reads]
        old = self.memory[target][first:first + count]
        if kind in ("load", "store", "move"):
            result = sources[0]
        elif kind == "store_add":
            result = [wrapped(a + b) for a, b in zip(old, sources[0])]
        elif kind == "add":
            result = [wrapped(a + b) for a, b in zip(*sources)]
        elif kind == "most":
            result = [max(a, b) for a, b in zip(*sources)]
        elif kind == "plus":
            result = [wrapped(a + taken[0]) for a in sources[0]]
        elif kind == "times":
            result = [wrapped(a * taken[0]) for a in sources[0]]
        else:
            result = [taken[0]] * count
        self.memory[target][first:first + count] = result
