# SPDX-License-Identifier: Apache-2.0
"""Small changes that may make a right program wrong. Each is made to the statement block[k]."""

import copy

from statements import Loop, Statement, blocks_of

SYNCHRONISES = {"set_flag", "wait_flag", "barrier", "drain", "notify", "wait", "flush"}
MOVES_DATA = {"load", "store", "store_add", "add", "plus", "move", "get_value", "set_value", "put",
              "put_reduce", "get", "copy", "reduce"}
PIPES = ["V", "MTE2", "MTE3"]


def sites(body, kinds=None):
    """(block, index) of every statement, of the kinds asked for."""
    return [(block, k) for block in blocks_of(body) for k, part in enumerate(block)
            if isinstance(part, Statement) and (kinds is None or part.kind in kinds)]


def drop(dice, block, k, ranks):
    del block[k]


def drop_flag(dice, block, k, ranks):
    """A set_flag with the wait for it that comes next."""
    gone = block.pop(k)
    for at in range(k, len(block)):
        part = block[at]
        if (isinstance(part, Statement) and part.kind == "wait_flag" and
                part.operands == gone.operands):
            del block[at]
            return


def drop_meeting(dice, block, k, ranks):
    """A wait with the notify of the other rank that it waits for."""
    gone = block.pop(k)
    names = {"me": 0, "P": ranks, "i": 0}

    def is_for_it(part):
        if not isinstance(part, Statement) or part.kind != "notify":
            return False
        if "counter" in gone.operands:
            return part.operands.get("counter") == gone.counter
        if part.operands.get("channel") != gone.channel:
            return False
        return (part.value("rank", names) + gone.value("sender", names)) % ranks == 0

    for at in reversed(range(k)):
        if is_for_it(block[at]):
            del block[at]
            return


def move(dice, block, k, ranks):
    by = dice.one_of([-3, -2, -1, 1, 2, 3])
    part = block.pop(k)
    block.insert(max(0, min(len(block), k + by)), part)


def duplicate(dice, block, k, ranks):
    block.insert(k + 1, copy.deepcopy(block[k]))


def swap(dice, block, k, ranks):
    if k + 1 < len(block) and not isinstance(block[k + 1], Loop):
        block[k], block[k + 1] = block[k + 1], block[k]


def weaken(dice, block, k, ranks):
    """A barrier of one pipe for all, a flag of another number, a wait for another notify."""
    part = block[k]
    if part.kind in ("barrier", "drain"):
        block[k] = Statement("barrier", part.guard, pipe=dice.one_of(PIPES))
    elif part.kind in ("set_flag", "wait_flag"):
        part.operands["id"] = str(dice.below(8))
    elif "threshold" in part.operands:
        part.operands["threshold"] += dice.one_of([" - 1", " - 1", " + 1"])


def without_guard(dice, block, k, ranks):
    block[k].guard = None


def elsewhere(dice, block, k, ranks):
    """A tile, or a place in global memory, one unit further on."""
    part = block[k]
    names = [name for name in ("to", "a", "source", "tile", "unit") if name in part.operands]
    name = dice.one_of(names)
    part.operands[name] = f"({part.operands[name]}) {dice.one_of(['+ 1', '- 1'])}"


# How often each is made, and of which kinds of statements.
MUTATIONS = [
    (drop, 4, SYNCHRONISES),
    (drop_flag, 5, {"set_flag"}),
    (drop_meeting, 4, {"wait"}),
    (move, 6, SYNCHRONISES),
    (duplicate, 1, SYNCHRONISES),
    (swap, 4, None),
    (weaken, 4, {"barrier", "drain", "set_flag", "wait_flag", "wait"}),
    (without_guard, 1, SYNCHRONISES),
    (elsewhere, 3, MOVES_DATA),
]


def mutate(dice, body, ranks):
    possible = {k: weight for k, (_, weight, kinds) in enumerate(MUTATIONS) if sites(body, kinds)}
    mutation, _, kinds = MUTATIONS[dice.weighted(possible)]
    mutation(dice, *dice.one_of(sites(body, kinds)), ranks)
