# SPDX-License-Identifier: Apache-2.0
"""Instructions at random, and the flags and barriers that they need between them."""

from pto_model import PIPE_OF
from pto_text import UNITS_DATA, UNITS_IN, UNITS_OUT
from statements import Statement

FLAG_IDS = 8


def pipe_of(statement):
    return PIPE_OF.get(statement.kind, "S")


def footprint(statement):
    """The units that it reads and writes, as sets of (memory, unit) of one rank."""
    reads, writes = set(), set()
    if statement.kind in ("get_value", "set_value"):
        units = {("tiles", int(statement.tile) + int(statement.element) // 16)}
        return (units, set()) if statement.kind == "get_value" else (set(), units)
    n = int(statement.n)
    for operand in ("to", "a", "b", "source"):
        if operand in statement.operands:
            first = int(statement.operands[operand])
            (writes if operand == "to" else reads).update(
                ("tiles", first + k) for k in range(n))
    if "where" in statement.operands:
        place = {(statement.where, int(statement.unit) + k) for k in range(n)}
        (writes if pipe_of(statement) == "MTE3" else reads).update(place)
    return reads, writes


def random_instructions(dice, count, first_tile, tiles):
    """Loads, combinations, scalar accesses and stores in `tiles` units from `first_tile` on."""
    n = dice.between(1, 2)
    places = [first_tile + dice.below(tiles - n + 1) for _ in range(4)]
    written = set()  # units
    result = []

    def is_written(place):
        return all(unit in written for unit in range(place, place + n))

    while len(result) < count:
        known = [place for place in places if is_written(place)]
        kind = dice.weighted({"load": 4, "vector": 4, "store": 3, "get_value": 2, "set_value": 2})
        place = dice.one_of(places)
        if not known:
            kind = "load"
        if kind == "load":
            where = dice.weighted({"in": 3, "data": 1})
            unit = dice.below((UNITS_IN if where == "in" else UNITS_DATA // 2) - n)
            result.append(Statement("load", to=place, where=where, rank="me", unit=unit, n=n))
            written.update(range(place, place + n))
        elif kind == "vector":
            name = dice.one_of(["add", "most", "plus", "times", "fill", "move"])
            operands = {"to": place, "n": n}
            if name != "fill":
                operands["a"] = dice.one_of(known)
            if name in ("add", "most"):
                operands["b"] = dice.one_of(known)
            if name in ("plus", "times", "fill"):
                operands["scalar"] = dice.one_of(["x", "x + 3", str(dice.between(2, 9))])
            result.append(Statement(name, **operands))
            written.update(range(place, place + n))
        elif kind == "store":
            where = dice.weighted({"out": 3, "data": 1})
            unit = dice.below((UNITS_OUT if where == "out" else UNITS_DATA // 2) - n)
            # An output holds what cannot be added to.
            kind = "store_add" if where == "data" and dice.chance(0.3) else "store"
            result.append(Statement(kind, source=dice.one_of(known), where=where, rank="me",
                                    unit=unit, n=n))
        else:
            operands = {"tile": dice.one_of(known) + dice.below(n), "element": dice.below(16)}
            if kind == "set_value":
                operands["scalar"] = dice.one_of(["x", "x + 5", str(dice.between(1, 99))])
            result.append(Statement(kind, **operands))
    if not any(s.kind == "store" and s.where == "out" for s in result):
        known = [place for place in places if is_written(place)]
        result.append(Statement("store", source=known[0], where="out", rank="me",
                                unit=dice.below(UNITS_OUT - n), n=n))
    return result


def synchronised(dice, instructions):
    """The same with what makes each wait for the earlier ones that it is in conflict with."""
    style = dice.one_of(["flags", "flags", "barriers", "mixed"])
    result = []
    done = []  # (statement, pipe, reads, writes)
    covered = {}  # (from, to): so many of `done` are known to be over
    ids = {}  # of each pair of pipes: the next identifier
    for statement in instructions:
        pipe = pipe_of(statement)
        reads, writes = footprint(statement)
        for other in ("V", "MTE2", "MTE3", "S"):
            latest = -1
            for k in range(covered.get((other, pipe), 0), len(done)):
                _, its_pipe, its_reads, its_writes = done[k]
                is_in_conflict = writes & (its_reads | its_writes) or reads & its_writes
                if its_pipe == other and is_in_conflict:
                    latest = k
            if latest < 0 or other == "S":
                continue
            if other == pipe:
                both = {part for part in writes & done[latest][3] if part[0] != "tiles"}
                if pipe == "MTE3" and both:
                    result.append(Statement("barrier", pipe="MTE3"))
                    covered[pipe, pipe] = len(done)
                continue
            if style == "barriers" or style == "mixed" and dice.chance(0.4):
                result.append(Statement("barrier", pipe="ALL"))
                covered = {(a, b): len(done) for a in ("V", "MTE2", "MTE3", "S")
                           for b in ("V", "MTE2", "MTE3", "S")}
                ids = {}
                continue
            number = ids.get((other, pipe), 0)
            ids[other, pipe] = (number + 1) % FLAG_IDS
            setting = Statement("set_flag", source=other, to=pipe, id=number)
            if dice.chance(0.5):
                result.insert(result.index(done[latest][0]) + 1, setting)
                covered[other, pipe] = latest + 1
            else:
                result.append(setting)
                covered[other, pipe] = len(done)
            result.append(Statement("wait_flag", source=other, to=pipe, id=number))
        result.append(statement)
        done.append((statement, pipe, reads, writes))
    return result
