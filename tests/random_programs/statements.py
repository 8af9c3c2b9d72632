# SPDX-License-Identifier: Apache-2.0
"""Programs as statements, which can be written as C++ and carried out here.

The operands of a statement are expressions that C++ and Python read alike: integers, `+ - * %`,
one comparison, and the names `me` (the rank), `P` (ranks) and `i` (the round of a loop).
"""

import copy


class Statement:
    def __init__(self, kind, guard=None, **operands):
        self.kind = kind
        self.guard = guard  # it is left out in rounds in which this is false
        self.operands = {name: str(value) for name, value in operands.items()}
        self.line = 0  # in the source that it has been written to

    def __getattr__(self, name):
        try:
            return self.__dict__["operands"][name]
        except KeyError:
            raise AttributeError(name) from None

    def value(self, name, names):
        return int(evaluate(self.operands[name], names))

    def __deepcopy__(self, memo):
        return Statement(self.kind, self.guard, **self.operands)


class Loop:
    def __init__(self, rounds, body):
        self.rounds = rounds
        self.body = body

    def __deepcopy__(self, memo):
        return Loop(self.rounds, copy.deepcopy(self.body, memo))


_compiled = {}


def evaluate(expression, names):
    if expression not in _compiled:
        _compiled[expression] = compile(expression, expression, "eval")
    return eval(_compiled[expression], {}, names)


def blocks_of(body):
    """The body itself and the bodies of its loops: lists that statements stand in."""
    yield body
    for part in body:
        if isinstance(part, Loop):
            yield from blocks_of(part.body)


def statements_of(body):
    for block in blocks_of(body):
        for part in block:
            if isinstance(part, Statement):
                yield part


def unrolled(body, names):
    """Each statement that is carried out, in order, with the names that its operands see."""
    for part in body:
        if isinstance(part, Loop):
            for i in range(part.rounds):
                yield from unrolled(part.body, {**names, "i": i})
        elif part.guard is None or evaluate(part.guard, names):
            yield part, names


class Writer:
    """The lines of one source. `text_of` says how a statement is written."""

    def __init__(self, text_of):
        self.lines = []
        self._text_of = text_of

    def add(self, *lines):
        self.lines.extend(lines)

    def body(self, body, indent=1):
        for part in body:
            if isinstance(part, Loop):
                self.add(f"{'  ' * indent}for (int i = 0; i < {part.rounds}; ++i) {{")
                self.body(part.body, indent + 1)
                self.add("  " * indent + "}")
                continue
            text = self._text_of(part)
            if part.guard is not None:
                text = f"if ({part.guard}) {text}"
            self.add("  " * indent + text)
            part.line = len(self.lines)
