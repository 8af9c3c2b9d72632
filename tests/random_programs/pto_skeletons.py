# SPDX-License-Identifier: Apache-2.0
"""PTO programs that are right: segments of instructions, loops, and rounds between ranks."""

from pto_text import UNITS_DATA, UNITS_IN, UNITS_OUT, UNITS_TILES
from statements import Loop, Statement, unrolled
from straight_line import random_instructions, synchronised


class PtoProgram:
    calls = 1

    def __init__(self, ranks, body):
        self.ranks = ranks
        self.body = body


def flag(kind, source, to, number, guard=None):
    return Statement(kind, guard, source=source, to=to, id=number)


def order(source, to, number):
    return [flag("set_flag", source, to, number), flag("wait_flag", source, to, number)]


def straight(dice, first_tile, tiles=6):
    return synchronised(dice, random_instructions(dice, dice.between(5, 12), first_tile, tiles))


def double_buffered(dice, first_tile):
    """Load, combine, store, with two tiles for each in turn and flags both ways."""
    rounds = dice.between(3, 5)
    unit_in, unit_out = dice.below(UNITS_IN - rounds), dice.below(UNITS_OUT - rounds)
    loaded, result = f"{first_tile} + i % 2", f"{first_tile + 2} + i % 2"
    combine = dice.one_of([
        Statement("plus", to=result, a=loaded, scalar="x", n=1),
        Statement("times", to=result, a=loaded, scalar="3", n=1),
        Statement("add", to=result, a=loaded, b=loaded, n=1)])
    again, before_last = "i >= 2", f"i < {rounds - 2}"
    body = [
        flag("wait_flag", "V", "MTE2", "i % 2", again),
        Statement("load", to=loaded, where="in", rank="me", unit=f"{unit_in} + i", n=1),
        flag("set_flag", "MTE2", "V", "i % 2"),
        flag("wait_flag", "MTE2", "V", "i % 2"),
        flag("wait_flag", "MTE3", "V", "i % 2", again),
        combine,
        flag("set_flag", "V", "MTE2", "i % 2", before_last),
        flag("set_flag", "V", "MTE3", "2 + i % 2"),
        flag("wait_flag", "V", "MTE3", "2 + i % 2"),
        Statement("store", source=result, where="out", rank="me", unit=f"{unit_out} + i", n=1),
        flag("set_flag", "MTE3", "V", "i % 2", before_last),
    ]
    return [Loop(rounds, body)]


def scalar_loop(dice, first_tile):
    """The scalar unit reads and changes each tile between its load and its store."""
    rounds = dice.between(2, 4)
    unit_in, unit_out = dice.below(UNITS_IN - rounds), dice.below(UNITS_OUT - rounds)
    body = [Statement("load", to=first_tile, where="in", rank="me", unit=f"{unit_in} + i", n=1)]
    body += order("MTE2", "S", 0)
    body.append(Statement("get_value", tile=first_tile, element=dice.below(16)))
    if dice.chance(0.6):
        body.append(Statement("set_value", tile=first_tile, element="i", scalar="x + 1"))
    source = first_tile
    if dice.chance(0.6):
        source = first_tile + 1
        body.append(Statement("plus", to=source, a=first_tile, scalar="x", n=1))
        if dice.chance(0.5):
            body += order("V", "S", 1)
            body.append(Statement("get_value", tile=source, element=dice.below(16)))
        body += order("V", "MTE3", 2)
    body.append(Statement("store", source=source, where="out", rank="me",
                          unit=f"{unit_out} + i", n=1))
    if dice.chance(0.5):
        body += order("MTE3", "MTE2", 3)
        if source != first_tile:
            body += order("MTE3", "V", 4)
    else:
        body.append(Statement("barrier", pipe="ALL"))
    return [Loop(rounds, body)]


def barrier_loop(dice, first_tile):
    """A sum over rounds, with a barrier between any two pipes."""
    rounds = dice.between(2, 4)
    unit_in = dice.below(UNITS_IN - rounds)
    barrier = Statement("barrier", pipe="ALL")
    total = first_tile + 1
    body = [Statement("load", to=first_tile, where="in", rank="me", unit=f"{unit_in} + i", n=1),
            barrier, Statement("add", to=total, a=total, b=first_tile, n=1),
            Statement("barrier", pipe="ALL")]
    if dice.chance(0.5):
        body.append(Statement("get_value", tile=total, element=dice.below(16)))
    return [Statement("fill", to=total, scalar="x", n=1), Loop(rounds, body),
            Statement("store", source=total, where="out", rank="me",
                      unit=dice.below(UNITS_OUT), n=1)]


def one_rank(dice):
    """Segments, one after the other, in tiles of their own or not, with barriers between."""
    body = []
    tile = 0
    for _ in range(dice.between(1, 3)):
        make = dice.one_of([straight, straight, double_buffered, scalar_loop, barrier_loop])
        if body:
            body.append(Statement("barrier", pipe="ALL"))
            if dice.chance(0.5):
                tile = dice.below(16)
        body += make(dice, tile)
    return PtoProgram(1, body + [Statement("drain")])


class Rounds:
    """Rounds between ranks, whose channels count on from round to round."""

    def __init__(self, dice):
        self.dice = dice
        self.sent = {}  # notifies of each channel so far, of each sender to each receiver

    def threshold(self, channel, loop_rounds=0):
        before = self.sent.get(channel, 0)
        self.sent[channel] = before + max(1, loop_rounds)
        return f"{before + 1} + i" if loop_rounds else str(before + 1)

    def meet(self, channel, sender, receiver, loop_rounds=0):
        return [Statement("notify", rank=receiver, channel=channel),
                Statement("wait", channel=channel, sender=sender,
                          threshold=self.threshold(channel, loop_rounds))]

    def barrier(self, channel, ranks):
        body = [Statement("notify", rank=f"(me + {k}) % P", channel=channel)
                for k in range(1, ranks)]
        threshold = self.threshold(channel)
        return body + [Statement("wait", channel=channel, sender=f"(me + {k}) % P",
                                 threshold=threshold) for k in range(1, ranks)]

    def use(self, tile, where, rank, unit, out):
        """Brings a unit to the output, perhaps by way of the scalar unit."""
        dice = self.dice
        body = [Statement("load", to=tile, where=where, rank=rank, unit=unit, n=1)]
        if dice.chance(0.5):
            body += order("MTE2", "S", 5)
            body.append(Statement("get_value", tile=tile, element=dice.below(16)))
            if dice.chance(0.5):
                body.append(Statement("set_value", tile=tile, element=dice.below(16), scalar="x"))
        if dice.chance(0.5):
            body += order("MTE2", "V", 6)
            body.append(Statement("plus", to=tile + 1, a=tile, scalar="x", n=1))
            body += order("V", "MTE3", 6)
            tile += 1
        else:
            body += order("MTE2", "MTE3", 6)
        body.append(Statement("store", source=tile, where="out", rank="me", unit=out, n=1))
        return body

    def stage(self, tile, source, rank, unit):
        return [Statement("load", to=tile, where="in", rank="me", unit=source, n=1),
                *order("MTE2", "MTE3", 7),
                Statement("store", source=tile, where="data", rank=rank, unit=unit, n=1),
                Statement("drain")]

    def push(self, tile):
        dice, slot = self.dice, self.dice.below(UNITS_DATA)
        return [*self.stage(tile, dice.below(UNITS_IN), "(me + 1) % P", slot),
                *self.meet(0, "(me + P - 1) % P", "(me + 1) % P"),
                *self.use(tile + 1, "data", "me", slot, dice.below(UNITS_OUT)),
                Statement("drain"),
                *self.meet(1, "(me + 1) % P", "(me + P - 1) % P")]

    def pull(self, tile):
        dice, slot = self.dice, self.dice.below(UNITS_DATA)
        return [*self.stage(tile, dice.below(UNITS_IN), "me", slot),
                *self.meet(2, "(me + 1) % P", "(me + P - 1) % P"),
                *self.use(tile + 1, "data", "(me + 1) % P", slot, dice.below(UNITS_OUT)),
                Statement("drain"),
                *self.meet(3, "(me + P - 1) % P", "(me + 1) % P")]

    def exchange(self, tile, ranks):
        dice, slot = self.dice, self.dice.below(UNITS_DATA - ranks)
        body = []
        for k in range(1, ranks):
            body += self.stage(tile, dice.below(UNITS_IN), f"(me + {k}) % P", f"{slot} + me")
        body += self.barrier(4, ranks)
        for k in range(1, ranks):
            body += self.use(tile + 1, "data", "me", f"{slot} + (me + {k}) % P",
                             dice.below(UNITS_OUT))
            body.append(Statement("drain"))
        return body + self.barrier(5, ranks)

    def sum_up(self, tile, ranks):
        """All add to one place of rank 0 at once, and read it there."""
        dice, slot = self.dice, self.dice.below(UNITS_DATA)
        body = [Statement("load", to=tile, where="in", rank="me", unit=dice.below(UNITS_IN), n=1),
                *order("MTE2", "MTE3", 7),
                Statement("store_add", source=tile, where="data", rank=0, unit=slot, n=1),
                Statement("drain")]
        body += self.barrier(4, ranks)
        body += self.use(tile + 1, "data", 0, slot, dice.below(UNITS_OUT))
        body.append(Statement("drain"))
        return body + self.barrier(5, ranks)

    def ring_loop(self, tile):
        """Rounds in which each slot is used again two rounds later."""
        dice, slot, rounds = self.dice, self.dice.below(UNITS_DATA - 2), self.dice.between(2, 4)
        first, out = dice.below(UNITS_IN - rounds), dice.below(UNITS_OUT - rounds)
        body = [*self.stage(tile, f"{first} + i", "(me + 1) % P", f"{slot} + i % 2"),
                *self.meet(6, "(me + P - 1) % P", "(me + 1) % P", rounds),
                *self.use(tile + 1, "data", "me", f"{slot} + i % 2", f"{out} + i"),
                Statement("drain"),
                *self.meet(7, "(me + 1) % P", "(me + P - 1) % P", rounds)]
        return [Loop(rounds, body)]


def several_ranks(dice):
    ranks = dice.between(2, 4)
    rounds = Rounds(dice)
    body = []
    for _ in range(dice.between(1, 3)):
        tile = dice.below(16)
        kind = dice.one_of(["push", "pull", "exchange", "sum_up", "ring_loop"])
        make = getattr(rounds, kind)
        body += make(tile, ranks) if kind in ("exchange", "sum_up") else make(tile)
        if dice.chance(0.3):
            body += [*straight(dice, dice.below(16)), Statement("drain")]
    return PtoProgram(ranks, body + [Statement("drain")])


def random_kernel(dice):
    return one_rank(dice) if dice.chance(0.6) else several_ranks(dice)


def is_well_formed(program):
    """Whether every operand lies in its memory, on every rank, and a result on all of a source."""
    bounds = {"in": UNITS_IN, "out": UNITS_OUT, "data": UNITS_DATA}
    for rank in range(program.ranks):
        for s, names in unrolled(program.body, {"me": rank, "P": program.ranks}):
            if s.kind in ("set_flag", "wait_flag"):
                continue
            n = s.value("n", names) if "n" in s.operands else 1
            tiles = {operand: s.value(operand, names)
                     for operand in ("to", "a", "b", "source", "tile") if operand in s.operands}
            if any(not 0 <= first <= UNITS_TILES - n for first in tiles.values()):
                return False
            if any(0 < abs(tiles[source] - tiles["to"]) < n for source in "ab" if source in tiles):
                return False
            if "unit" in s.operands and not 0 <= s.value("unit", names) <= bounds[s.where] - n:
                return False
    return True
