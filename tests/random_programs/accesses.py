# SPDX-License-Identifier: Apache-2.0
"""Accesses to memory, and which pairs of them nothing orders."""

from dataclasses import dataclass


@dataclass
class Access:
    memory: tuple  # its kind, and the rank it is of
    begin: int  # in elements
    end: int
    writes: bool
    rank: int  # whose core it is of
    start: int  # the node at which it is made
    seen: int  # the node from which on it is over for everybody
    line: int
    atomic: bool = False
    verb: int = 0  # the number of the verb that it is part of, among those of its rank


@dataclass(frozen=True)
class Expected:
    """A finding by its class and the lines that it names, each once, the smaller first."""

    kind: str
    lines: tuple


class Verdict:
    """What may be found in a program, and what has to be.

    `needed` holds groups of findings, of each of which one has to be found. A pair of accesses can
    hide behind another, because a check that keeps of each byte the last write and the reads since
    tells of the nearest pair: of two writes and a read, say, of the last write and the read. Of a
    program that `is_uncertain` anything else may be found, too.
    """

    def __init__(self):
        self.allowed = set()
        self.needed = []
        self.is_uncertain = False
        self.stuck = set()  # of a program that stands still: the lines at which it does

    def allow(self, kind, *lines):
        found = Expected(kind, tuple(sorted(set(lines))))
        self.allowed.add(found)
        return found

    def need(self, *group):
        self.needed.append(frozenset(group))

    def stand_still(self, lines):
        """It does in every schedule. What else is wrong then need not be found."""
        self.stuck = set(lines)
        self.needed = []
        self.need(self.allow("deadlock"))

    @property
    def is_right(self):
        return not self.allowed


def overlap(a, b):
    return a.memory == b.memory and a.begin < b.end and b.begin < a.end


def is_over(graph, first, second):
    """Whether the first access is over when the second one starts, in every schedule."""
    if first.start == second.start:
        return True
    is_own = first.rank == second.rank == first.memory[1]
    end = first.start if is_own and first.writes and not second.writes else first.seen
    return end == second.start or graph.is_before(end, second.start)


def conflicts(graph, accesses):
    """The pairs of accesses to the same elements, one of them a write, that nothing orders."""
    result = []
    for j, b in enumerate(accesses):
        for a in accesses[:j]:
            if not overlap(a, b) or not (a.writes or b.writes) or (a.atomic and b.atomic):
                continue
            if not is_over(graph, a, b) and not is_over(graph, b, a):
                result.append((a, b))
    return result


def judge_pairs(verdict, pairs, kind_of, is_sure=lambda a, b: True):
    """Adds the pairs to the verdict: each has to be found, or one that it can hide behind, of which
    first the one access and then the other may be another."""
    named = [(a, b, verdict.allow(kind_of(a), a.line, b.line)) for a, b in pairs]
    for a, b, found in named:
        if not is_sure(a, b):
            continue
        begin, end = max(a.begin, b.begin), min(a.end, b.end)
        near = [(c, d, other) for c, d, other in named
                if overlap(a, c) and max(c.begin, d.begin) <= begin and end <= min(c.end, d.end)]
        known = [(a, b, found)]
        for _ in range(2):
            ends = {id(each) for c, d, _ in known for each in (c, d)}
            known = [(c, d, other) for c, d, other in near if id(c) in ends or id(d) in ends]
        verdict.need(*[other for _, _, other in known])


def unwritten_parts(graph, read, writes, is_before):
    """The parts of a read that no write of `writes` with `is_before` covers."""
    rest = [(read.begin, read.end)]
    for write in writes:
        if not overlap(read, write) or not is_before(write):
            continue
        cut = []
        for begin, end in rest:
            if begin < min(end, write.begin):
                cut.append((begin, min(end, write.begin)))
            if max(begin, write.end) < end:
                cut.append((max(begin, write.end), end))
        rest = cut
    return rest


def judge_unwritten(graph, verdict, accesses, memories, only_whole=False):
    """Reads of memory, of the kinds `memories`, that nobody has written before: of any of it, or
    has to be found only where all of it is unwritten."""
    writes = [access for access in accesses if access.writes and access.memory[0] in memories]
    for read in accesses:
        if read.writes or read.memory[0] not in memories:
            continue
        if unwritten_parts(graph, read, writes, lambda w: graph.is_before(w.start, read.start)):
            found = verdict.allow("never_written", read.line)
            rest = unwritten_parts(graph, read, writes,
                                   lambda w: not graph.is_before(read.start, w.start))
            if rest and (not only_whole or rest == [(read.begin, read.end)]):
                verdict.need(found)
