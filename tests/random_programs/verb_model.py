# SPDX-License-Identifier: Apache-2.0
"""What the rules of the verbs say of a program: what is wrong in it, and what it computes.

peal/machine/device.h has the rules. A verb reads, then writes; what it writes can be seen some
time later. Verbs read in program order, and write in program order. On the rank's own memory each
takes effect after the earlier ones; elsewhere a notify or a flush ends all before it.
"""

from collections import defaultdict

from accesses import Access, Verdict, conflicts, judge_pairs, judge_unwritten
from order import Graph
from pto_model import POISON, wrapped
from statements import unrolled
from verb_text import UNIT, UNITS_IN, UNITS_OUT, UNITS_SLOTS

TRANSFERS = ("put", "put_notify", "put_reduce", "get", "copy", "reduce")


class RankModel:
    """The nodes of one rank, made in program order, of one call after the other."""

    def __init__(self, model, rank):
        self.model, self.graph, self.rank = model, model.graph, rank
        self.issued = self.last_read = self.last_write = self.graph.node()
        self.own = []  # accesses to the own memory so far
        self.under_way = []  # nodes that a notify ends
        self.verbs = 0  # transfers so far

    def issue(self, *before):
        self.issued = self.graph.node(self.issued, *before)
        return self.issued

    def access(self, memory, first, n, line, *, writes, atomic=False):
        """One access, after the earlier ones that it has to be after."""
        begin, end = first * UNIT, (first + n) * UNIT
        before = []
        if memory[1] == self.rank:
            before = [a.seen for a in self.own if a.memory == memory and a.begin < end
                      and begin < a.end and (a.writes or writes)]
        last = self.last_write if writes else self.last_read
        node = self.graph.node(self.issued, last, self.last_read, *before)
        seen = node
        if writes:
            self.last_write = node
            seen = self.graph.node(node)
        else:
            self.last_read = node
        made = Access(memory, begin, end, writes, self.rank, node, seen, line, atomic=atomic,
                      verb=self.verbs)
        self.under_way += [node, seen]
        self.own.append(made)
        self.model.accesses.append(made)
        return made

    def host(self, kind, writes):
        """The caller writes or reads all of a buffer, in program order."""
        units = UNITS_IN if kind == "in" else UNITS_OUT
        made = self.access((kind, self.rank), 0, units, 0, writes=writes)
        self.graph.edge(made.seen, self.issue())
        self.issue(made.seen)
        return made

    def begin_call(self, call):
        model, rank = self.model, self.rank
        filled = self.host("in", True)
        numbers = [i + 100 * rank + 1000 * call for i in range(UNITS_IN * UNIT)]
        model.actions[filled.start].append(lambda: model.put(("in", rank), 0, numbers))
        poisoned = self.host("out", True)
        poison = [wrapped(POISON)] * (UNITS_OUT * UNIT)
        model.actions[poisoned.start].append(lambda: model.put(("out", rank), 0, poison))
        # No kernel may read what is only poison.
        model.accesses.remove(poisoned)

    def end_call(self):
        read = self.host("out", False)
        self.model.accesses.remove(read)  # of an output that has been written in part
        model, rank = self.model, self.rank
        model.actions[read.start].append(
            lambda: model.results[rank].append(list(model.memory[("out", rank)])))

    def end(self, *nodes):
        """A notify or a flush: everything before it is over."""
        node = self.issue(*self.under_way, *nodes)
        self.under_way = []
        return node

    def add(self, s, names):
        if s.kind in TRANSFERS:
            self.transfer(s, names)
        if s.kind in ("notify", "put_notify"):
            self.model.notifies[self.cell(s, names, s.value("rank", names))].append(self.end())
        elif s.kind == "flush":
            self.end()
        elif s.kind == "wait":
            cell = self.cell(s, names, self.rank)
            self.model.waits.append((self.issue(), cell, s.value("count", names), s.line))

    def cell(self, s, names, receiver):
        if "counter" in s.operands:
            return receiver, "counter", s.value("counter", names)
        return receiver, s.value("channel", names), s.value("sender", names)

    def transfer(self, s, names):
        model = self.model
        n = s.value("n", names)
        self.verbs += 1
        peer = s.value("rank", names) if "rank" in s.operands else self.rank
        to = (s.operands["to_in"], peer if s.kind.startswith("put") else self.rank)
        source = (s.operands["source_in"], peer if s.kind == "get" else self.rank)
        first, origin = s.value("to", names), s.value("source", names)
        taken = []

        def take(access):
            model.actions[access.start].append(
                lambda: taken.append(model.memory[access.memory][access.begin:access.end]))

        if s.kind == "reduce":
            take(self.access(to, first, n, s.line, writes=False))
        take(self.access(source, origin, n, s.line, writes=False))
        written = self.access(to, first, n, s.line, writes=True, atomic=s.kind == "put_reduce")

        def write():
            if s.kind == "put_reduce":
                taken.append(model.memory[to][written.begin:written.end])
            combine = {"sum": lambda a, b: wrapped(a + b), "max": max, "min": min}.get(
                s.operands.get("op", "sum"))
            result = taken[0] if len(taken) == 1 else [combine(a, b) for a, b in zip(*taken)]
            model.put(to, written.begin, result)

        model.actions[written.start].append(write)


class VerbModel:
    def __init__(self, program):
        self.graph = Graph()
        self.accesses, self.waits = [], []
        self.notifies = defaultdict(list)
        self.actions = defaultdict(list)
        self.memory = {}
        self.results = defaultdict(list)
        self.ranks = [RankModel(self, rank) for rank in range(program.ranks)]
        for rank in self.ranks:
            for call in range(program.calls):
                rank.begin_call(call)
                for s, names in unrolled(program.body, {"me": rank.rank, "P": program.ranks}):
                    rank.add(s, names)
                rank.end_call()
        consumed = defaultdict(int)
        for node, cell, count, _ in self.waits:
            consumed[cell] += count
            sent = self.notifies[cell]
            # All that a counter gets is waited for at once; a cell of a pair counts on.
            needed = sent if cell[1] == "counter" else sent[consumed[cell] - 1:consumed[cell]]
            if consumed[cell] > len(sent):
                needed = [self.graph.never]
            for notify in needed:
                self.graph.edge(notify, node)
        self.graph.close()

    def put(self, memory, begin, numbers):
        self.memory[memory][begin:begin + len(numbers)] = numbers

    def verdict(self):
        graph, verdict = self.graph, Verdict()
        done = [access for access in self.accesses if graph.completes(access.start)]
        judge_pairs(verdict, conflicts(graph, done), lambda a: "race", self.is_sure)
        judge_unwritten(graph, verdict, done, {"out"})
        judge_unwritten(graph, verdict, done, {"slots"}, only_whole=True)
        lines = []
        for rank in range(len(self.ranks)):
            lines += [line for node, cell, _, line in self.waits
                      if cell[0] == rank and not graph.completes(node)][:1]
        if lines:
            verdict.stand_still(lines)
        return verdict

    @staticmethod
    def is_sure(a, b):
        """Two verbs of one rank on a peer's memory, with others between, may be ordered by what
        those do to the rank's own memory."""
        return a.rank != b.rank or abs(a.verb - b.verb) == 1

    def outputs(self):
        for rank in range(len(self.ranks)):
            self.memory[("in", rank)] = [0] * (UNITS_IN * UNIT)
            self.memory[("out", rank)] = [0] * (UNITS_OUT * UNIT)
            self.memory[("slots", rank)] = [0] * (UNITS_SLOTS * UNIT)
        for node in self.graph.order:
            for action in self.actions[node]:
                action()
        return [self.results[rank][call] for call in range(len(self.results[0]))
                for rank in range(len(self.ranks))]
