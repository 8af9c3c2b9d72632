# SPDX-License-Identifier: Apache-2.0
"""Verb programs that are right: rounds of puts, gets, notifies and waits between 2 to 4 ranks."""

from collections import Counter

from statements import Loop, Statement, unrolled
from verb_text import COUNTERS, UNITS_IN, UNITS_OUT, UNITS_SLOTS

NEXT, PREVIOUS = "(me + 1) % P", "(me + P - 1) % P"


class VerbProgram:
    def __init__(self, ranks, calls, body):
        self.ranks = ranks
        self.calls = calls
        self.body = body


def put(rank, to, source, n=1, kind="put", **more):
    return Statement(kind, rank=rank, to_in="slots", to=to, source_in="in", source=source, n=n,
                     **more)


def copy(to_in, to, source_in, source, n=1):
    return Statement("copy", to_in=to_in, to=to, source_in=source_in, source=source, n=n)


def reduce(to_in, to, source_in, source, op, n=1):
    return Statement("reduce", to_in=to_in, to=to, source_in=source_in, source=source, op=op, n=n)


def notify(rank, channel, guard=None):
    return Statement("notify", guard, rank=rank, channel=channel, sender="me")


def wait(channel, sender, guard=None, count=1):
    return Statement("wait", guard, channel=channel, sender=sender, count=count)


class VerbRounds:
    """A slot of a window is given back to whoever has put into it by a notify on another channel;
    in half of the programs he waits for that before the next round, else before he needs it."""

    def __init__(self, dice, ranks):
        self.dice = dice
        self.ranks = ranks
        self.counters = 0  # used so far; each serves one round of a single call

    def units(self, bound, n=1):
        return self.dice.below(bound - n + 1)

    def use(self, slot, n=1):
        """Brings what has come in to the output."""
        dice, out = self.dice, self.units(UNITS_OUT, n)
        if dice.chance(0.5):
            return [copy("out", out, "slots", slot, n)]
        if dice.chance(0.5):
            return [copy("out", out, "in", self.units(UNITS_IN, n), n),
                    reduce("out", out, "slots", slot, dice.one_of(["sum", "max", "min"]), n)]
        return [reduce("slots", slot, "in", self.units(UNITS_IN, n), "sum", n),
                copy("out", out, "slots", slot, n)]

    def push(self):
        dice, n = self.dice, self.dice.between(1, 2)
        slot, source = self.units(UNITS_SLOTS, n), self.units(UNITS_IN, n)
        if dice.chance(0.3):
            sent = [put(NEXT, slot, source, n, "put_notify", channel=0, sender="me")]
        else:
            sent = [put(NEXT, slot, source, n), notify(NEXT, 0)]
        return [*sent, wait(0, PREVIOUS), *self.use(slot, n), notify(PREVIOUS, 1), wait(1, NEXT)]

    def pull(self):
        n = self.dice.between(1, 2)
        slot, source = self.units(UNITS_SLOTS, n), self.units(UNITS_IN, n)
        return [copy("slots", slot, "in", source, n), notify(PREVIOUS, 2), wait(2, NEXT),
                Statement("get", rank=NEXT, to_in="out", to=self.units(UNITS_OUT, n),
                          source_in="slots", source=slot, n=n),
                notify(NEXT, 3), wait(3, PREVIOUS)]

    def barrier(self, channel):
        others = [f"(me + {k}) % P" for k in range(1, self.ranks)]
        return [notify(other, channel) for other in others] + [
            wait(channel, other) for other in others]

    def arrivals(self):
        """All notify all: on cells of pairs, or on a counter."""
        if self.counters == COUNTERS or self.dice.chance(0.5):
            return self.barrier(4)
        counter = self.counters
        self.counters += 1
        return [Statement("notify", rank=f"(me + {k}) % P", counter=counter)
                for k in range(1, self.ranks)] + [
            Statement("wait", counter=counter, count="P - 1")]

    def exchange(self):
        slot = self.units(UNITS_SLOTS, self.ranks)
        body = [put(f"(me + {k}) % P", f"{slot} + me", self.units(UNITS_IN))
                for k in range(1, self.ranks)]
        if self.dice.chance(0.3):
            body.append(Statement("flush"))
        body += self.arrivals()
        for k in range(1, self.ranks):
            body += self.use(f"{slot} + (me + {k}) % P")
        return body + self.barrier(5)

    def sum_up(self):
        """All add to one place of rank 0, which gives the sum to all."""
        slot = self.units(UNITS_SLOTS - 1)
        first, others = "me == 0", "me != 0"
        body = [copy("slots", slot, "in", self.units(UNITS_IN)), *self.barrier(4)]
        part = put("0", slot, self.units(UNITS_IN), kind="put_reduce")
        part.guard = others
        body += [part, *self.arrivals()]
        for k in range(1, self.ranks):
            body.append(Statement("put", first, rank=k, to_in="slots", to=slot + 1,
                                  source_in="slots", source=slot, n=1))
        body += self.barrier(4)
        given = copy("out", self.units(UNITS_OUT), "slots", slot + 1)
        given.guard = others
        return body + [given, *self.barrier(5)]

    def ring(self):
        """Rounds over two slots in turn, each of which is given back before it is filled again."""
        rounds = self.dice.between(2, 4)
        slot, source = self.units(UNITS_SLOTS, 2), self.units(UNITS_IN, rounds)
        out = self.units(UNITS_OUT, rounds)
        turn = f"{slot} + i % 2"
        return [Loop(rounds, [wait(1, NEXT, "i >= 2"),
                              put(NEXT, turn, f"{source} + i"), notify(NEXT, 0),
                              wait(0, PREVIOUS), copy("out", f"{out} + i", "slots", turn),
                              notify(PREVIOUS, 1)]),
                wait(1, NEXT, count=2)]

    def local(self):
        body = [copy("out", self.units(UNITS_OUT), "in", self.units(UNITS_IN))
                for _ in range(self.dice.between(1, 2))]
        return body + [reduce("out", self.units(UNITS_OUT - 1), "in", self.units(UNITS_IN), "sum")]


def random_verbs(dice):
    ranks = dice.between(2, 4)
    rounds = VerbRounds(dice, ranks)
    body = []
    for _ in range(dice.between(1, 3)):
        kind = dice.one_of(["push", "push", "pull", "exchange", "sum_up", "ring"])
        body += getattr(rounds, kind)()
        if dice.chance(0.3):
            body.append(copy("out", rounds.units(UNITS_OUT), "in", rounds.units(UNITS_IN)))
    calls = 1 if rounds.counters else dice.between(1, 2)
    return VerbProgram(ranks, calls, body)


def are_well_formed(program):
    """Whether every operand lies in its memory, on every rank, and counters tell one truth: who
    notifies one does so once, and all of them are waited for at once."""
    bounds = {"in": UNITS_IN, "out": UNITS_OUT, "slots": UNITS_SLOTS}
    given = Counter()
    for rank in range(program.ranks):
        for s, names in unrolled(program.body, {"me": rank, "P": program.ranks}):
            for operand in ("to", "source"):
                if operand in s.operands:
                    most = bounds[s.operands[f"{operand}_in"]] - s.value("n", names)
                    if not 0 <= s.value(operand, names) <= most:
                        return False
            if s.kind in ("copy", "reduce") and s.to_in == s.source_in:
                return False
            if "counter" in s.operands:
                given[s.kind, s.counter, rank, s.value("rank", names)
                      if "rank" in s.operands else rank] += 1
    return all(count == 1 for count in given.values())
